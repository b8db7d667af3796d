"""Events of any shape: what comes of them is records or kinpack's own errors, and the same whether
they are dicts or JSON."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kinpack
from vectors import lambda_event, load

AGGREGATE = dict(load("kpl"))["few-keys"]["entries"][0]["data"]
ATTRIBUTES = [
    *("data", "partition_key", "explicit_hash_key", "sequence_number", "sub_sequence_number"),
    *("approximate_arrival_timestamp", "event_source_arn", "shard_id", "record_id", "aggregated"),
    *("id", "kinesis_index"),
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from([AGGREGATE, "aGk=", "aGk", "shardId-000000000001:49", "2026-11-25T12:00:00Z"]),
)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.just("x"), scalars)
names = st.sampled_from(
    [
        *("kinesis", "data", "Data", "partitionKey", "PartitionKey", "sequenceNumber"),
        *("SequenceNumber", "explicitHashKey", "ExplicitHashKey", "eventID", "eventSourceARN"),
        *("approximateArrivalTimestamp", "ApproximateArrivalTimestamp", "recordId"),
        *("kinesisRecordMetadata", "subsequenceNumber", "shardId"),
    ]
)
inner = st.dictionaries(names, values, max_size=5)
anything = st.dictionaries(names, values | inner, max_size=6)


def seen(event):
    """What is to be seen of an event: each attribute of each record, or that it is an error."""
    try:
        records = kinpack.records(event, errors="keep")
    except kinpack.EventError:
        return "no event"
    rows = []
    for record in records:
        row = {}
        for name in ATTRIBUTES:
            try:
                row[name] = getattr(record, name)
            except kinpack.DecodeError as error:
                assert error.kinesis_index == record.kinesis_index
                row[name] = "faulty"
        row["error"] = record.error is not None
        repr(record)
        rows.append(row)
    assert len(rows) == len(records)
    return rows


@settings(max_examples=600, deadline=None)
@given(st.lists(anything | values, max_size=4) | anything | values, st.booleans())
def test_nothing_else_is_raised(records, whole):
    event = {"Records": records} if whole else records
    seen(event)
    seen(json.dumps(event))


KINESIS = ["data", "partitionKey", "sequenceNumber", "approximateArrivalTimestamp"]
OUTER = ["eventID", "eventSourceARN"]


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(KINESIS + OUTER), scalars), st.data(), st.booleans())
def test_dicts_and_json_say_the_same(changes, data, flat):
    event = lambda_event([{"data": AGGREGATE, "partition_key": "a"}] * 2)
    record = event["Records"][1]
    for name, value in changes.items():
        (record if name in OUTER else record["kinesis"])[name] = value
    # Without any of Kinesis' members nothing tells that a flat record is one.
    absent = data.draw(st.sets(st.sampled_from(KINESIS[1 if flat else 0 :] + OUTER)))
    for name in absent:
        (record if name in OUTER else record["kinesis"]).pop(name)
    if flat:
        # As EventBridge Pipes hands them out.
        event = [{**record.pop("kinesis"), **record} for record in event["Records"]]
    as_dict, as_json = seen(event), seen(json.dumps(event))
    # JSON is read whole, so what is no text makes the record faulty; a dict's members say so when
    # they are looked at.
    wrong = any(
        name in ("partitionKey", "sequenceNumber") and not (value is None or type(value) is str)
        for name, value in changes.items()
        if name not in absent
    )
    if not wrong:
        assert as_dict == as_json
    else:
        assert [row["error"] for row in as_json] == [False] * 60 + [True]
        assert as_dict[:60] == as_json[:60]


@pytest.mark.parametrize(
    "time, expected",
    [
        ("2026-11-25T12:00:00Z", 1795608000),
        ("2026-11-25T13:00:00.500000+01:00", 1795608000.5),
        # Of an unknown place, and none at all.
        ("2026-11-25T12:00:00", None),
        ("yesterday", None),
        (True, None),
        (1795608000, 1795608000),
        ([], None),
    ],
)
def test_times(time, expected):
    record = {"Data": "aGk=", "PartitionKey": "k", "ApproximateArrivalTimestamp": time}
    for event in ({"Records": [record]}, json.dumps({"Records": [record]})):
        assert kinpack.records(event)[0].approximate_arrival_timestamp == expected
    # Of what Python knows, and JSON does not.
    assert (
        kinpack.records([{**record, "ApproximateArrivalTimestamp": 10**400}])[
            0
        ].approximate_arrival_timestamp
        is None
    )


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda it: memoryview(it)[::1]])
def test_json_in_every_form(kind):
    event = lambda_event([{"data": AGGREGATE, "partition_key": "ключ"}])
    text = json.dumps(event, ensure_ascii=False)
    expected = kinpack.records(event)
    read = kinpack.records(kind(text.encode()))
    assert list(read) == list(expected)
    assert list(kinpack.records(text)) == list(kinpack.records(json.dumps(event))) == list(read)
    # What is changed later was not borrowed.
    changing = bytearray(text.encode())
    for source in (changing, memoryview(changing)):
        records = kinpack.records(source)
        changing[:] = bytes(len(changing))
        assert list(records) == list(expected)
        changing[:] = text.encode()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
def test_data_in_every_form(kind):
    raw = b"some text" * 50
    packed = base64.b64decode(AGGREGATE)
    compressor, decompressor = kinpack.Compressor("gzip"), kinpack.Decompressor()
    schema = kinpack.AvroSchema('"string"')
    assert decompressor.decompress(compressor.compress(kind(raw))) == raw
    assert kinpack.UserRecord(kind(raw), "k").data == raw
    assert kinpack.records(list(kinpack.aggregate([("k", kind(raw))])))[0].data == raw
    assert kinpack.AvroReader(schema).read(schema.encode("text")) == "text"
    if kind is not bytes.decode:
        assert len(kinpack.records([{"Data": kind(packed)}])) == 60
        assert decompressor.decompress(kind(compressor.compress(raw))) == raw
        assert kinpack.AvroReader(schema).read(kind(schema.encode("text"))) == "text"
        assert len(kinpack.records([{"Data": kind(packed)}]).memoryviews()) == 60
