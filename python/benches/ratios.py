"""kinpack beside aws-kinesis-agg: what both give is compared, then both are timed, turn by turn.

usage: ratios.py [--check]      (--check: fail where a ratio is below its bar)
"""

from __future__ import annotations

import base64
import collections.abc  # noqa: F401  (aws-kinesis-agg uses it and forgets to import it)
import gc
import json
import math
import platform
import random
import subprocess
import sys
import time
from importlib.metadata import version

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records

import kinpack
from kinpack import testing
from kinpack.compat import deaggregator

# The two take turns, so many times, each for at least so many seconds, in pieces of so many.
ROUNDS = 60
TURN = 0.02
PIECE = 0.002
IMPORTS = 9
SEQUENCE_NUMBER = 49590338271490256608559692538361571095921575989136588898


def lambda_event(datas):
    """An event as Lambda makes it."""
    records = []
    for number, data in enumerate(datas):
        sequence_number = str(SEQUENCE_NUMBER + number)
        records.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "a",
                    "sequenceNumber": sequence_number,
                    "data": base64.b64encode(data).decode(),
                    "approximateArrivalTimestamp": 1714566896.789,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/orders-reader",
                "awsRegion": "eu-west-1",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
            }
        )
    return {"Records": records}


def aggregates(count, size):
    """User records of this size in aggregates as the KPL makes them."""
    chance = random.Random(7)
    records = [(f"device-{number % 100}", chance.randbytes(size)) for number in range(count)]
    return records, [entry["Data"] for entry in kinpack.aggregate(records)]


def seconds(calls):
    """The least time of each call; the processor's, as machines have others to work for, too."""
    repeat, best = [], [float("inf")] * len(calls)
    for call in calls:
        start = time.thread_time()
        call()
        repeat.append(max(1, math.ceil(PIECE / max(time.thread_time() - start, 1e-7))))
    gc.collect()
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            begin = time.thread_time()
            while time.thread_time() - begin < TURN:
                start = time.thread_time()
                for _ in range(repeat[number]):
                    call()
                took = (time.thread_time() - start) / repeat[number]
                best[number] = min(best[number], took)
    return best


def their_list(event):
    return [base64.b64decode(it["kinesis"]["data"]) for it in deaggregate_records(event)]


class Table:
    def __init__(self):
        self.below = []
        print("| a user record of | ratio | kinpack | aws-kinesis-agg |")
        print("|---|--:|--:|--:|")

    def compare(self, what, bar, records, mine, other):
        """Both give the same, then how long each takes for a user record."""
        assert mine() == other(), what
        one, two = seconds([mine, other])
        self.row(what, bar, two / one, *(f"{it / records * 1e9:,.0f} ns" for it in (one, two)))

    def row(self, what, bar, ratio, mine, other):
        print(f"| {what} | {ratio:.1f} | {mine} | {other} |", flush=True)
        if ratio < bar:
            self.below.append(f"{what} ({bar})")


def reading(table, name, event, bars):
    raw = json.dumps(event).encode()
    records = len(kinpack.records(event))

    def their_pairs(event):
        return [
            (base64.b64decode(it["kinesis"]["data"]), it["kinesis"]["partitionKey"])
            for it in deaggregate_records(event)
        ]

    table.compare(
        f"{name}: event dict to list of bytes",
        bars[0],
        records,
        lambda: kinpack.records(event).data(),
        lambda: their_list(event["Records"]),
    )
    table.compare(
        f"{name}: event dict, each data and partition key",
        bars[1],
        records,
        lambda: [(it.data, it.partition_key) for it in kinpack.records(event)],
        lambda: their_pairs(event["Records"]),
    )
    table.compare(
        f"{name}: event JSON to list of bytes",
        bars[2],
        records,
        lambda: kinpack.records(raw).data(),
        lambda: their_list(json.loads(raw)["Records"]),
    )


def drop_in(table, event):
    records = event["Records"]
    table.compare(
        "aggregates of 100 B messages: kinpack.compat, its dicts",
        1,
        len(kinpack.records(event)),
        lambda: deaggregator.deaggregate_records(records),
        lambda: deaggregate_records(records),
    )


def cold(event):
    """A single call of each in turn, so that nothing of it is in a cache or mapped any more."""
    calls = [lambda: kinpack.records(event).data(), lambda: their_list(event["Records"])]
    best = [float("inf")] * 2
    for _ in range(ROUNDS // 3):
        for number, call in enumerate(calls):
            start = time.thread_time()
            call()
            best[number] = min(best[number], time.thread_time() - start)
    return best[1] / best[0]


def aggregating(table, name, records, bar):
    def theirs():
        packer = RecordAggregator(51200)
        full = [packer.add_user_record(key, data) for key, data in records]
        return [it.get_contents()[2] for it in [*full, packer.clear_and_get()] if it]

    def mine():
        return [it["Data"] for it in kinpack.aggregate(records)]

    # They overestimate what a key takes, so their aggregates are smaller.
    read = [kinpack.records([{"Data": data} for data in it()]).data() for it in (mine, theirs)]
    assert read[0] == read[1] == [data for _, data in records]
    one, two = seconds([mine, theirs])
    each = [f"{it / len(records) * 1e9:,.0f} ns" for it in (one, two)]
    table.row(name, bar, two / one, *each)


def fixed_cost(table):
    _, datas = aggregates(10, 100)
    small = lambda_event(datas)
    reading_small = [
        lambda: kinpack.records(small).data(),
        lambda: their_list(small["Records"]),
    ]
    assert reading_small[0]() == reading_small[1]()
    one, two = seconds(reading_small)
    row = "one Kinesis record of 10 messages of 100 B to list of bytes"
    table.row(row, 5, two / one, f"{one * 1e6:.2f} us", f"{two * 1e6:.2f} us")
    # What is not the digest and the bytes: an event of one empty record.
    empty = lambda_event([b""])
    (least,) = seconds([lambda: kinpack.records(empty).data()])
    print(f"\nFixed cost of a call, an event of one empty record: {least * 1e6:.2f} us (bar: 2)")
    if least > 2e-6:
        table.below.append("fixed cost")


def handlers():
    """What the engine costs, where the handler does nothing."""
    count = 44_000
    messages = [(f"key-{it % 100}", bytes(100)) for it in range(count)]
    event = testing.event(messages, per_aggregate=440)

    def do_nothing(record):
        pass

    async def do_nothing_async(record):
        pass

    def loop(event, context):
        with kinpack.batch(event, context, report="batch_item_failures") as batch:
            for record in batch:
                do_nothing(record)
        return batch.response

    made = {
        "a loop": loop,
        "one by one": kinpack.handler(report="batch_item_failures")(do_nothing),
        "16 tasks": kinpack.handler(report="batch_item_failures", concurrency=16)(do_nothing_async),
        "16 threads": kinpack.handler(report="batch_item_failures", concurrency=16)(do_nothing),
    }
    said = []
    for name, handle in made.items():
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            answer = handle(event, testing.Context(timeout=900))
            times.append(time.perf_counter() - begun)
            assert answer == {"batchItemFailures": []}
        said.append(f"{name} {min(times) / count * 1e6:.1f} us")
    print("A user record through a handler that does nothing: " + ", ".join(said))


def imports(table):
    times = []
    for module in ("kinpack", "collections.abc, aws_kinesis_agg.deaggregator"):
        code = (
            f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        )
        runs = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(IMPORTS)]
        times.append(min(map(float, runs)) * 1e3)
    print(f"Import: {times[0]:.1f} ms (bar: 10), aws-kinesis-agg with protobuf {times[1]:.1f} ms")
    if times[0] > 10:
        table.below.append("import")


def main():
    versions = ", ".join(f"{it} {version(it)}" for it in ("kinpack", "aws-kinesis-agg", "protobuf"))
    print(f"{platform.python_implementation()} {platform.python_version()}, {versions}\n")
    table = Table()
    _, datas = aggregates(44_000, 100)
    event = lambda_event(datas)
    for size, bars in ((100, (35, 12, 50)), (1000, (10, 8, 12)), (10_000, (5, 5, 5))):
        _, datas = aggregates(4_400_000 // size, size)
        reading(table, f"aggregates of {size:,} B messages", lambda_event(datas), bars)
    chance = random.Random(7)
    plain = lambda_event([chance.randbytes(100) for _ in range(10_000)])
    reading(table, "10,000 plain records of 100 B", plain, (3, 3, 10))
    for size, bar in ((100, 20), (1000, 5)):
        records, _ = aggregates(4_400_000 // size, size)
        aggregating(table, f"aggregating messages of {size:,} B", records, bar)
    drop_in(table, event)
    fixed_cost(table)
    print(f"The first row, one call after the other's in turn: {cold(event):.1f}")
    handlers()
    imports(table)
    if table.below:
        print("below the bar: " + "; ".join(table.below))
        if "--check" in sys.argv:
            sys.exit(1)


if __name__ == "__main__":
    main()
