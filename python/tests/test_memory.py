"""Memory stays where it is, whatever comes through."""

import base64
import gc
import json
import os
import resource
import sys

import pytest

import kinpack
from vectors import lambda_event

#: Events to read: 100,000 in a long run.
EVENTS = int(os.environ.get("EVENTS", "1000"))


def resident():
    """Bytes that the process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def event():
    records = [(f"key-{number % 10}", b"x" * 100) for number in range(1000)]
    entries = [
        {"data": base64.b64encode(it["Data"]).decode(), "partition_key": "a"}
        for it in kinpack.aggregate(records)
    ]
    return lambda_event([*entries, {"data": "aGk=", "partition_key": "k"}])


def flat(once, times=EVENTS, most=8 << 20):
    for _ in range(times // 4):
        once()
    gc.collect()
    before = resident()
    for _ in range(times):
        once()
    gc.collect()
    assert resident() - before < most


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
class TestFlat:
    def test_reading(self):
        one = event()
        raw = json.dumps(one).encode()

        def read():
            for record in kinpack.records(one):
                _ = record.data, record.partition_key, record.id
            kinpack.records(raw).data()
            kinpack.records(raw).memoryviews()

        flat(read, EVENTS // 10)

    def test_faults(self):
        one = event()
        one["Records"][0]["kinesis"]["data"] = "?"

        def read():
            with pytest.raises(kinpack.DecodeError):
                kinpack.records(one)
            assert kinpack.records(one, errors="keep")[0].error is not None

        flat(read)

    def test_writing(self):
        records = [(f"key-{number}", b"x" * 100) for number in range(1000)]
        aggregator = kinpack.Aggregator(shards=4)

        def write():
            list(kinpack.aggregate(records))
            for record in records[:100]:
                aggregator.add(*record)
            aggregator.flush()
            aggregator.finished()

        flat(write, EVENTS // 2)

    def test_payloads(self):
        schema = kinpack.AvroSchema('{"type": "map", "values": "long"}')
        reader = kinpack.AvroReader(kinpack.SchemaStore([schema]))
        compressor = kinpack.Compressor("zstd")
        decompressor = kinpack.Decompressor()

        def both():
            message = schema.encode({str(number): number for number in range(50)})
            assert len(reader.read(message)) == 50
            assert decompressor.decompress(compressor.compress(message)) == message

        flat(both)
