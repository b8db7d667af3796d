"""The processor for Powertools, with the real package."""

import base64
import doctest
import hashlib
import inspect
import json
import logging
import subprocess
import sys
import warnings
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    async_process_partial_response,
    batch_processor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser.models import (
    KinesisDataStreamRecord,
    KinesisDataStreamRecordPayload,
)
from pydantic import BaseModel, ConfigDict, Json, field_validator

import kinpack
import kinpack.powertools
from kinpack import testing
from kinpack.powertools import AggregatedKinesisProcessor, AsyncAggregatedKinesisProcessor

BATCH = testing.event(
    [
        [("ada", '{"n": 1}', 7), ("bob", '{"n": 2}')],
        ("cyd", '{"n": 3}'),
        [("dan", '{"n": 4}'), ("dan", '{"n": 4}')],
    ],
    shard=6,
)


def numbers(event=BATCH):
    return [record["kinesis"]["sequenceNumber"] for record in event["Records"]]


def failed(*indices, event=BATCH):
    return {"batchItemFailures": [{"itemIdentifier": numbers(event)[at]} for at in indices]}


def run(handler, event=BATCH, context=None, processor=None, **options):
    """With either of the two processors, as the handler is a coroutine or not."""
    if inspect.iscoroutinefunction(handler):
        processor = processor or AsyncAggregatedKinesisProcessor(**options)
        process = async_process_partial_response
    else:
        processor = processor or AggregatedKinesisProcessor(**options)
        process = process_partial_response
    return process(event=event, record_handler=handler, processor=processor, context=context)


@pytest.fixture(params=["sync", "async"])
def both(request):
    """Makes a handler of either kind."""

    def make(function):
        async def handler(record):
            return function(record)

        return handler if request.param == "async" else lambda record: function(record)

    return make


def test_examples():
    names = {"testing": testing}
    failures, tried = doctest.testmod(kinpack.powertools, extraglobs=names)
    assert tried > 0 and failures == 0


def test_powertools_is_imported_only_here():
    code = "import sys, kinpack, kinpack.testing; assert 'aws_lambda_powertools' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_user_records_are_like_kinesis_records(both):
    seen = []
    assert run(both(seen.append)) == failed()
    assert all(isinstance(record, KinesisStreamRecord) for record in seen)
    assert [it.kinesis.data_as_json()["n"] for it in seen] == [1, 2, 3, 4, 4]
    assert [it.kinesis.partition_key for it in seen] == ["ada", "bob", "cyd", "dan", "dan"]
    first, second, third = numbers()
    assert [it.kinesis.sequence_number for it in seen] == [first, first, second, third, third]
    assert [it.kinesis.sub_sequence_number for it in seen] == [0, 1, 0, 0, 1]
    assert [it.kinesis.aggregated for it in seen] == [True, True, False, True, True]
    assert [it.kinesis.explicit_hash_key for it in seen] == ["7", None, None, None, None]
    shard = "shardId-000000000006"
    assert [it.event_id for it in seen] == [
        f"{shard}:{first}:0",
        f"{shard}:{first}:1",
        f"{shard}:{second}",
        f"{shard}:{third}:0",
        f"{shard}:{third}:1",
    ]
    record = seen[0]
    assert record.kinesis.data == base64.b64encode(b'{"n": 1}').decode()
    assert record.kinesis.data_as_text() == '{"n": 1}'
    assert record.kinesis.data_as_bytes() == b'{"n": 1}'
    assert record.kinesis.kinesis_schema_version == "1.0"
    assert record.aws_region == "us-east-2"
    assert record.event_name == "aws:kinesis:record"
    assert [it.user_record for it in seen] == list(kinpack.records(BATCH))
    assert [it.user_record.id for it in seen] == [it.id for it in kinpack.records(BATCH)]
    # What is logged of a record is JSON.
    assert json.loads(json.dumps(record.raw_event))["kinesis"]["subSequenceNumber"] == 0
    assert "'sub_sequence_number': 0" in str(record)


def test_plain_records_are_what_powertools_makes_of_them():
    event = testing.event([("ada", "1"), ("bob", "2")])
    ours, theirs = [], []
    run(lambda record: ours.append(record), event)
    processor = BatchProcessor(EventType.KinesisDataStreams)
    process_partial_response(event, lambda record: theirs.append(record), processor)
    assert [it.raw_event for it in ours] == [it.raw_event for it in theirs] == event["Records"]


@pytest.mark.parametrize(
    ("keys", "reported"),
    [
        ({"bob"}, [0]),
        ({"ada", "bob"}, [0]),
        ({"dan", "ada"}, [0, 2]),
        ({"cyd"}, [1]),
        (set(), []),
    ],
)
def test_the_response_names_each_kinesis_record_once_and_in_order(both, keys, reported):
    def handle(record):
        if record.kinesis.partition_key in keys:
            raise ValueError(record.event_id)

    assert run(both(handle)) == failed(*reported)


def test_the_order_is_the_events_where_later_records_fail_first():
    import asyncio

    async def handle(record):
        await asyncio.sleep(0 if record.kinesis.partition_key == "dan" else 0.02)
        if record.kinesis.partition_key in ("ada", "dan"):
            raise ValueError

    assert run(handle) == failed(0, 2)


def test_a_handler_goes_through_all_retries():
    done = []

    def handle(record):
        if record.kinesis.partition_key == "bob" and len(done) < 4:
            raise ValueError
        done.append(record.event_id)

    delivery = testing.deliver(lambda event, context: run(handle, event), BATCH)
    assert [it.reported for it in delivery.attempts] == [[numbers()[0]], []]
    assert len(set(done)) == 5 and not delivery.discarded


@pytest.mark.parametrize("what", ["base64", "digest", "protobuf", "index"])
@pytest.mark.parametrize("model", [None, KinesisDataStreamRecord])
def test_broken_aggregates_fail_their_kinesis_record(both, what, model):
    seen, event = [], testing.broken(BATCH, 2, what)
    processor_class = (
        AsyncAggregatedKinesisProcessor
        if inspect.iscoroutinefunction(both(None))
        else AggregatedKinesisProcessor
    )
    processor = processor_class(model=model)
    assert run(both(seen.append), event, processor=processor) == failed(2)
    assert len(seen) == 3
    ((kind, error, trace),) = processor.exceptions
    assert kind is kinpack.DecodeError and trace is not None
    assert error.sequence_number == numbers()[2] and "Kinesis record 2" in str(error)
    assert processor.fail_messages[0].kinesis.data == event["Records"][2]["kinesis"]["data"]


def test_or_are_plain_records_as_to_the_kcl():
    seen = []
    event = testing.broken(BATCH, 2, "digest")
    assert run(lambda record: seen.append(record), event, policy="kcl") == failed()
    assert [it.kinesis.aggregated for it in seen] == [True, True, False, False]


def test_all_failed(both):
    def handle(record):
        raise ValueError(record.event_id)

    with pytest.raises(BatchProcessingError, match="All records failed") as raised:
        run(both(handle))
    assert len(raised.value.child_exceptions) == 5
    assert run(both(handle), raise_on_entire_batch_failure=False) == failed(0, 1, 2)
    # All of an aggregate's but one: not the entire batch.
    one = testing.event([[("ada", "1"), ("bob", "2")]])

    def handle_most(record):
        if record.kinesis.partition_key == "ada":
            raise ValueError

    assert run(both(handle_most), one) == failed(0, event=one)
    broken = testing.broken(one, 0, "digest")
    with pytest.raises(BatchProcessingError, match="digest does not match"):
        run(both(handle_most), broken)


def test_a_processor_may_be_used_again():
    processor, fails = AggregatedKinesisProcessor(), [True]

    def handle(record):
        if fails and record.kinesis.partition_key == "cyd":
            raise ValueError

    assert run(handle, processor=processor) == failed(1)
    fails.clear()
    assert run(handle, processor=processor) == failed()
    other = testing.event([("eve", "1")], after=BATCH)
    assert run(handle, other, processor=processor) == failed()
    assert len(processor.success_messages) == 1


def test_handlers_of_success_and_failure():
    class Processor(AggregatedKinesisProcessor):
        def success_handler(self, record, result):
            self.results.append((record["eventID"], result))
            return super().success_handler(record, result)

        def failure_handler(self, record, exception):
            self.errors.append((record.event_id, str(exception[1])))
            return super().failure_handler(record, exception)

    def handle(record):
        if record.kinesis.partition_key == "bob":
            raise ValueError("no")
        return record.kinesis.data_as_json()["n"]

    processor = Processor()
    processor.results, processor.errors = [], []
    assert run(handle, processor=processor) == failed(0)
    assert [result for _, result in processor.results] == [1, 3, 4, 4]
    assert processor.errors == [(f"shardId-000000000006:{numbers()[0]}:1", "no")]
    with processor(BATCH["Records"], handle):
        tuples = processor.process()
    assert [it[0] for it in tuples] == ["success", "fail", "success", "success", "success"]
    assert processor.response() == failed(0)


def test_contexts_are_handed_on():
    contexts = []

    def handle(record, lambda_context):
        contexts.append(lambda_context.aws_request_id)

    async def handle_async(record, lambda_context):
        handle(record, lambda_context)

    context = testing.Context()
    assert run(handle, context=context) == run(handle_async, context=context) == failed()
    assert contexts == [context.aws_request_id] * 10


def test_the_decorator_of_powertools():
    processor, seen = AggregatedKinesisProcessor(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        @batch_processor(record_handler=lambda record: seen.append(record), processor=processor)
        def handler(event, context):
            return processor.response()

        assert handler(BATCH, testing.Context()) == failed()
    assert len(seen) == 5


def test_loggers(caplog):
    if "logger" not in inspect.signature(BatchProcessor.__init__).parameters:
        pytest.skip("this Powertools has no logger")
    run(fail_at_cyd, logger=logging.getLogger("mine"))
    assert [it.name for it in caplog.records] == ["mine"]


def fail_at_cyd(record):
    if record.kinesis.partition_key == "cyd":
        raise ValueError


def test_events_of_other_services():
    with pytest.raises(kinpack.EventError, match="record 0 is not a Kinesis record"):
        run(fail_at_cyd, {"Records": [{"messageId": "1", "body": "x"}]})
    with pytest.raises(kinpack.EventError, match="Kinesis record 0 has no sequence number"):
        run(fail_at_cyd, {"Records": [{"kinesis": {"data": "MQ=="}}]})
    assert run(lambda record: None, testing.event([empty_aggregate()])) == failed()


def empty_aggregate():
    """An aggregate with a partition key, and no record of it."""
    message = b"\n\x01k"
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def test_compressed_records():
    squeeze = kinpack.Compressor("zstd").compress
    event = testing.event([[("ada", squeeze(b"1" * 99))], ("bob", squeeze(b"2" * 99))])
    seen = []
    run(lambda record: seen.append(record.kinesis.data_as_text()), event, decompress=True)
    assert seen == ["1" * 99, "2" * 99]
    apart = testing.event([("bob", squeeze(b"2" * 99))], fan_out=True)
    run(lambda record: seen.append(record.kinesis.data_as_text()), apart, decompress=True)
    assert seen[2] == "2" * 99


def test_groups_of_enhanced_fan_out():
    group = [("ada", "1"), ("bob", "2"), ("bob", "2"), ("cyd", "3")]
    event = testing.event([group, ("dan", "4")], fan_out=True)
    seen = []

    def handle(record):
        seen.append(record)
        if record.kinesis.partition_key in ("ada", "cyd"):
            raise ValueError

    assert run(handle, event) == {"batchItemFailures": [{"itemIdentifier": numbers(event)[0]}]}
    ids = [it.event_id for it in seen]
    assert len(set(ids)) == 5
    assert [it.kinesis.sequence_number for it in seen] == numbers(event)
    assert not any(it.kinesis.aggregated for it in seen)
    # What is left of a group in a retry has the names that it had.
    seen.clear()
    rest = {"Records": event["Records"][2:]}
    run(handle, rest)
    assert [it.event_id for it in seen] == [ids[1], *ids[3:]]


# The parser's models.


class Order(BaseModel):
    n: int


class OrderPayload(KinesisDataStreamRecordPayload):
    data: Json[Order]


class OrderRecord(KinesisDataStreamRecord):
    kinesis: OrderPayload


class Titled(OrderRecord):
    model_config = ConfigDict(title="an order", extra="forbid")


class Numbered(BaseModel):
    """With the user record's own members."""

    class Payload(KinesisDataStreamRecordPayload):
        subSequenceNumber: int = 0
        explicitHashKey: Any = None

    kinesis: Payload


class Raising(OrderRecord):
    @field_validator("eventName")
    def no(cls, value):
        raise KeyError("not an error of validation")


def test_models(both):
    seen = []
    assert run(both(seen.append), model=OrderRecord) == failed()
    assert [it.kinesis.data.n for it in seen] == [1, 2, 3, 4, 4]
    assert [it.kinesis.partitionKey for it in seen] == ["ada", "bob", "cyd", "dan", "dan"]
    assert len({it.eventID for it in seen}) == len({it.kinesis.sequenceNumber for it in seen}) == 5
    seen.clear()
    assert run(both(seen.append), model=KinesisDataStreamRecord) == failed()
    assert seen[0].kinesis.data == b'{"n": 1}'
    seen.clear()
    run(both(seen.append), model=Numbered)
    assert [it.kinesis.subSequenceNumber for it in seen] == [0, 1, 0, 0, 1]
    assert seen[0].kinesis.explicitHashKey == "7"


def test_failures_with_models(both):
    def handle(record):
        if record.kinesis.data.n in (2, 4):
            raise ValueError

    assert run(both(handle), model=OrderRecord) == failed(0, 2)
    poison = testing.event([[("ada", '{"n": 1}'), ("bob", "no JSON")], ("cyd", '{"n": 3}')])
    for model in (OrderRecord, Titled):
        assert run(both(handle), poison, model=model) == failed(0, event=poison), model
    with pytest.raises(BatchProcessingError, match="not an error of validation"):
        run(both(handle), model=Raising)
    options = {"model": Raising, "raise_on_entire_batch_failure": False}
    assert run(both(handle), **options) == failed(0, 1, 2)


# Idempotency, with a table of moto.

EXPRESSIONS = [
    "",
    "eventID",
    "kinesis.sequenceNumber",
    "[eventID, kinesis.partitionKey]",
    "kinesis.[sequenceNumber, data]",
    "kinesis",
]


@pytest.fixture
def table():
    moto = pytest.importorskip("moto", reason="there is no moto for this Python")
    import boto3
    from botocore.config import Config

    with moto.mock_aws():
        keys = {"aws_access_key_id": "id", "aws_secret_access_key": "secret"}
        client = boto3.client("dynamodb", region_name="us-east-2", config=Config(), **keys)
        client.create_table(
            TableName="idempotency",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield client


def idempotent(client, expression, function):
    config = IdempotencyConfig(event_key_jmespath=expression)
    config.register_lambda_context(testing.Context())
    store = DynamoDBPersistenceLayer("idempotency", boto3_client=client)
    return idempotent_function(
        function, data_keyword_argument="record", persistence_store=store, config=config
    )


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize("model", [None, OrderRecord])
def test_each_user_record_is_handled_and_only_once(table, expression, model):
    done, fails = [], [True]

    def handle(record):
        key = getattr(record.kinesis, "partitionKey", None) or record.kinesis.partition_key
        if fails and key == "bob":
            raise ValueError
        done.append(key)

    wrapped = idempotent(table, expression, handle)
    processor = AggregatedKinesisProcessor(model=model)
    assert run(wrapped, processor=processor) == failed(0)
    assert done == ["ada", "cyd", "dan", "dan"]
    fails.clear()
    assert run(wrapped, processor=processor) == failed()
    assert run(wrapped, processor=processor) == failed()
    assert done == ["ada", "cyd", "dan", "dan", "bob"]


@pytest.mark.parametrize("expression", ["eventID", "kinesis.sequenceNumber"])
def test_so_it_is_in_groups_of_enhanced_fan_out(table, expression):
    event = testing.event([[("ada", "1"), ("bob", "2"), ("cyd", "3")]], fan_out=True)
    done, fails = [], {"bob"}

    def handle(record):
        if record.kinesis.partition_key in fails:
            raise ValueError
        done.append(record.kinesis.partition_key)

    wrapped = idempotent(table, expression, handle)
    run(wrapped, event)
    fails.clear()
    first, second = testing.bisect(event)
    run(wrapped, first)
    run(wrapped, second)
    assert done == ["ada", "cyd", "bob"]


def test_the_key_may_be_in_the_payload(table):
    done = []
    expression = "powertools_json(powertools_base64(kinesis.data)).n"
    wrapped = idempotent(table, expression, lambda record: done.append(record.event_id))
    assert run(wrapped) == failed()
    # Both fours are the same order to one who says so.
    assert len(done) == 4
