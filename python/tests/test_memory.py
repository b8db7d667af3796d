"""Memory stays where it is, whatever comes through."""

import base64
import gc
import itertools
import json
import os
import resource
import sys
import weakref

import pytest

import kinpack
from vectors import lambda_event

#: Large events to read: 100,000 in a long run.
EVENTS = int(os.environ.get("EVENTS", "1000"))
SMALL_EVENTS = 100_000


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
    for _ in range(times // 20):
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

    def test_a_hundred_thousand_events(self):
        """Which a function that stays up for hours gets; a leak of 40 bytes each shows."""
        packed = [
            {"data": base64.b64encode(it["Data"]).decode(), "partition_key": "a"}
            for it in kinpack.aggregate([(f"key-{it}", b"x" * 100, it) for it in range(10)])
        ]
        one = lambda_event([*packed, {"data": "aGk=", "partition_key": "k"}])
        raw = json.dumps(one)
        turns = itertools.cycle([one, raw])

        def read():
            records = kinpack.records(next(turns))
            assert records.data()[-1] == b"hi"
            record = records[0]
            _ = record.data, record.partition_key, record.explicit_hash_key
            _ = record.id, record.approximate_arrival_timestamp, record.shard_id

        flat(read, SMALL_EVENTS, most=4 << 20)

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


class TestReferences:
    def test_an_aggregator_keeps_none(self):
        key, data, explicit = "k" * 50, b"x" * 100, 2**100
        text, view = "text" * 20, memoryview(bytearray(b"y" * 100))
        held = (key, data, explicit, text, view)
        before = [sys.getrefcount(it) for it in held]
        aggregator = kinpack.Aggregator(shards=4)
        for _ in range(100):
            for it in (data, text, view):
                aggregator.add(key, it, explicit)
            with pytest.raises(kinpack.EncodeError):
                aggregator.add("", data, explicit)
        del it
        list(kinpack.aggregate([(key, data, explicit)] * 100))
        assert [sys.getrefcount(it) for it in held] == before

    def test_views_hold_one_object_and_let_go_of_it(self):
        data = b"x" * 1000
        before = sys.getrefcount(data)
        views = kinpack.records([{"Data": data}] * 3).memoryviews()
        assert sys.getrefcount(data) > before
        del views
        assert sys.getrefcount(data) == before

    def test_an_event_that_failed_is_let_go_of(self):
        one = event()
        one["Records"][-1]["kinesis"]["data"] = "?"
        watched = one["Records"][0]["kinesis"]["data"]
        before = sys.getrefcount(watched)
        for _ in range(50):
            with pytest.raises(kinpack.DecodeError):
                kinpack.records(one)
            with pytest.raises(kinpack.EventError):
                kinpack.records([*one["Records"], 7])
            for record in kinpack.records(one, errors="keep"):
                _ = record.error
            del record
        assert sys.getrefcount(watched) == before

    def test_records_put_into_what_they_were_read_from(self):
        """As middleware does that decodes once for all who come after it."""

        class Event(dict):
            """A dict that can be watched."""

        (record,) = event()["Records"][-1:]
        one = Event(record)
        one["decoded"] = kinpack.records([one])
        assert one["decoded"][0].data == b"hi"
        alive = weakref.ref(one)
        del one
        gc.collect()
        assert alive() is None
