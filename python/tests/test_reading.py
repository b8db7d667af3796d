"""What `kinpack.records` takes, and what it gives."""

import base64
import collections
import copy
import datetime
import json
import pickle
import sys
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kinpack
from vectors import lambda_event, load

ENTRIES = dict(load("kpl"))["few-keys"]["entries"]
PLAIN = {"data": base64.b64encode(b'{"t": 21.5}').decode(), "partition_key": "plain"}
ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"


def event():
    return lambda_event([*ENTRIES, PLAIN])


def broken():
    """An event whose second of three records is no base64."""
    return lambda_event([PLAIN, {**PLAIN, "data": "aGk?"}, PLAIN])


@pytest.mark.parametrize("form", [lambda it: it, json.dumps], ids=["dict", "json"])
def test_attributes(form):
    first, *_, last = kinpack.records(form(event()))
    assert type(first.data) is bytes
    assert first.partition_key == "device-0"
    assert first.explicit_hash_key is None
    assert first.sequence_number == str(49 * 10**54)
    assert first.sub_sequence_number == 0
    assert first.approximate_arrival_timestamp == 1714566896.789
    assert first.event_source_arn == ARN
    assert first.shard_id == "shardId-000000000006"
    assert first.aggregated is True
    assert first.id == f"{ARN}/shardId-000000000006/{49 * 10**54}:0"
    assert first.kinesis_index == 0
    assert first.record_id is None
    assert first.error is None
    assert last.aggregated is False
    assert last.partition_key == "plain"
    assert last.json() == {"t": 21.5}
    assert last.id.endswith(":0")
    with pytest.raises(AttributeError):
        first.data = b""


def test_an_absent_partition_key_is_none():
    one = event()["Records"][-1]
    for change in (lambda it: it.pop("partitionKey"), lambda it: it.update(partitionKey=None)):
        record = copy.deepcopy(one)
        change(record["kinesis"])
        assert kinpack.records([record])[0].partition_key is None
        assert kinpack.records(json.dumps([record]))[0].partition_key is None
    assert kinpack.records([{"Data": b"x"}])[0].partition_key is None


def test_what_boto3_gives():
    moment = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
    record = {
        "SequenceNumber": "49",
        "ApproximateArrivalTimestamp": moment,
        "Data": b"\x00data",
        "PartitionKey": "key",
        "EncryptionType": "NONE",
    }
    response = {"Records": [record], "NextShardIterator": "AAA", "MillisBehindLatest": 0}
    (read,) = kinpack.records(response)
    assert read.data == b"\x00data"
    assert read.data is record["Data"] or read.data == record["Data"]
    assert read.approximate_arrival_timestamp == moment.timestamp()
    assert read.id == "49:0"
    assert read.shard_id is None
    assert read.event_source_arn is None
    for data in (bytearray(b"\x00data"), memoryview(b"\x00data"), "AGRhdGE="):
        assert kinpack.records([{**record, "Data": data}])[0].data == b"\x00data"
    # As the AWS CLI prints it.
    text = {**record, "ApproximateArrivalTimestamp": "2026-11-25T13:00:00+01:00"}
    assert kinpack.records([text])[0].approximate_arrival_timestamp == moment.timestamp()
    # What goes into a stream.
    entry = {"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": "7"}
    assert kinpack.records({"Records": [entry], "StreamName": "s"})[0].explicit_hash_key == "7"


def test_what_firehose_gives():
    record = {
        "recordId": "49666716197061357389751170868210642185623031110770360322000000",
        "approximateArrivalTimestamp": 1714566896789,
        "data": "aGk=",
        "kinesisRecordMetadata": {
            "sequenceNumber": "49",
            "subsequenceNumber": "3",
            "partitionKey": "key",
            "shardId": "shardId-000000000000",
            "approximateArrivalTimestamp": 1714566896789,
        },
    }
    event = {"invocationId": "i", "deliveryStreamArn": "arn", "region": "r", "records": [record]}
    for form in (event, json.dumps(event), [record]):
        (read,) = kinpack.records(form)
        assert read.data == b"hi"
        assert read.record_id == record["recordId"]
        assert read.sequence_number == "49"
        assert read.sub_sequence_number == 3
        assert read.partition_key == "key"
        assert read.shard_id == "shardId-000000000000"
        assert read.approximate_arrival_timestamp == 1714566896.789


def test_what_eventbridge_pipes_gives():
    record = event()["Records"][0]
    flat = {**record.pop("kinesis"), **record}
    assert "kinesis" not in flat
    for form in ([flat], json.dumps([flat]), flat):
        first, *_ = kinpack.records(form)
        assert first.partition_key == "device-0"
        assert first.event_source_arn == ARN
        assert first.shard_id == "shardId-000000000006"
        assert first.id == kinpack.records(event())[0].id


def test_it_is_a_sequence():
    records = kinpack.records(event())
    all_data = records.data()
    assert len(records) == len(all_data) == 61
    assert [record.data for record in records] == all_data
    assert records[0].data == all_data[0]
    assert records[-1].data == all_data[-1]
    for part in (slice(2, 5), slice(None, None, -1), slice(50, 3, -7), slice(9, 2), slice(-3, 99)):
        assert records[part].data() == all_data[part]
        assert [record.data for record in records[part]] == all_data[part]
        assert records[part][1:].data() == all_data[part][1:]
    assert records[::-2][::-3].data() == all_data[::-2][::-3]
    assert isinstance(records, collections.abc.Sequence)
    assert next(reversed(records)).data == all_data[-1]
    assert records[3] in records
    assert records.index(records[3]) == 3
    assert records.count(records[3]) == 1
    with pytest.raises(ValueError, match="not among"):
        records.index("record")
    assert bool(records)
    assert not kinpack.records({"Records": []})
    assert kinpack.records([]).data() == []
    with pytest.raises(IndexError, match="61 user records, index 61 is none"):
        records[61]
    with pytest.raises(IndexError):
        records[-62]
    with pytest.raises(TypeError, match="int or a slice"):
        records["0"]
    iterator = iter(records)
    next(iterator)
    assert iterator.__length_hint__() == 60


@given(st.slices(61), st.slices(61))
def test_slices_of_slices(one, other):
    records = kinpack.records(event())
    assert records[one][other].data() == records.data()[one][other]


@pytest.mark.parametrize("form", [lambda it: it, json.dumps], ids=["dict", "json"])
def test_views_are_the_data(form):
    records = kinpack.records(form(event()))
    views = records.memoryviews()
    assert [bytes(view) for view in views] == records.data()
    assert all(view.readonly for view in views)
    # One object holds all data of a Kinesis record, decoded once.
    assert len({id(view.obj) for view in views}) <= 2
    del records
    assert bytes(views[0]) == kinpack.records(event())[0].data


def test_views_of_bytes_are_the_bytes():
    data = b"x" * 1000
    (view,) = kinpack.records([{"Data": data}]).memoryviews()
    assert view.obj is data


def test_repr_says_what_it_is():
    records = kinpack.records([{"Data": b"x" * 100, "PartitionKey": "k", "SequenceNumber": "49"}])
    assert repr(records) == "<kinpack.Records: 1 user record of 1 Kinesis record>"
    assert repr(records[0]) == (
        f"UserRecord(data={b'x' * 40!r}… (100 bytes), partition_key='k', sequence_number='49')"
    )
    assert repr(kinpack.UserRecord(b"hi", "k")) == "UserRecord(data=b'hi', partition_key='k')"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_keeps_everything(protocol):
    records = kinpack.records(event())
    for record in (records[3], records[-1]):
        again = pickle.loads(pickle.dumps(record, protocol))
        assert again == record
        assert hash(again) == hash(record)
        assert again.id == record.id
        assert copy.copy(record) == copy.deepcopy(record) == record
    assert pickle.loads(pickle.dumps(records[1:4], protocol)) == list(records[1:4])


def test_equality_is_of_values():
    one, other = kinpack.records(event()), kinpack.records(json.dumps(event()))
    assert one[5] == other[5]
    assert one[5] != other[6]
    assert one[5] != "record"
    assert len(set(one) | set(other)) == 61
    with pytest.raises(TypeError):
        one[0] < one[1]  # noqa: B015


@pytest.mark.skipif(sys.version_info < (3, 10), reason="match is new in 3.10")
def test_patterns_match():
    source = """
match records:
    case [kinpack.UserRecord("device-0", data), *_, kinpack.UserRecord(aggregated=False) as last]:
        matched = (len(data), last.partition_key)
"""
    names = {"records": kinpack.records(event()), "kinpack": kinpack}
    exec(source, names)
    assert names["matched"] == (100, "plain")


def test_records_can_be_made():
    record = kinpack.UserRecord(
        "text", "key", "7", sequence_number="1", sub_sequence_number=2, shard_id="s"
    )
    assert record.data == b"text"
    assert (record.partition_key, record.explicit_hash_key) == ("key", "7")
    assert record.kinesis_index is None
    assert record.id == "s/1:2"
    assert kinpack.UserRecord(bytearray(b"x")).id is None
    with pytest.raises(TypeError, match="data is bytes, bytearray, memoryview or str"):
        kinpack.UserRecord(7)


@pytest.mark.parametrize("form", [lambda it: it, json.dumps], ids=["dict", "json"])
def test_a_faulty_record_is_named(form):
    with pytest.raises(kinpack.DecodeError) as caught:
        kinpack.records(form(broken()))
    error = caught.value
    number = str(49 * 10**54 + 1)
    assert str(error) == (
        f"Kinesis record 1 (sequence number {number}): the data is not base64 at its byte 3"
    )
    assert (error.kinesis_index, error.sequence_number, error.offset) == (1, number, None)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.kinesis_index) == (str(error), 1)
    assert isinstance(error, (kinpack.Error, ValueError))

    records = kinpack.records(form(broken()), errors="keep")
    assert [record.error is None for record in records] == [True, False, True]
    assert records[0].json() == {"t": 21.5}
    for read in (lambda: records[1].data, records.data, records.memoryviews):
        with pytest.raises(kinpack.DecodeError, match="Kinesis record 1 .* base64"):
            read()
    assert repr(records[1]).startswith("UserRecord(data=?")
    assert len(records[::2].data()) == 2


@pytest.mark.parametrize(
    "text, message",
    [
        ("aGk", "the data is not base64: it breaks off after 3 bytes"),
        ("aG k", "the data is not base64 at its byte 2"),
        ("aQ=", "the data is not base64"),
        ("=", "the data is not base64"),
        ("aGk==", "the data is not base64"),
        ("QR==", "the data is not base64 at its byte 1"),
        ("aGk\n", "the data is not base64 at its byte 3"),
        ("aGVsbG8tZm9vYmFyLWJheg_-", "the data is not base64 at its byte 22"),
        ("\ud800", "the data is not base64"),
        (None, "the record has no data"),
        (7, "the data is not a string"),
    ],
)
def test_data_that_is_none(text, message):
    one = lambda_event([{**PLAIN, "data": text}])
    with pytest.raises(kinpack.DecodeError, match=message):
        kinpack.records(one)


@given(st.lists(st.binary(max_size=70), max_size=30))
def test_base64_of_every_length(datas):
    entries = [{"data": base64.b64encode(it).decode(), "partition_key": "k"} for it in datas]
    records = kinpack.records(lambda_event(entries))
    assert records.data() == datas
    assert [bytes(view) for view in records.memoryviews()] == datas


def test_large_events_with_faults_in_them():
    datas = [bytes([number]) * (7000 * number % 90_001) for number in range(60)]
    texts = [base64.b64encode(it).decode() for it in datas]
    texts[7], texts[31], texts[59] = "ä" * 50_000, texts[31][:-1], "\ud800" * 100
    texts[40] = texts[40].encode()
    assert sum(map(len, texts)) > 2 << 20
    event = lambda_event([{"data": it, "partition_key": "k"} for it in texts])
    records = kinpack.records(event, errors="keep")
    for number, (record, data) in enumerate(zip(records, datas)):
        if number in (7, 31, 59):
            assert "the data is not base64" in str(record.error)
        else:
            assert record.data == data


@pytest.mark.parametrize(
    "wrong, message",
    [
        (7, "an event is a dict, JSON as bytes or str, or records, not <class 'int'>"),
        ({}, "a dict with nothing in it"),
        ({"body": "x"}, "a dict with 'body'"),
        ({"Records": 7}, "Records is not a list of records but <class 'int'>"),
        ({"Records": [7]}, "record 0 is not a dict but <class 'int'>"),
        ({"Records": [{"s3": {}}]}, "record 0 is not a Kinesis record: a dict with 's3'"),
        ({"SubscribeToShardEvent": []}, "SubscribeToShardEvent is not a dict"),
        (b'{"Records": oops}', "not JSON at byte 12: expected value"),
        ('{"Records": [', "JSON"),
        ('{"Records": []} x', "byte 16"),
        ("{}", "."),
    ],
)
def test_what_is_no_event(wrong, message):
    with pytest.raises(kinpack.EventError, match=message):
        kinpack.records(wrong)


def test_members_of_the_wrong_type_are_named():
    one = event()["Records"][-1]
    one["kinesis"]["partitionKey"] = 7
    (record,) = kinpack.records([one])
    with pytest.raises(kinpack.DecodeError, match="Kinesis record 0: partitionKey is not a string"):
        record.partition_key  # noqa: B018


def test_options_are_checked():
    for options, message in [
        ({"policy": "lax"}, 'policy is "kcl" or "strict", not "lax"'),
        ({"errors": "drop"}, 'errors is "raise" or "keep"'),
        ({"range_rule": "all"}, 'range_rule is "aggregate" or "record"'),
        ({"hash_key_range": ("a", 7)}, 'a hash key is a decimal number, not "a"'),
        ({"hash_key_range": (0, 2**128)}, r"below 2\^128"),
        ({"hash_key_range": (8, 7)}, "ends before it starts"),
        ({"policy": "strict", "verify_digest": False}, "verifies digests"),
    ]:
        with pytest.raises(ValueError, match=message):
            kinpack.records([], **options)
    with pytest.raises(TypeError, match="decompress is True, False or a Decompressor"):
        kinpack.records([], decompress="yes")


def test_policies_and_digests():
    data = bytearray(base64.b64decode(ENTRIES[0]["data"]))
    data[-1] ^= 1
    entries = [{"Data": bytes(data)}]
    assert [it.aggregated for it in kinpack.records(entries)] == [False]
    assert kinpack.records(entries).data() == [bytes(data)]
    assert len(kinpack.records(entries, verify_digest=False)) == 60
    with pytest.raises(kinpack.DecodeError, match="MD5 digest does not match") as caught:
        kinpack.records(entries, policy="strict")
    assert caught.value.offset == len(data) - 16
    (kept,) = kinpack.records(entries, policy="strict", errors="keep")
    assert kept.data == bytes(data)
    assert not kept.aggregated


def test_hash_key_ranges_drop_what_is_outside():
    entries = list(kinpack.aggregate([("a", b"1", 10), ("a", b"2", 20), ("a", b"3", 15)]))
    entries.append({"Data": b"plain", "PartitionKey": "p"})
    for span in ((0, 15), ("0", "15")):
        assert kinpack.records(entries, hash_key_range=span).data() == [b"plain"]
        records = kinpack.records(entries, hash_key_range=span, range_rule="record")
        assert records.data() == [b"1", b"3", b"plain"]
        assert [it.sub_sequence_number for it in records] == [0, 2, 0]
        assert [it.explicit_hash_key for it in records] == ["10", "15", None]
    assert len(kinpack.records(entries, hash_key_range=(0, 20))) == 4


def test_nothing_leaks():
    one = event()
    text = one["Records"][0]["kinesis"]["data"]
    before = sys.getrefcount(text), sys.getrefcount(one["Records"][0])
    for _ in range(100):
        records = kinpack.records(one)
        for record in records:
            _ = record.data, record.partition_key, record.sequence_number, record.id
        records.memoryviews()
    alive = weakref.ref(records)
    kept = weakref.ref(records[0])
    assert kept() is None
    del records, record
    assert alive() is None
    assert (sys.getrefcount(text), sys.getrefcount(one["Records"][0])) == before


def test_one_record_keeps_its_batch_alive():
    record = kinpack.records(event())[7]
    assert record.data == kinpack.records(event()).data()[7]


def test_records_that_differ_in_anything_are_not_equal():
    whole = {
        "data": b"data",
        "partition_key": "key",
        "explicit_hash_key": "7",
        "sequence_number": "49",
        "sub_sequence_number": 1,
        "approximate_arrival_timestamp": 1.5,
        "event_source_arn": "arn",
        "shard_id": "shardId-1",
        "record_id": "id",
        "aggregated": True,
    }

    def make(**members):
        members = {**whole, **members}
        data, key = members.pop("data"), members.pop("partition_key")
        return kinpack.UserRecord(data, key, members.pop("explicit_hash_key"), **members)

    record = make()
    assert record == make()
    assert hash(record) == hash(make())
    others = {
        "data": b"other",
        "partition_key": "other",
        "explicit_hash_key": None,
        "sequence_number": "50",
        "sub_sequence_number": 2,
        "approximate_arrival_timestamp": None,
        "event_source_arn": None,
        "shard_id": None,
        "record_id": None,
        "aggregated": False,
    }
    assert list(others) == list(whole)
    for name, value in others.items():
        other = make(**{name: value})
        assert record != other, name
        assert hash(record) != hash(other), name
        assert getattr(other, name) == value


def test_threads_may_read_the_same_records():
    records = kinpack.records(event())
    expected = [(it.data, it.partition_key, it.id) for it in records]
    wrong = []

    def read():
        for _ in range(20):
            if [(it.data, it.partition_key, it.id) for it in records] != expected:
                wrong.append(1)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
