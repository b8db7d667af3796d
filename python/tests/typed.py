"""How programs use the types: checked by mypy and pyright, and not run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import kinpack
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
