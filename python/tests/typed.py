"""How programs use the types: checked by mypy and pyright, and not run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import kinpack
from kinpack import testing
from kinpack.compat import aggregator, deaggregator


def handler(event: dict[str, Any], context: object) -> int:
    count = 0
    for record in kinpack.records(event, errors="keep"):
        if record.error is not None:
            number: int = record.error.kinesis_index
            print(number, record.error.sequence_number)
            continue
        key: str | None = record.partition_key
        data: bytes = record.data
        count += len(data) + len(key or "")
    return count


def sequence(event: bytes) -> Sequence[kinpack.UserRecord]:
    records = kinpack.records(event, policy="strict", hash_key_range=(0, "7"))
    first: kinpack.UserRecord = records[0]
    part: kinpack.Records = records[1:]
    datas: list[bytes] = part.data()
    views: list[memoryview] = part.memoryviews()
    print(first, datas, views, json.dumps(first.json()))
    return list(records)


def pack(stream: Iterator[tuple[str, str]]) -> list[dict[str, Any]]:
    with kinpack.Aggregator(shards=4, outer_key="lanes:4") as packer:
        for key, text in stream:
            waiting: int = packer.add(key, text)
            print(waiting)
    entries = packer.finished()
    again = list(kinpack.aggregate(kinpack.records(entries), shards=kinpack.ShardMap(4)))
    return [dict(entry) for batch in kinpack.batches(again) for entry in batch]


def payloads(record: kinpack.UserRecord, schema: str) -> tuple[Any, bytes]:
    reader = kinpack.AvroReader(lambda schema_id: schema, framing="confluent")
    small = kinpack.Compressor("zstd:3").compress(record.data)
    return record.avro(reader), kinpack.Decompressor().decompress(small, "zstd")


def drop_in(event: dict[str, Any]) -> bytes:
    packer = aggregator.RecordAggregator()
    for record in deaggregator.iter_deaggregate_records(event["Records"]):
        packer.add_user_record(record["kinesis"]["partitionKey"], record["kinesis"]["data"])
    full = packer.clear_and_get()
    return full.get_contents()[2] if full else b""


def tested(record: kinpack.UserRecord) -> None:
    event: dict[str, Any] = testing.event(
        [("ada", "1"), [record, ("bob", b"2", 7)], b"3", *kinpack.aggregate([("cyd", "4")])],
        per_aggregate=2,
        after=testing.event([]),
    )
    clock = testing.Clock()
    context = testing.Context(timeout=3, clock=clock)
    left: int = context.get_remaining_time_in_millis()

    def handle(record: kinpack.UserRecord) -> int:
        return len(record.data)

    count: int = testing.fail_at(handle, {1, 2}, ValueError("no"), times=1)(record)
    testing.cut_at(handle, lambda record: record.partition_key == "ada")
    broken = testing.broken(event, 0, "digest")
    again: dict[str, Any] | None = testing.retry(broken, {"batchItemFailures": []})
    delivery = testing.deliver(lambda event, context: None, event, bisect=True)
    reported: list[str] = delivery.attempts[0].reported
    print(left, count, again, reported, testing.bisect(event))
