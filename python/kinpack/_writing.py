"""User records in, entries for PutRecords out."""

from __future__ import annotations

from kinpack._kinpack import Aggregator

# Finished together, so that their digests are computed side by side.
_TOGETHER = 32


def aggregate(records, **options):
    """Packs user records: an iterator of entries for `put_records` of boto3, in dicts.

    A record is a tuple `(partition_key, data[, explicit_hash_key])` or a `UserRecord`. Records are
    taken from the iterable as the entries are asked for. The options are those of `Aggregator`.
    """
    aggregator = Aggregator(**options)
    records = iter(records)
    more = True
    while more:
        more = aggregator._extend(records, _TOGETHER)
        if not more:
            aggregator.flush()
        yield from aggregator.finished()


def batches(entries, *, max_entries=500, max_bytes=5 << 20):
    """Groups entries into lists that one PutRecords request takes.

    5 MiB of data and partition keys, as the KPL keeps to; Kinesis takes 10 MiB today.
    """
    batch: list[dict[str, object]] = []
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
