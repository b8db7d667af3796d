"""kinpack.compat against aws-kinesis-agg itself."""

import base64
import collections.abc  # noqa: F401  (aws-kinesis-agg uses it and forgets to import it)
import copy
import datetime
import gzip
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kinpack
from kinpack.compat import aggregator, deaggregator
from vectors import lambda_event, load

theirs = pytest.importorskip("aws_kinesis_agg.deaggregator")
their_aggregator = pytest.importorskip("aws_kinesis_agg.aggregator")

keys = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12
).filter(lambda key: len(key.encode("utf-16-le")) // 2 <= 256)
hash_keys = st.integers(0, 2**128 - 1).map(str)
records = st.lists(
    st.tuples(keys, st.binary(max_size=80), st.none() | hash_keys), min_size=1, max_size=20
)
all_hashed = st.lists(st.tuples(keys, st.binary(max_size=80), hash_keys), min_size=1, max_size=20)


def packed(records):
    return {
        "data": base64.b64encode(their_packed(records)).decode(),
        "partition_key": records[0][0],
    }


def their_packed(records):
    aggregate = their_aggregator.AggRecord()
    for key, data, hash_key in records:
        assert aggregate.add_user_record(key, data, hash_key)
    return aggregate.get_contents()[2]


def both(event, **options):
    mine = list(deaggregator.iter_deaggregate_records(event, **options))
    return mine, list(theirs.iter_deaggregate_records(event, **options))


@settings(max_examples=100, deadline=None)
@given(st.lists(all_hashed, min_size=1, max_size=4))
def test_reads_what_they_write_as_they_do(aggregates):
    event = lambda_event([packed(records) for records in aggregates])["Records"]
    event.append(lambda_event([{"data": "aGVsbG8=", "partition_key": "k"}])["Records"][0])
    mine, other = both(event)
    assert mine == other
    assert [list(one) for one in mine] == [list(one) for one in other]
    assert [list(one["kinesis"]) for one in mine] == [list(one["kinesis"]) for one in other]
    assert deaggregator.deaggregate_records(event) == other


@settings(max_examples=100, deadline=None)
@given(records)
def test_an_absent_explicit_hash_key_is_none(records):
    """There they give the table's entry 0."""
    event = lambda_event([packed(records)])["Records"]
    read = deaggregator.deaggregate_records(event)
    assert [
        (
            one["kinesis"]["partitionKey"],
            base64.b64decode(one["kinesis"]["data"]),
            one["kinesis"]["explicitHashKey"],
        )
        for one in read
    ] == records


@settings(max_examples=100, deadline=None)
@given(records, st.integers(300, 2000))
def test_they_read_what_it_writes(records, max_size):
    packer = aggregator.RecordAggregator(max_size)
    full = [packer.add_user_record(key, data, hash_key) for key, data, hash_key in records]
    full = [one for one in [*full, packer.clear_and_get()] if one is not None]
    assert packer.clear_and_get() is None
    read = []
    for one in full:
        key, hash_key, data = one.get_contents()
        assert one.get_size_bytes() == len(data) <= max_size
        assert one.get_num_user_records() >= 1
        assert one.get_contents()[2] == data
        entry = {"data": base64.b64encode(data).decode(), "partition_key": key}
        inside = theirs.deaggregate_records(lambda_event([entry])["Records"])
        assert inside[0]["kinesis"]["partitionKey"] == key
        assert 0 <= int(hash_key) < 2**128
        read.extend(inside)
    assert [
        (one["kinesis"]["partitionKey"], base64.b64decode(one["kinesis"]["data"])) for one in read
    ] == [(key, data) for key, data, _ in records]


@settings(max_examples=50, deadline=None)
@given(all_hashed)
def test_the_bytes_of_an_aggregate_are_theirs(records):
    mine = aggregator.AggRecord()
    for key, data, hash_key in records:
        assert mine.add_user_record(key, data, hash_key)
    assert mine.get_contents()[2] == their_packed(records)
    assert mine.get_partition_key() == records[0][0]
    assert mine.get_explicit_hash_key() == str(int(records[0][2]))


def test_boto3_and_firehose_records_look_as_theirs():
    data = their_packed([("a", b"1", "1"), ("b", b"2", "2")])
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    api = [
        {
            "SequenceNumber": "49",
            "PartitionKey": "outer",
            "ApproximateArrivalTimestamp": moment,
            "Data": one,
        }
        for one in (data, b"plain")
    ]
    mine, other = both(api, data_format="Boto3")
    assert mine == other
    assert len(mine) == 3

    metadata = {
        "sequenceNumber": "49",
        "partitionKey": "outer",
        "approximateArrivalTimestamp": 1714566896789,
        "shardId": "shardId-000000000006",
    }
    for name in ("kinesisRecordMetadata", "kinesisStreamRecordMetadata"):
        firehose = [
            {"recordId": "49:0", "data": base64.b64encode(one).decode(), name: metadata}
            for one in (data, b"plain")
        ]
        mine, other = both(firehose)
        assert mine == other
        assert len(mine) == 3


def test_one_record_is_taken_for_a_list_and_an_iterator_is_lazy():
    entry = packed([("a", b"1", "1"), ("b", b"2", "2")])
    event = lambda_event([entry, entry])["Records"]
    mine, other = both(event[0])
    assert mine == other
    taken = []

    def source():
        for record in event:
            taken.append(record)
            yield record

    first = next(deaggregator.iter_deaggregate_records(source()))
    assert first["kinesis"]["partitionKey"] == "a"
    assert len(taken) == 1


def test_what_has_a_key_index_outside_its_table_is_not_lost(caplog):
    (case,) = [
        case
        for _, content in load("reader")
        for case in content["cases"]
        if case["name"] == "key-index-middle"
    ]
    event = lambda_event([case["outer"]])["Records"]
    assert deaggregator.deaggregate_records(event) == event
    (logged,) = caplog.records
    assert event[0]["kinesis"]["sequenceNumber"] in logged.getMessage()
    assert "points at partition key" in logged.getMessage()


def test_the_documented_handlers():
    """Those of the README of aws-kinesis-agg, with nothing but the import changed."""
    event = lambda_event([packed([("a", b"1", None), ("b", b"2", None)])] * 3)

    def lambda_bulk_handler(event, context):
        raw_kinesis_records = event["Records"]
        user_records = deaggregator.deaggregate_records(raw_kinesis_records)
        payloads = [base64.b64decode(record["kinesis"]["data"]) for record in user_records]
        assert payloads == [b"1", b"2"] * 3
        return f"Successfully processed {len(user_records)} records."

    def lambda_generator_handler(event, context):
        raw_kinesis_records = event["Records"]
        record_count = 0
        for record in deaggregator.iter_deaggregate_records(raw_kinesis_records):
            base64.b64decode(record["kinesis"]["data"])
            record_count += 1
        return f"Successfully processed {record_count} records."

    assert lambda_bulk_handler(event, None) == "Successfully processed 6 records."
    assert lambda_generator_handler(event, None) == "Successfully processed 6 records."


def test_the_documented_publisher():
    sent = []

    def send_record(agg_record):
        pk, ehk, data = agg_record.get_contents()
        sent.append({"Data": data, "PartitionKey": pk, "ExplicitHashKey": ehk})

    kinesis_agg = aggregator.RecordAggregator()
    kinesis_agg.on_record_complete(send_record, execute_on_new_thread=False)
    random.seed(7)
    expected = []
    for number in range(1024):
        pk, ehk, data = str(random.random()), str(random.randrange(2**128)), "x" * 3000
        expected.append((pk, ehk, data.encode() + str(number).encode()))
        kinesis_agg.add_user_record(pk, data + str(number), ehk)
    send_record(kinesis_agg.clear_and_get())
    assert len(sent) == 4
    read = [
        (record.partition_key, record.explicit_hash_key, record.data)
        for record in kinpack.records(sent)
    ]
    assert read == expected


def test_callbacks_on_threads_and_twice():
    import threading

    called = threading.Event()
    packer = aggregator.RecordAggregator(200)
    packer.on_record_complete(lambda record: called.set())
    packer.add_user_record("k", b"x" * 100)
    assert packer.add_user_record("k", b"x" * 100).get_num_user_records() == 1
    assert called.wait(10)
    packer.clear_callbacks()
    assert packer.callbacks == []
    assert packer.get_num_user_records() == 1
    assert packer.get_size_bytes() > 100


@pytest.mark.parametrize("module", [aggregator, their_aggregator])
def test_a_callback_that_raises_changes_nothing(module):
    packer = module.RecordAggregator(100)
    sent, fails = [], [True]

    def send(full):
        assert full is not packer.current_record
        # The record that did not fit is not in yet.
        assert packer.get_num_user_records() == full.get_num_user_records()
        if fails:
            raise OSError("no network")
        sent.append(full.get_num_user_records())

    packer.on_record_complete(send, False)
    for _ in range(2):
        assert packer.add_user_record("k", b"x" * 20) is None
    for _ in range(3):
        with pytest.raises(OSError, match="no network"):
            packer.add_user_record("k", b"x" * 20)
    fails.clear()
    assert packer.add_user_record("k", b"x" * 20).get_num_user_records() == 2
    assert (sent, packer.get_num_user_records()) == ([2], 1)


def test_an_aggregate_can_be_copied():
    one = aggregator.AggRecord()
    one.add_user_record("k", b"1")
    other = copy.deepcopy(one)
    other.add_user_record("l", b"2")
    assert [it.get_num_user_records() for it in (one, other)] == [1, 2]
    assert one.get_partition_key() == other.get_partition_key() == "k"
    assert kinpack.records([{"Data": other.get_contents()[2]}]).data() == [b"1", b"2"]


def test_what_is_compressed_as_a_whole_stays_as_to_others():
    record = lambda_event([packed([("k", b"data", None)])])["Records"][0]
    data = base64.b64decode(record["kinesis"]["data"])
    record["kinesis"]["data"] = base64.b64encode(gzip.compress(data)).decode()
    mine, other = both([record])
    assert mine == other == [record]


def test_data_of_lambda_is_none_of_boto3():
    event = lambda_event([packed([("k", b"data", None)])])["Records"]
    mine, other = both(event, data_format="Boto3")
    assert mine == other == event


def test_text_and_bytes_keys_and_what_is_refused():
    record = aggregator.AggRecord(1000)
    assert record.get_size_bytes() == 20
    assert record.get_contents() == (None, None, b"\xf3\x89\x9a\xc2" + _md5_of_nothing())
    assert record.add_user_record(b"key", "text", b"7")
    assert record.get_partition_key() == "key"
    assert record.get_explicit_hash_key() == "7"
    with pytest.raises(ValueError, match="user record 1"):
        record.add_user_record("key", b"x" * 1000)
    with pytest.raises(ValueError, match="a hash key is a decimal number"):
        record.add_user_record("key", b"x", "seven")
    with pytest.raises(ValueError, match="Invalid max_size"):
        aggregator.RecordAggregator(1024 * 1024 + 1)
    record.clear()
    assert record.get_num_user_records() == 0
    assert record.get_partition_key() is None


def _md5_of_nothing():
    import hashlib

    return hashlib.md5().digest()
