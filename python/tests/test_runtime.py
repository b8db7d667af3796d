"""Handlers under Lambda's own client, over HTTP, with real deadlines."""

import json
import re
import time

import pytest

from kinpack import testing
from runtime_api import Function

pytest.importorskip("awslambdaric", reason="awslambdaric is not there for this Python")

ALL_GOOD = {"batchItemFailures": []}
WAYS = ["one_by_one", "threaded", "coroutines", "loop"]


@pytest.fixture
def start():
    functions = []

    def function(way, **environment):
        handler = way if "." in way else f"obey.{way}"
        functions.append(Function(handler, **environment))
        return functions[-1]

    yield function
    for one in functions:
        one.close()


def order(key, n, **what):
    return key, json.dumps({"n": n, **what})


def failed(event, index):
    number = event["Records"][index]["kinesis"]["sequenceNumber"]
    return {"batchItemFailures": [{"itemIdentifier": number}]}


def handled(function):
    # Not by lines: what is logged of an exception has no end of line.
    found = re.findall(r"handled (\w+) (\d+)", "\n".join(function.printed()))
    return [(key, int(n)) for key, n in found]


@pytest.mark.parametrize("way", WAYS)
def test_all_good(start, way):
    function = start(way)
    items = [[order("ada", n) for n in range(50)], order("bob", 50), [order("cyd", 51)]]
    event = testing.event(items)
    for _ in range(2):
        assert function.invoke(event).response == ALL_GOOD
    assert sorted(handled(function)) == sorted(
        [("ada", n) for n in range(50)] * 2 + [("bob", 50), ("cyd", 51)] * 2
    )
    ada = [n for key, n in handled(function) if key == "ada"]
    assert ada == list(range(50)) * 2
    assert function.invoke(testing.event([], after=event)).response == ALL_GOOD


@pytest.mark.parametrize("way", WAYS)
def test_failures_are_reported(start, way):
    function = start(way)
    event = testing.event(
        [[order("ada", 1)], [order("bob", 2), order("cyd", 3, fail=True)], order("cyd", 4)]
    )
    answer = function.invoke(event)
    assert answer.response == failed(event, 1)
    assert ("ada", 1) in handled(function) and ("cyd", 4) not in handled(function)
    again = testing.retry(event, answer.response)
    assert function.invoke(again).response == failed(again, 0)


@pytest.mark.parametrize("way", WAYS)
def test_a_failed_invocation_says_what_failed(start, way):
    function = start(way, REPORT="fail_invocation")
    event = testing.event([[order("ada", 1), order("bob", 2, fail=True)]])
    answer = function.invoke(event)
    assert answer.response is None and not answer.timed_out
    assert answer.error_type == "KinpackNotFinished"
    number = event["Records"][0]["kinesis"]["sequenceNumber"]
    assert number in answer.error_message
    # Why is in the log.
    assert any(f"{number}:1" in line and "so it says" in line for line in function.printed())
    # The environment lives on.
    good = function.invoke(testing.event([order("ada", 3)]))
    assert good.error_type is None and not good.timed_out
    assert ("ada", 3) in handled(function)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_begun_when_the_deadline_is_near(start, way):
    function = start(way)
    assert function.invoke(testing.event([])).response == ALL_GOOD
    items = [[order("ada", n, sleep=0.2)] for n in range(30)]
    event = testing.event(items)
    begin = time.monotonic()
    answer = function.invoke(event, time_out=3.0)
    assert not answer.timed_out and answer.error_type is None, answer
    assert time.monotonic() - begin < 3.0
    done = handled(function)
    # Some were handled, and the report begins where they end.
    assert 1 <= len(done) < 30
    assert answer.response == failed(event, len(done))
    assert done == [("ada", n) for n in range(len(done))]


@pytest.mark.parametrize("way", ["one_by_one", "threaded", "coroutines"])
def test_an_invocation_in_which_nothing_advanced_says_so(start, way):
    function = start(way)
    assert function.invoke(testing.event([])).response == ALL_GOOD
    event = testing.event([[order("ada", n, sleep=0.4) for n in range(20)]])
    answer = function.invoke(event, time_out=3.0)
    assert answer.error_type == "KinpackNoProgress", answer
    assert 1 <= len(handled(function)) < 20


@pytest.mark.parametrize("way", WAYS)
def test_records_that_cannot_be_read_are_reported(start, way):
    function = start(way)
    event = testing.event([order("ada", 1), [order("bob", 2)], order("cyd", 3)])
    answer = function.invoke(testing.broken(event, 1, "digest"))
    assert answer.response == failed(event, 1)
    assert any("digest does not match" in line for line in function.printed())
    no_json = testing.event([order("ada", 4), ("bob", "no JSON")], after=event)
    assert function.invoke(no_json).response == failed(no_json, 1)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_no_event_of_a_stream(start, way):
    function = start(way)
    answer = function.invoke({"Records": [{"messageId": "1", "body": "x"}]})
    assert answer.error_type == "KinpackEvent", answer
    assert "record 0 is not a Kinesis record" in answer.error_message


@pytest.mark.parametrize("way", WAYS)
def test_a_crash(start, way):
    function = start(way)
    event = testing.event([order("ada", 1), order("ada", 2, exit=True)])
    # The process is gone; Lambda would start another.
    assert function.invoke(event, time_out=2.0).timed_out
    assert function.invoke(testing.event([order("ada", 3)])).response == ALL_GOOD


@pytest.mark.parametrize("way", ["batches.functions", "batches.coroutines"])
def test_powertools(start, way):
    pytest.importorskip("aws_lambda_powertools", reason="there is none for this Python")
    function = start(way)
    event = testing.event(
        [[order("ada", 1), order("bob", 2, fail=True), order("cyd", 3, fail=True)], order("dan", 4)]
    )
    for _ in range(2):
        assert function.invoke(event).response == failed(event, 0)
    assert sorted(handled(function)) == [("ada", 1), ("ada", 1), ("dan", 4), ("dan", 4)]
    answer = function.invoke(testing.event([[order("ada", 5, fail=True)]]))
    assert answer.error_type == "BatchProcessingError"
    assert "so it says" in answer.error_message
    assert function.invoke(testing.event([[order("ada", 6)]])).response == ALL_GOOD


# With a table and a queue.

DURABLE = ["one_by_one", "threaded", "coroutines"]


@pytest.fixture
def durable(start, aws):
    queue = aws.queue()

    def function(way, **environment):
        stores = {"TABLE": aws.table(), "QUEUE": queue}
        return start(way, **stores, **aws.environment, **environment)

    function.letters = lambda: aws.letters(queue)
    return function


@pytest.mark.parametrize("way", DURABLE)
def test_the_next_environment_goes_on_inside_the_aggregate(durable, way):
    function = durable(way)
    assert function.invoke(testing.event([])).response == ALL_GOOD
    event = testing.event([[order("ada", n, sleep=0.3) for n in range(8)]])
    invocations = 0
    while True:
        answer = function.invoke(event, time_out=2.5)
        invocations += 1
        if answer.response == ALL_GOOD:
            break
        assert answer.response == failed(event, 0), answer
        assert invocations < 8
        function.kill()
        # So that starting the next one takes none of its time.
        function.invoke(testing.event([]))
    assert invocations > 1
    # Each once, and in order: the report of a deadline is no crash.
    assert handled(function) == [("ada", n) for n in range(8)]


@pytest.mark.parametrize("way", DURABLE)
def test_poison_is_told_apart(durable, way):
    function = durable(way)
    event = testing.event(
        [[order("ada", 1), order("bob", 2, fail=True), order("cyd", 3, poison=True)]]
    )
    answers = []
    for _ in range(3):
        answers.append(function.invoke(event).response)
        function.kill()
    assert answers == [failed(event, 0), failed(event, 0), ALL_GOOD]
    assert handled(function) == [("ada", 1)]
    letters = {(it["partitionKey"], it["reason"], it["attempts"]) for it in durable.letters()}
    assert letters == {("bob", "attempts", 3), ("cyd", "poison", 1)}


@pytest.mark.parametrize("way", DURABLE)
def test_a_failed_invocation_repeats_only_what_is_left(durable, way):
    function = durable(way, REPORT="fail_invocation")
    items = [[order("ada", 1), order("bob", 2, fail=True)], order("cyd", 3)]
    event = testing.event(items)
    for _ in range(2):
        assert function.invoke(event).error_type == "KinpackNotFinished"
        function.kill()
    assert function.invoke(event).error_type is None
    assert sorted(handled(function)) == [("ada", 1), ("cyd", 3)]
