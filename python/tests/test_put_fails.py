"""What put_all does when it cannot go on, and that it loses nothing then."""

import itertools
import random

import pytest

import kinpack
from kinesis_stream import Stream, error, in_order, messages, put


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


@pytest.mark.parametrize(
    "code",
    [
        "InternalFailure",
        "InternalServerError",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ],
)
def test_what_passes_is_tried_again(code):
    faults = [error("ClientError", code)]

    def before(request):
        if faults:
            raise faults.pop()

    result, slept = put(Stream(before=before), messages(10))
    assert (result.user_records, result.requests, len(slept)) == (10, 2, 1)


@pytest.mark.parametrize("operation", ["describe_stream_summary", "list_shards"])
def test_questions_are_asked_again(operation):
    """Many functions that start at once exceed the limits of these."""
    stream = Stream()
    answer, faults = (
        getattr(stream, operation),
        [error("ClientError", "LimitExceededException")] * 2,
    )

    def asked(**request):
        if faults:
            raise faults.pop()
        return answer(**request)

    setattr(stream, operation, asked)
    result, slept = put(stream, messages(10))
    assert (result.user_records, len(slept)) == (10, 2)

    def denied(**request):
        raise error("ClientError", "AccessDeniedException")

    setattr(stream, operation, denied)
    records = iter(messages(10))
    with pytest.raises(Exception, match="AccessDeniedException"):
        put(stream, records)
    # Nothing was taken.
    assert len(list(records)) == 10


def test_waits_are_drawn_from_ranges_that_double(monkeypatch):
    """Or all producers come back at once."""
    ranges = []

    def uniform(low, high):
        ranges.append((low, high))
        return high / 2

    monkeypatch.setattr(random, "uniform", uniform)
    stream = Stream(faults=lambda request, entry: "Throttled" if request < 6 else None)
    _, slept = put(stream, messages(1), base_delay=0.1, max_delay=1)
    assert ranges == [(0, 0.1), (0, 0.2), (0, 0.4), (0, 0.8), (0, 1), (0, 1)]
    assert slept == [high / 2 for _, high in ranges]


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


def test_what_was_not_taken_is_still_there():
    def denied(request):
        raise error("ClientError", "AccessDeniedException")

    taken = []

    def large():
        for number in range(40):
            taken.append(number)
            yield str(number), bytes(500_000)

    stream = Stream(before=denied)
    with pytest.raises(kinpack.PutError, match="AccessDenied") as it:
        put(stream, itertools.chain(large(), messages(2000)))
    rest = list(it.value.rest)
    assert len(it.value.unsent) + len(rest) == 2040
    # It waits until a request's worth and more is there, and takes no more.
    assert len(rest) >= 1500
    assert rest[-1] == messages(2000)[-1]


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
