"""put_all, against a stream that fails as it is told to, and against moto's."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kinpack
from kinesis_stream import Stream, in_order, messages, put


@pytest.mark.parametrize("outer_key", ["kpl", "first", "per-key", "lanes:4"])
def test_all_arrives_in_order(outer_key):
    stream = Stream(shards=3)
    result, slept = put(stream, iter(messages(5000)), outer_key=outer_key, max_size=1000)
    assert sorted(stream.read()) == sorted(messages(5000))
    assert in_order(stream.read())
    assert not slept
    assert (result.user_records, result.retried, result.sent_again) == (5000, 0, 0)
    assert result.entries == len(stream.taken)
    assert result.requests == len(stream.requests)
    for request in stream.requests:
        lanes = [(entry["PartitionKey"], entry["ExplicitHashKey"]) for entry in request]
        assert len(set(lanes)) == len(request)
        if outer_key in ("kpl", "first"):
            assert len(request) <= 3


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["kpl", "per-key", "lanes:2"]))
def test_what_is_refused_comes_again_in_order(seed, outer_key):
    chance = random.Random(seed)
    stream = Stream(
        shards=3,
        faults=lambda request, entry: (
            chance.random() < 0.3
            and chance.choice(["ProvisionedThroughputExceededException", "InternalFailure"])
        ),
    )
    result, slept = put(stream, messages(2000), outer_key=outer_key, max_size=800, attempts=50)
    assert sorted(stream.read()) == sorted(messages(2000))
    assert in_order(stream.read())
    assert result.retried > 0
    assert all(0 <= pause <= 5 for pause in slept)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), st.integers(0, 2), st.booleans())
def test_splits_lose_nothing(when, which, throttled):
    def before(request):
        if request in (when, when + 3):
            stream.split(list(stream.ranges)[which % len(stream.ranges)])

    faults = (
        (lambda request, entry: request == when and "InternalFailure")
        if throttled
        else (lambda request, entry: None)
    )
    stream = Stream(shards=3, before=before, faults=faults)
    result, _ = put(stream, messages(3000), max_size=1000)
    read = stream.read(filtered=True)
    assert set(read) == set(messages(3000))
    # Each is where readers of its shard find it, once.
    assert len(read) == 3000
    assert result.user_records == 3000
    assert len(stream.read()) == 3000 + result.sent_again


def test_what_went_astray_is_sent_again():
    def before(request):
        if request == 1:
            stream.split("shardId-000000000000")

    stream = Stream(shards=1, before=before)
    result, _ = put(stream, messages(3000), max_size=1000)
    assert 0 < result.sent_again < 100
    assert len(stream.read()) == 3000 + result.sent_again
    assert sorted(stream.read(filtered=True)) == sorted(messages(3000))


def test_a_shard_that_is_in_no_list():
    """All of the entry is sent again, as the KPL does."""
    stream = Stream(shards=1)
    put_records = stream.put_records

    def answer(**request):
        answer = put_records(**request)
        if len(stream.requests) == 1:
            answer["Records"][0]["ShardId"] = "shardId-000000000099"
        return answer

    stream.put_records = answer
    result, _ = put(stream, messages(10))
    assert sorted(stream.read()) == sorted(messages(10) * 2)
    assert (result.sent_again, result.user_records) == (10, 10)


def test_keys_that_were_given_stay_and_others_do_not_come_up():
    def before(request):
        if request == 1:
            stream.split("shardId-000000000000")

    stream = Stream(shards=1, before=before)
    given = [("k", b"alone" * 100, None), ("k", b"x" * 600, "7"), ("k", b"x", 2**127), ("l", b"y")]
    put(stream, [*given, *[(f"{n}", b"z" * 100) for n in range(100)]], max_size=500)
    found = {}
    for _, entry in stream.taken:
        for record in kinpack.records([entry]):
            if record.aggregated:
                found[record.data] = record.explicit_hash_key
    assert found[b"x"] == str(2**127)
    assert found[b"y"] is None
    assert {
        entry["ExplicitHashKey"] for _, entry in stream.taken if entry["Data"] == b"x" * 600
    } == {"7"}


def test_streams_that_distribute_by_themselves_are_refused():
    stream = Stream()
    stream.distribution = "AUTO"
    with pytest.raises(kinpack.StreamError, match="orders distributes records by itself"):
        put(stream, messages(10))
    assert not stream.requests
    stream.distribution = "PARTITION_KEY"
    put(stream, messages(10))


def test_nothing_to_send_and_wrong_options():
    result, _ = put(Stream(), [])
    assert (result.user_records, result.requests) == (0, 0)
    with pytest.raises(ValueError, match="outer_key is"):
        put(Stream(), [], outer_key="random")


def test_requests_keep_to_five_mebibytes():
    """The stream asserts it."""
    stream = Stream(shards=40)
    records = [(str(number), bytes(900_000)) for number in range(60)]
    result, _ = put(stream, records)
    assert len(stream.taken) == 60
    assert result.requests > 60 * 900_000 / (5 << 20)


@pytest.fixture(scope="module")
def kinesis():
    if sys.version_info < (3, 10):
        pytest.skip("the last moto for Python 3.9 has shards that end at 2**128")
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "kinesis",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    server.stop()


def read_stream(client, name):
    """All user records, filtered by the range of the shard they are in."""
    found = []
    for shard in client.list_shards(StreamName=name)["Shards"]:
        span = shard["HashKeyRange"]
        iterator = client.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        answer = client.get_records(ShardIterator=iterator["ShardIterator"], Limit=10_000)
        inside = kinpack.records(
            answer,
            hash_key_range=(span["StartingHashKey"], span["EndingHashKey"]),
            policy="strict",
        )
        assert all(it.sequence_number and it.approximate_arrival_timestamp for it in inside)
        found.extend((it.partition_key, it.data) for it in inside)
    return found


@pytest.mark.parametrize("outer_key", ["kpl", "lanes:3"])
def test_through_boto3_to_moto(kinesis, outer_key):
    name = "orders-" + outer_key.replace(":", "-")
    kinesis.create_stream(StreamName=name, ShardCount=3)
    result = kinpack.put_all(kinesis, name, messages(3000), max_size=5000, outer_key=outer_key)
    assert result.user_records == 3000
    assert result.sent_again == 0
    assert sorted(read_stream(kinesis, name)) == sorted(messages(3000))


def test_a_stream_by_its_arn(kinesis):
    kinesis.create_stream(StreamName="by-arn", ShardCount=1)
    summary = kinesis.describe_stream_summary(StreamName="by-arn")["StreamDescriptionSummary"]
    assert kinpack.put_all(kinesis, summary["StreamARN"], messages(10)).user_records == 10
    assert read_stream(kinesis, "by-arn") == messages(10)
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinpack.put_all(kinesis, "nowhere", messages(10))
