"""User records in, entries for PutRecords out."""

from __future__ import annotations

from kinpack._kinpack import Aggregator

# As typing has it; importing that takes longer than all of kinpack.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from kinpack._kinpack import _Record, _Shards

# Finished together, so that their digests are computed side by side.
_TOGETHER = 32


def aggregate(
    records: Iterable[_Record],
    *,
    max_size: int = 51200,
    outer_key: str = "kpl",
    shards: _Shards | None = None,
    max_count: int = 4294967295,
    record_limit: int = 1048576,
) -> Iterator[dict[str, Any]]:
    """Packs user records: an iterator of entries for `put_records` of boto3, in dicts.

    A record is a tuple `(partition_key, data[, explicit_hash_key])` or a `UserRecord`. Records are
    taken from the iterable as the entries are asked for. The options are those of `Aggregator`.

    >>> [entry] = kinpack.aggregate([("ada", "1"), ("bob", b"2")])
    >>> entry["PartitionKey"], len(entry["Data"])
    ('a', 44)
    >>> kinpack.records([entry]).data()
    [b'1', b'2']
    """
    aggregator = Aggregator(
        max_size=max_size,
        outer_key=outer_key,
        shards=shards,
        max_count=max_count,
        record_limit=record_limit,
    )
    return _entries(aggregator, iter(records))


def _entries(aggregator: Aggregator, records: Iterator[_Record]) -> Iterator[dict[str, Any]]:
    more = True
    while more:
        more = aggregator._extend(records, _TOGETHER)
        if not more:
            aggregator.flush()
        yield from aggregator.finished()


def batches(
    entries: Iterable[Mapping[str, Any]], *, max_entries: int = 500, max_bytes: int = 5 << 20
) -> Iterator[list[Mapping[str, Any]]]:
    """Groups entries into lists that one PutRecords request takes.

    5 MiB of data and partition keys, as the KPL keeps to; Kinesis takes 10 MiB today.

    >>> records = [(f"key-{number}", "hello") for number in range(5)]
    >>> entries = kinpack.aggregate(records, outer_key="per-key")
    >>> [len(batch) for batch in kinpack.batches(entries, max_entries=2)]
    [2, 2, 1]
    """
    batch: list[Mapping[str, Any]] = []
    size = 0
    for entry in entries:
        entry_size = len(entry["Data"]) + len(entry["PartitionKey"].encode())
        if batch and (len(batch) >= max_entries or size + entry_size > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry_size
    if batch:
        yield batch
