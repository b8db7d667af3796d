"""`kinpack.testing`: what it makes is what Lambda sends."""

import asyncio
import base64
import doctest
import json
import subprocess
import sys

import pytest

import kinpack
from kinpack import testing
from kinpack.testing import _context, _delivery, _events, _faults
from vectors import lambda_event

MODULES = [_events, _context, _delivery, _faults]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples(module):
    names = {"kinpack": kinpack, "testing": testing}
    failed, tried = doctest.testmod(module, extraglobs=names)
    assert tried > 0 and failed == 0


def test_every_public_name_has_an_example():
    records = [testing.Attempt, testing.Delivery, testing.Cut]
    for name in testing.__all__:
        value = getattr(testing, name)
        assert value in records or ">>>" in value.__doc__, name


def test_it_is_not_imported_by_kinpack():
    code = "import sys, kinpack; assert 'kinpack.testing' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def keys(event):
    return [record["kinesis"].get("partitionKey") for record in event["Records"]]


def numbers(event):
    return [record["kinesis"]["sequenceNumber"] for record in event["Records"]]


def test_members_are_those_that_lambda_sends():
    event = testing.event([("ada", "1")], shard=6, region="eu-west-1", stream="orders")
    (record,), (known,) = (
        event["Records"],
        lambda_event([{"data": "", "partition_key": "x"}])["Records"],
    )
    assert record.keys() == known.keys()
    assert record["kinesis"].keys() == known["kinesis"].keys()
    assert record["eventSourceARN"] == known["eventSourceARN"]
    assert record["awsRegion"] == known["awsRegion"]
    assert record["eventID"] == f"shardId-000000000006:{numbers(event)[0]}"
    assert record["kinesis"]["data"] == "MQ=="
    assert json.loads(json.dumps(event)) == event
    assert testing.event([("ada", "1")]) == testing.event([("ada", "1")])


def test_records_come_out_as_they_went_in():
    user_record = kinpack.UserRecord(b"4", "dan", "7")
    packed = list(kinpack.aggregate([("eve", "5"), ("fay", "6")]))
    items = [
        ("ada", "1"),
        [("bob", b"2"), ("cyd", bytearray(b"3"), 7)],
        user_record,
        [user_record],
        *packed,
        b"7",
        memoryview(b"8"),
        "9",
    ]
    event = testing.event(items, outer_key="outer")
    assert keys(event) == ["ada", "outer", "dan", "outer", "a", None, None, None]
    got = [
        (it.partition_key, it.data, it.explicit_hash_key, it.aggregated)
        for it in kinpack.records(event, policy="strict")
    ]
    assert got == [
        ("ada", b"1", None, False),
        ("bob", b"2", None, True),
        ("cyd", b"3", "7", True),
        ("dan", b"4", None, False),
        ("dan", b"4", "7", True),
        ("eve", b"5", None, True),
        ("fay", b"6", None, True),
        (None, b"7", None, False),
        (None, b"8", None, False),
        (None, b"9", None, False),
    ]
    assert testing.event([]) == {"Records": []}


def test_so_many_are_packed_together():
    items = [("ada", str(n)) for n in range(5)]
    event = testing.event([*items, b"alone", *items[:1]], per_aggregate=2)
    read = kinpack.records(event)
    assert [it.kinesis_index for it in read] == [0, 0, 1, 1, 2, 3, 4]
    assert [it.aggregated for it in read] == [True] * 5 + [False, True]


def test_sequence_numbers_grow_and_say_the_shard():
    first = testing.event([("ada", "1")] * 50, shard=3)
    second = testing.event([("ada", "1")] * 50, shard=3, after=first)
    both = [int(number) for number in numbers(first) + numbers(second)]
    assert both == sorted(set(both))
    assert all(len(str(number)) == 56 for number in both)
    # The shard and the version of the number, as in those of the service.
    assert {number % 2**36 for number in both} == {3 << 4 | 2}
    assert {later - earlier for earlier, later in zip(both, both[1:])} != {1}
    assert testing.event(["x"], after=testing.event([])) == testing.event(["x"])
    arrivals = [it["kinesis"]["approximateArrivalTimestamp"] for it in first["Records"]]
    assert arrivals == sorted(set(arrivals))
    assert testing.event(["x"], shard="any-name")["Records"][0]["eventID"].startswith("any-name:")


def test_fan_out():
    items = [("zoe", "0"), [("ada", "1"), ("bob", "2")], [("cyd", "3")]]
    event = testing.event(items, fan_out=True, consumer="mine")
    assert keys(event) == ["zoe", "ada", "bob", "cyd"]
    first, second, third, fourth = numbers(event)
    assert second == third and len({first, second, fourth}) == 3
    assert all("/consumer/mine:" in it["eventSourceARN"] for it in event["Records"])
    assert kinpack.records(event).data() == [b"0", b"1", b"2", b"3"]
    assert not any(it.aggregated for it in kinpack.records(event))
    # Whatever cannot be taken apart comes as it is.
    packed = base64.b64decode(testing.event([[("ada", "1")]])["Records"][0]["kinesis"]["data"])
    broken = packed[:-1] + bytes([packed[-1] ^ 1])
    (record,) = testing.event([broken], fan_out=True)["Records"]
    assert base64.b64decode(record["kinesis"]["data"]) == broken
    squeezed = kinpack.Compressor("gzip").compress_for_kinpack_readers_only(packed)
    (record,) = testing.event([squeezed], fan_out=True)["Records"]
    assert base64.b64decode(record["kinesis"]["data"]) == squeezed


@pytest.mark.parametrize(
    ("items", "options", "error", "text"),
    [
        ([3], {}, TypeError, "int is no record"),
        ([("ada",)], {}, TypeError, "not 1 members"),
        ([("ada", 3)], {}, TypeError, "int is no record and no data"),
        ([[b"x"]], {}, TypeError, "and not of bytes"),
        ([[("k", bytes(6 << 20))] * 2], {}, ValueError, "more than"),
        ([("ada", "1")], {"per_aggregate": 0}, ValueError, "per_aggregate is 0"),
    ],
)
def test_what_is_no_record(items, options, error, text):
    with pytest.raises(error, match=text):
        testing.event(items, **options)


def test_contexts():
    clock = testing.Clock(100)
    context = testing.Context(1.5, clock=clock, function_name="f", memory_limit_in_mb=512)
    assert context.get_remaining_time_in_millis() == 1500
    clock.advance(1)
    assert context.get_remaining_time_in_millis() == 500
    clock.now = 1000
    assert context.get_remaining_time_in_millis() == 0
    assert context.invoked_function_arn.endswith(":function:f")
    assert context.memory_limit_in_mb == "512"
    assert context.aws_request_id != testing.Context().aws_request_id
    assert context.aws_request_id in repr(context)
    assert 29_000 < testing.Context().get_remaining_time_in_millis() <= 30_000


def test_a_context_has_what_lambda_gives():
    ric = pytest.importorskip("awslambdaric.lambda_context", reason="awslambdaric has no wheel")
    real = ric.LambdaContext("id", None, None, 0, "arn")
    ours = testing.Context()
    for name in vars(real):
        assert name.startswith("_") or hasattr(ours, name), name
    assert isinstance(ours.memory_limit_in_mb, str)


BATCH = testing.event([[("ada", "1"), ("bob", "2")], ("cyd", "3"), [("dan", "4")]])


@pytest.mark.parametrize("index", [0, 2, -1])
@pytest.mark.parametrize("what", ["base64", "digest", "protobuf", "index"])
def test_broken_records(what, index):
    before = json.dumps(BATCH)
    event = testing.broken(BATCH, index, what)
    assert json.dumps(BATCH) == before
    broken = [it for it in kinpack.records(event, policy="strict", errors="keep") if it.error]
    assert [it.kinesis_index for it in broken] == [index % 3]
    text = {
        "base64": "not base64",
        "digest": "digest does not match",
        "protobuf": "runs past the end",
        "index": "points at partition key 4294967295",
    }[what]
    assert text in str(broken[0].error)


def test_what_cannot_be_broken():
    with pytest.raises(ValueError, match="Kinesis record 1 is no aggregate"):
        testing.broken(BATCH, 1, "digest")
    with pytest.raises(ValueError, match="'bits' is not"):
        testing.broken(BATCH, 0, "bits")
    testing.broken(BATCH, 1, "base64")


def named(*identifiers):
    return {"batchItemFailures": [{"itemIdentifier": it} for it in identifiers]}


def test_retries():
    first, second, third = numbers(BATCH)
    assert numbers(testing.retry(BATCH, named(third, second, third))) == [second, third]
    assert testing.retry(BATCH, named(first)) == BATCH
    for through in (named(), {"batchItemFailures": None}, {}, None, {"itemFailures": named(first)}):
        assert testing.retry(BATCH, through) is None
    misnamed = {"batchItemFailures": [{"itemIdentifer": second}]}
    for failed in (named(""), named(None), named("7"), misnamed, {"batchItemFailures": "x"}):
        assert testing.retry(BATCH, failed) == BATCH, failed
    assert testing.retry(BATCH, ValueError()) == BATCH
    again = testing.retry(BATCH, named(third))
    again["Records"][0]["kinesis"]["data"] = ""
    assert BATCH["Records"][2]["kinesis"]["data"] != ""
    # A group of enhanced fan-out comes again from its first record on.
    group = testing.event([[("ada", "1"), ("bob", "2")], ("cyd", "3")], fan_out=True)
    assert testing.retry(group, named(numbers(group)[1])) == group


def test_a_record_that_never_works_is_found_by_bisecting():
    event = testing.event([(f"key-{n}", str(n)) for n in range(9)])
    seen = []

    def handler(event, context):
        for record in kinpack.records(event):
            if record.data == b"5":
                raise ValueError("no")
            seen.append(record.data)

    delivery = testing.deliver(handler, event, bisect=True, maximum_retry_attempts=2)
    assert keys({"Records": delivery.discarded}) == ["key-5"]
    assert set(seen) == {str(n).encode() for n in range(9) if n != 5}
    alone = [it for it in delivery.attempts if keys(it.event) == ["key-5"]]
    assert len(alone) == 3 and all(isinstance(it.error, ValueError) for it in alone)
    whole = testing.deliver(handler, event, maximum_retry_attempts=2)
    assert len(whole.attempts) == 3 and whole.discarded == event["Records"]


def test_deliveries_go_on_from_the_checkpoint():
    second = numbers(BATCH)[1]
    answers = iter([named(second), named(second), named()])
    delivery = testing.deliver(lambda event, context: next(answers), BATCH)
    assert [len(it.event["Records"]) for it in delivery.attempts] == [3, 2, 2]
    assert [it.reported for it in delivery.attempts] == [[second], [second], []]
    contexts = []
    testing.deliver(lambda event, context: contexts.append(context), BATCH, context=lambda: "c")
    assert contexts == ["c"]
    with pytest.raises(KeyboardInterrupt):
        testing.deliver(testing.fail_at(lambda *_: None, 0, KeyboardInterrupt), BATCH)


def call_all(handler, records, run=lambda it: it):
    failed = []
    for record in records:
        try:
            run(handler(record))
        except BaseException as error:
            failed.append((record.data, type(error)))
    return failed


@pytest.mark.parametrize(
    ("when", "times", "failed"),
    [
        (1, None, [b"2"]),
        ({0, 3}, None, [b"1", b"4"]),
        (lambda record: record.partition_key == "cyd", None, [b"3"]),
        (lambda record: True, 2, [b"1", b"2"]),
        (lambda record: True, 0, []),
    ],
)
def test_handlers_that_fail(when, times, failed):
    records, done = kinpack.records(BATCH), []
    handler = testing.fail_at(lambda record: done.append(record.data), when, times=times)
    assert call_all(handler, records) == [(data, RuntimeError) for data in failed]
    assert done == [data for data in records.data() if data not in failed]

    async def handle(record):
        done.append(record.data)

    handler = testing.fail_at(handle, when, OSError, times=times)
    assert asyncio.iscoroutinefunction(handler)
    assert call_all(handler, records, asyncio.run) == [(data, OSError) for data in failed]
    handler = testing.cut_at(handle, when, times=times)
    assert call_all(handler, records, asyncio.run) == [(data, testing.Cut) for data in failed]
    assert not issubclass(testing.Cut, Exception)


class Table:
    name = "table"

    def put_item(self, **item):
        return item


def test_clients_that_fail():
    client = testing.failing(Table(), "put_item", times=2, after=1)
    got = []
    for number in range(5):
        try:
            got.append(client.put_item(Item=number)["Item"])
        except Exception as error:
            got.append(error.response["Error"]["Code"])
            assert error.operation_name == "PutItem"
            assert "when calling the PutItem operation" in str(error)
    code = "ProvisionedThroughputExceededException"
    assert got == [0, code, code, 3, 4]
    assert client.name == "table"
    always = testing.failing(Table(), "put_item", TimeoutError("slow"))
    for _ in range(3):
        with pytest.raises(TimeoutError, match="slow"):
            always.put_item()
    with pytest.raises(AttributeError):
        testing.failing(Table(), "get_item").get_item()


def test_errors_are_those_of_boto3_where_there_is_one(monkeypatch):
    exceptions = pytest.importorskip("botocore.exceptions")
    with pytest.raises(exceptions.ClientError):
        testing.failing(Table(), "put_item", "X").put_item()
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)
    with pytest.raises(Exception, match="An error occurred \\(X\\) when calling") as raised:
        testing.failing(Table(), "put_item", "X").put_item()
    assert not isinstance(raised.value, exceptions.ClientError)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
