"""kinpack's handlers with the helpers that users test theirs with."""

import logging

import pytest

import kinpack
from kinpack import testing

BATCH = testing.event(
    [[("ada", "1"), ("bob", "2")], ("cyd", "3"), [("dan", "4"), ("ada", "5"), ("eve", "6")]]
)
ALL_GOOD = {"batchItemFailures": []}
CONCURRENT = {"one-by-one": 1, "threaded": 4, "coroutines": 4}


def made(way, function, **settings):
    """A Lambda function of a function of a record, in one of the ways."""
    settings = {"report": "batch_item_failures", **settings}
    if way == "loop":

        def handler(event, context):
            with kinpack.batch(event, context, **settings) as batch:
                for record in batch:
                    function(record)
            return batch.response

        return handler

    async def coroutine(record):
        function(record)

    made_of = coroutine if way == "coroutines" else function
    return kinpack.handler(concurrency=CONCURRENT[way], **settings)(made_of)


@pytest.fixture(params=["one-by-one", "threaded", "coroutines", "loop"])
def way(request):
    return request.param


def failed(*indices):
    numbers = [BATCH["Records"][index]["kinesis"]["sequenceNumber"] for index in indices]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


def test_a_record_that_fails_twice(way):
    done = []
    function = testing.fail_at(
        lambda record: done.append(record.data), lambda record: record.data == b"5", times=2
    )
    delivery = testing.deliver(made(way, function), BATCH)
    assert [attempt.response for attempt in delivery.attempts] == [failed(2), failed(2), ALL_GOOD]
    assert not delivery.discarded
    assert set(done) == {b"1", b"2", b"3", b"4", b"5", b"6"}
    assert done.count(b"1") == done.count(b"5") == 1


def test_what_is_in_memory_is_not_handled_again(way):
    done = []
    function = testing.fail_at(
        lambda record: done.append(record.data), lambda record: record.data == b"5", times=1
    )
    handler = made(way, function, progress=kinpack.InMemoryProgress())
    delivery = testing.deliver(handler, BATCH)
    assert len(delivery.attempts) == 2
    assert sorted(done) == [b"1", b"2", b"3", b"4", b"5", b"6"]


def test_an_invocation_that_is_cut(way):
    done = []
    function = testing.cut_at(
        lambda record: done.append(record.data), lambda record: record.data == b"2"
    )
    handler = made(way, function, progress=kinpack.InMemoryProgress())
    delivery = testing.deliver(handler, BATCH)
    first, second = delivery.attempts
    assert isinstance(first.error, testing.Cut) and first.response is None
    assert second.response == ALL_GOOD and second.event == BATCH
    # Nobody was told of what was finished before: it is handled again.
    assert done.count(b"1") == 2 and set(done) == {b"1", b"2", b"3", b"4", b"5", b"6"}


@pytest.mark.parametrize("what", ["base64", "digest", "protobuf", "index"])
def test_broken_records(way, what, caplog):
    done = []
    handler = made(way, lambda record: done.append(record.data))
    broken = testing.broken(BATCH, 2, what)
    with caplog.at_level(logging.WARNING, "kinpack"):
        assert handler(broken, testing.Context()) == failed(2)
    assert sorted(done) == [b"1", b"2", b"3"]
    # Why is in the log.
    error = next(
        it.error for it in kinpack.records(broken, policy="strict", errors="keep") if it.error
    )
    assert str(error) in caplog.text
    # In each delivery, until Lambda gives up.
    delivery = testing.deliver(handler, broken, maximum_retry_attempts=3)
    assert delivery.discarded == broken["Records"][2:]


def test_the_deadline_of_a_tests_clock(way):
    clock, done = testing.Clock(), []

    def slow(record):
        clock.advance(4)
        done.append(record.data)

    # Of one key, so that nothing goes on side by side. After 12 seconds less than a second is left.
    event = testing.event([[("ada", "1"), ("ada", "2")], ("ada", "3"), ("ada", "4"), ("ada", "5")])
    response = made(way, slow)(event, testing.Context(12.9, clock=clock))
    number = event["Records"][2]["kinesis"]["sequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert done == [b"1", b"2", b"3"]


def test_an_invocation_in_which_nothing_advanced(way):
    clock = testing.Clock()
    handler = made(way, lambda record: clock.advance(100))
    with pytest.raises(kinpack.KinpackNoProgress):
        handler(testing.event([[("ada", "1"), ("ada", "2")]]), testing.Context(3, clock=clock))


def test_groups_of_enhanced_fan_out(way):
    group = testing.event([[("ada", "1"), ("bob", "2")], ("cyd", "3")], fan_out=True)
    function = testing.fail_at(lambda record: None, lambda record: record.data == b"2")
    response = made(way, function)(group, testing.Context())
    number = group["Records"][0]["kinesis"]["sequenceNumber"]
    assert response == {"batchItemFailures": [{"itemIdentifier": number}]}


class Tables:
    """As much of DynamoDB as the store needs."""

    def __init__(self):
        self.items = {}

    def get_item(self, *, Key, **_):
        item = self.items.get(Key["id"]["S"])
        return {"Item": item} if item else {}

    def put_item(self, *, Item, **_):
        self.items[Item["id"]["S"]] = Item


def test_a_store_that_cannot_be_read(way):
    client = testing.failing(Tables(), "get_item", "ThrottlingException", times=1)
    done = []
    handler = made(
        way,
        lambda record: done.append(record.data),
        progress=kinpack.DynamoProgress("progress", client=client),
    )
    delivery = testing.deliver(handler, BATCH)
    first, second = delivery.attempts
    assert isinstance(first.error, kinpack.KinpackProgressStore)
    assert "ThrottlingException" in str(first.error)
    assert second.response == ALL_GOOD and len(done) == 6


def test_a_store_that_cannot_be_written(way):
    outcomes, done = [], []
    client = testing.failing(Tables(), "put_item", times=1)
    function = testing.fail_at(
        lambda record: done.append(record.data), lambda record: record.data == b"5", times=2
    )
    handler = made(
        way,
        function,
        progress=kinpack.DynamoProgress("progress", client=client),
        on_outcome=outcomes.append,
    )
    delivery = testing.deliver(handler, BATCH)
    assert [attempt.response for attempt in delivery.attempts] == [failed(2), failed(2), ALL_GOOD]
    assert [outcome.progress_lost for outcome in outcomes] == [True, False, False]
    # Lost once, so that of the last aggregate what was done is done twice, and not more.
    assert done.count(b"4") == 2 and done.count(b"1") == 1


def test_a_dead_letter_that_cannot_be_sent(way):
    class Queue:
        def send_message(self, *, MessageBody, **_):
            self.letters.append(MessageBody)

    queue = Queue()
    queue.letters = []
    client = testing.failing(queue, "send_message", times=1)

    def function(record):
        if record.data == b"2":
            raise kinpack.PoisonRecord("never")

    poison = kinpack.Poison(to=kinpack.SqsDeadLetter("https://queue", client=client))
    delivery = testing.deliver(made(way, function, poison=poison), BATCH)
    first, *_, last = [attempt.response for attempt in delivery.attempts]
    assert (first, last) == (failed(0), ALL_GOOD)
    (letter,) = queue.letters
    assert "never" in letter
