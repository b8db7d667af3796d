"""put_all, against a stream that fails as it is told to, and against moto's."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kinpack

FULL = 2**128 - 1


def error(name, code, status=400):
    """An exception as boto3 makes them."""
    made = type(name, (Exception,), {})(f"An error occurred ({code})")
    made.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return made


class Stream:
    """Takes entries as Kinesis does; `faults` are asked for each request and entry."""

    def __init__(self, shards=2, faults=lambda request, entry: None, before=lambda request: None):
        self.ranges = {}
        width = (FULL + 1) // shards
        for number in range(shards):
            end = FULL if number == shards - 1 else (number + 1) * width - 1
            self.ranges[f"shardId-{number:012}"] = (number * width, end)
        self.closed = {}
        self.faults, self.before = faults, before
        self.requests = []
        #: (shard, entry), in the order they were taken.
        self.taken = []
        self.distribution = None

    def describe_stream_summary(self, *, StreamName):
        assert StreamName == "orders"
        summary = {"StreamName": StreamName, "OpenShardCount": len(self.ranges)}
        if self.distribution:
            summary["RecordDistributionStrategy"] = self.distribution
        return {"StreamDescriptionSummary": summary}

    def list_shards(self, *, StreamName=None, NextToken=None):
        """Two shards an answer."""
        assert (StreamName is None) != (NextToken is None)
        shards = [
            {
                "ShardId": name,
                "HashKeyRange": {"StartingHashKey": str(start), "EndingHashKey": str(end)},
                "SequenceNumberRange": {"StartingSequenceNumber": "1"},
            }
            for name, (start, end) in self.ranges.items()
        ]
        for name, (start, end) in self.closed.items():
            shards.append(
                {
                    "ShardId": name,
                    "HashKeyRange": {"StartingHashKey": str(start), "EndingHashKey": str(end)},
                    "SequenceNumberRange": {
                        "StartingSequenceNumber": "1",
                        "EndingSequenceNumber": "2",
                    },
                }
            )
        at = int(NextToken or 0)
        more = {"NextToken": str(at + 2)} if len(shards) > at + 2 else {}
        return {"Shards": shards[at : at + 2], **more}

    def split(self, name):
        start, end = self.ranges.pop(name)
        self.closed[name] = (start, end)
        middle = (start + end) // 2
        number = len(self.ranges) + len(self.closed)
        self.ranges[f"shardId-{number:012}"] = (start, middle)
        self.ranges[f"shardId-{number + 1:012}"] = (middle + 1, end)

    def put_records(self, *, Records, StreamName):
        assert 1 <= len(Records) <= 500
        assert sum(len(it["Data"]) + len(it["PartitionKey"]) for it in Records) <= 5 << 20
        number = len(self.requests)
        self.requests.append(Records)
        self.before(number)
        answers = []
        for entry in Records:
            fault = self.faults(number, entry)
            if fault:
                answers.append({"ErrorCode": fault, "ErrorMessage": "as told"})
                continue
            key = int(entry["ExplicitHashKey"])
            (shard,) = [name for name, (start, end) in self.ranges.items() if start <= key <= end]
            self.taken.append((shard, entry))
            answers.append({"SequenceNumber": str(len(self.taken)), "ShardId": shard})
        return {"FailedRecordCount": 0, "Records": answers}

    def read(self, filtered=False):
        """All user records; `filtered` as a reader of each shard sees them."""
        found = []
        for shard, entry in self.taken:
            span = {**self.ranges, **self.closed}[shard]
            options = {"hash_key_range": span, "range_rule": "record"} if filtered else {}
            for record in kinpack.records([entry], **options):
                found.append((record.partition_key, record.data))
        return found


def messages(count, keys=50):
    return [(f"key-{number % keys}", b"%d" % number) for number in range(count)]


def put(stream, records, **options):
    slept = []
    result = kinpack.put_all(stream, "orders", records, sleep=slept.append, **options)
    return result, slept


def in_order(read, keys=50):
    by_key = {}
    for key, data in read:
        by_key.setdefault(key, []).append(int(data))
    assert len(by_key) == keys
    return all(numbers == sorted(numbers) for numbers in by_key.values())


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


def test_giving_up_says_what_was_not_sent():
    stream = Stream(
        shards=2,
        faults=lambda request, entry: request >= 5 and "ProvisionedThroughputExceededException",
    )
    with pytest.raises(kinpack.PutError) as caught:
        put(stream, iter(messages(5000)), max_size=1000, attempts=4)
    failure = caught.value
    assert "not taken after 4 attempts: ProvisionedThroughputExceededException" in str(failure)
    assert f"({len(failure.unsent)} user records not sent)" in str(failure)
    rest = [record[:2] for record in [*failure.unsent, *failure.rest]]
    assert sorted([*stream.read(), *rest]) == sorted(messages(5000))
    assert len(stream.requests) == 5 + 4

    # And what was not sent can be.
    again = Stream(shards=2)
    put(again, rest)
    assert sorted([*stream.read(), *again.read()]) == sorted(messages(5000))
    assert in_order([*stream.read(), *again.read()])


def test_errors_of_whole_requests():
    waits = [
        error("LimitExceededException", "LimitExceededException"),
        error("ClientError", "Whatever", status=503),
        type("HTTPClientError", (Exception,), {"__module__": "botocore.exceptions"})("cut off"),
    ]

    def before(request):
        if request % 2 == 0 and waits:
            raise waits.pop()

    stream = Stream(before=before)
    result, slept = put(stream, messages(500), max_size=1000)
    assert sorted(stream.read()) == sorted(messages(500))
    assert len(slept) == 3
    assert result.user_records == 500

    def denied(request):
        raise error("ClientError", "AccessDeniedException")

    with pytest.raises(kinpack.PutError, match="AccessDeniedException") as caught:
        put(Stream(before=denied), messages(10))
    assert [record[:2] for record in caught.value.unsent] != []
    assert sorted(record[:2] for record in caught.value.unsent) == sorted(messages(10))
    assert caught.value.__cause__ is not None


def test_a_record_that_is_refused_loses_no_other():
    records = [*messages(10), ("", b"no key"), *messages(10)]
    stream = Stream()
    with pytest.raises(
        kinpack.PutError, match="user record 10: the partition key is empty"
    ) as caught:
        put(stream, records)
    assert sorted(it[:2] for it in caught.value.unsent) == sorted(records)
    assert not stream.taken
    assert isinstance(caught.value.__cause__, kinpack.EncodeError)


class Interrupted(Stream):
    """One of whose operations fails at its n-th call, and every time from then on if `forever`."""

    def __init__(self, operation, at, fault, forever=True, **options):
        super().__init__(**options)
        self.calls, self.operation, self.at, self.fault = 0, operation, at, fault
        self.forever = forever

    def list_shards(self, **page):
        if self.operation == "list_shards" and "NextToken" not in page:
            self.calls += 1
            if self.calls == self.at or (self.forever and self.calls > self.at):
                raise self.fault
        return super().list_shards(**page)


def test_records_that_break_off_are_handed_back():
    """What the generator gave before it failed was taken from wherever it comes from."""

    def broken():
        yield from messages(1300)
        raise OSError("no more rows")

    stream = Stream()
    with pytest.raises(kinpack.PutError, match=r"broke off: OSError: no more rows \(1300 ") as it:
        put(stream, broken())
    assert isinstance(it.value.__cause__, OSError)
    unsent = [record[:2] for record in it.value.unsent]
    assert sorted(stream.read() + unsent) == sorted(messages(1300))


@pytest.mark.parametrize("forever", [False, True])
def test_a_shard_list_that_cannot_be_had_after_a_split(forever):
    limit = error("LimitExceededException", "LimitExceededException")
    stream = Interrupted("list_shards", 2, limit, forever, shards=1)
    stream.before = lambda request: stream.split("shardId-000000000000") if request == 1 else None
    if not forever:
        result, slept = put(stream, messages(1000), max_size=2000)
        assert (result.user_records, len(slept)) == (1000, 1)
        assert set(stream.read(filtered=True)) == set(messages(1000))
        return
    with pytest.raises(kinpack.PutError, match="was expected, and then: .*LimitExceeded") as failed:
        put(stream, messages(1000), max_size=2000)
    stream.fault = None
    again = [*failed.value.unsent, *failed.value.rest]
    stream.operation = None
    put(stream, again)
    assert set(stream.read(filtered=True)) == set(messages(1000))
    # In the order that readers see for the first time.
    assert in_order(list(dict.fromkeys(stream.read(filtered=True))))


def test_shards_that_never_are_as_they_are_listed():
    """It does not go on for ever, and what no reader of the shard will see is not sent."""
    stream = Stream()
    listed = dict(stream.ranges)

    def list_shards(**_page):
        return {
            "Shards": [
                {
                    "ShardId": f"{name}-of-old",
                    "HashKeyRange": {"StartingHashKey": str(start), "EndingHashKey": str(end)},
                    "SequenceNumberRange": {"StartingSequenceNumber": "1"},
                }
                for name, (start, end) in listed.items()
            ]
        }

    stream.list_shards = list_shards
    with pytest.raises(kinpack.PutError, match=r"of-old was expected, 4 requests in a row") as it:
        put(stream, messages(10), attempts=3)
    assert len(stream.requests) == 4
    assert sorted(record[:2] for record in it.value.unsent) == sorted(messages(10))


def test_answers_that_are_missing_are_no_success():
    stream = Stream()
    stream.put_records = lambda **request: {"Records": []}
    with pytest.raises(kinpack.PutError, match="answered fewer than it was asked") as it:
        put(stream, messages(10))
    assert len(it.value.unsent) == 10


def test_a_sleep_that_has_enough_loses_nothing():
    def enough(seconds):
        raise TimeoutError("no time left")

    stream = Stream(faults=lambda request, entry: "Throttled")
    with pytest.raises(kinpack.PutError, match="TimeoutError: no time left") as it:
        kinpack.put_all(stream, "orders", messages(700), sleep=enough)
    assert len([*it.value.unsent, *it.value.rest]) == 700


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"base_delay": -1}, {"max_delay": -0.5}])
def test_wrong_retries(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        put(Stream(), messages(1), **wrong)


def test_a_great_many_attempts():
    stream = Stream(faults=lambda request, entry: "Throttled" if request < 1100 else None)
    result, slept = put(stream, messages(1), attempts=2000)
    assert result.retried == 1100
    assert max(slept) <= 5.0


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
