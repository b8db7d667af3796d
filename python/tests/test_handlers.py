"""The semantics of handlers, through each of the ways that they run."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import logging
import sys
import threading
import time

import pytest

import kinpack
from handling import ALL_GOOD, NO, Durable, fails, from_, made, number
from kinpack import testing
from test_memory import flat

# Settings.


def test_reporting_has_no_default():
    with pytest.raises(TypeError, match="FAILED RECORDS ARE LOST"):
        kinpack.handler()
    with pytest.raises(TypeError, match="report says how .* not 'none'"):
        kinpack.handler(report="none")
    with pytest.raises(TypeError, match="has no default"):
        kinpack.batch(testing.event([]), testing.Context())
    with pytest.raises(TypeError, match="with what to report"):
        kinpack.handler(lambda record: None)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"concurrency": 0}, "at least 1"),
        ({"concurrency": -1}, "at least 1, not -1"),
        ({"concurrency": "4"}, "is a number, not '4'"),
        ({"concurrency": True}, "is a number, not True"),
        ({"progress": "table"}, r"progress is .*InMemoryProgress\(\) .* not 'table'"),
        ({"progress": kinpack.InMemoryProgress}, r"progress is .* not <class"),
        ({"name": 5}, "name is a text"),
        ({"metrics": True}, "metrics is a text"),
        ({"on_outcome": 5}, "function of an Outcome"),
        ({"poison": 3}, r"kinpack\.Poison"),
        ({"poison": kinpack.Poison(to=print, after=3)}, "poison.after needs a durable store"),
        ({"checkpoint_every": 5}, "checkpoint_every needs a durable store"),
        ({"checkpoint_every": True, "progress": Durable()}, "number of records or a timedelta"),
        ({"checkpoint_every": 0, "progress": Durable()}, "at least 1"),
        ({"progress_limit": 5, "progress": kinpack.InMemoryProgress()}, "durable"),
        ({"broken_aggregates": "skip"}, "broken_aggregates"),
        ({"deadline_margin": -1}, "seconds from 0 on, not -1"),
        ({"deadline_margin": "1"}, "number of seconds, not '1'"),
        ({"deadline_margin": None}, "number of seconds, not None"),
        ({"deadline_margin": float("nan")}, "not nan"),
        ({"deadline_margin": 1e300}, "not 1e"),
    ],
)
def test_wrong_settings_are_told_when_the_handler_is_made(wrong, says):
    with pytest.raises((TypeError, ValueError), match=says):
        kinpack.handler(report="batch_item_failures", **wrong)


def test_a_handler_takes_one_record():
    """Or each record fails, is tried again and again, and goes to the dead letter."""

    class Methods:
        def handle(self, record):
            pass

    def lambda_handler(event, context):
        pass

    async def nothing():
        pass

    make = kinpack.handler(report="batch_item_failures")
    for function in [lambda_handler, Methods.handle, nothing, lambda *, record: None]:
        with pytest.raises(TypeError, match="called with one argument, a user record"):
            make(function)
    for function in [Methods().handle, print, lambda *records: None, lambda it, more=1: None]:
        make(function)


def test_a_context_that_does_not_know_the_time(way):
    class Mock:
        def get_remaining_time_in_millis(self):
            return self

    with pytest.raises(TypeError, match=r"is a number, not Mock: kinpack\.testing\.Context"):
        made(way, fails([]))(testing.event([("a", "1")]), Mock())


def test_wrong_poison_rules():
    with pytest.raises(TypeError, match="SqsDeadLetter or a function"):
        kinpack.Poison(to="queue")
    with pytest.raises(ValueError, match="at least 1"):
        kinpack.Poison(to=print, after=0)
    with pytest.raises(ValueError, match="hold_key"):
        kinpack.Poison(to=print, policy="hold")
    assert repr(kinpack.Poison(to=print)).startswith("Poison(to=<built-in function print>")

    async def post(letter):
        pass

    rule = kinpack.Poison(to=post)
    with pytest.raises(TypeError, match="needs an async handler"):
        kinpack.handler(report="batch_item_failures", poison=rule)(print)


def test_resources_are_no_clients():
    class Table:
        meta = None

    with pytest.raises(TypeError, match="not Table: resources and sessions"):
        kinpack.DynamoProgress("table", client=Table())
    with pytest.raises(TypeError, match=r'boto3\.client\("sqs"\)'):
        kinpack.SqsDeadLetter("url", client=object())


# Reporting.


def test_all_good_and_nothing_at_all(way):
    done = []
    handler = made(way, fails([], done))
    event = testing.event([("a", "1"), [("a", "2"), ("b", "3")], ("c", "4")])
    assert handler(event, testing.Context()) == ALL_GOOD
    assert sorted(done) == ["1", "2", "3", "4"]
    assert handler(testing.event([]), testing.Context()) == ALL_GOOD
    assert handler(json.dumps(event), testing.Context()) == ALL_GOOD
    # Who has no context has no deadline.
    assert handler(event, None) == ALL_GOOD


def test_one_failure_is_reported_once_and_loudly_the_first_time(way, caplog):
    event = testing.event([("a", "1"), [("a", "2"), ("b", "bad")], ("c", "4")])
    handler = made(way, fails([b"bad"]))
    for loud in [True, False]:
        caplog.clear()
        assert handler(event, testing.Context()) == from_(event, 1)
        text = caplog.text
        assert ("IF THE EVENT SOURCE MAPPING LACKS" in text) == loud
        assert f"{number(event, 1)}:1 failed (to be tried again): ValueError: no" in text


def test_a_mapping_without_item_failures_gets_an_error(way):
    outcomes = []
    event = testing.event([("a", "1"), ("b", "bad")])
    settings = {"report": "fail_invocation", "on_outcome": outcomes.append}
    handler = made(way, fails([b"bad"]), **settings)
    with pytest.raises(kinpack.KinpackNotFinished, match=number(event, 1)) as failure:
        handler(event, testing.Context())
    assert failure.value.outcome is outcomes[0]
    assert (outcomes[0].handled, outcomes[0].failed, outcomes[0].stopped_by) == (1, 1, "failure")
    assert made(way, fails([]), **settings)(event, testing.Context()) == ALL_GOOD
    # What Lambda logs of it shows the record's error, too.
    assert failure.value.__cause__ is NO


def test_no_event_of_kinesis(way):
    handler = made(way, fails([]))
    for event in [{"Records": 5}, "{", {"detail": {}}, [{"data": ""}]]:
        with pytest.raises(kinpack.KinpackEvent, match="no event of a Kinesis stream"):
            handler(event, testing.Context())
    event = testing.event([("a", "1"), ("a", "2")])
    event["Records"][1]["eventID"] = "shardId-000000000007:1"
    with pytest.raises(kinpack.KinpackEvent, match="record 1 is of another shard"):
        handler(event, testing.Context())


# Order, and what runs at once.


@pytest.mark.parametrize("way", ["threads", "coroutines"])
def test_keys_side_by_side_each_in_order(way):
    users = [(f"key-{i % 7}", f"{i}") for i in range(300)]
    event = testing.event([users[i : i + 30] for i in range(0, 300, 30)])
    running, most, seen, lock = set(), [0], [], threading.Lock()

    def enter(record):
        with lock:
            assert record.partition_key not in running
            running.add(record.partition_key)
            most[0] = max(most[0], len(running))

    def leave(record):
        with lock:
            running.remove(record.partition_key)
            seen.append((record.partition_key, int(record.data)))

    if way == "threads":

        def function(record):
            enter(record)
            time.sleep(0.0005)
            leave(record)
    else:

        async def function(record):
            enter(record)
            await asyncio.sleep(0.0005)
            leave(record)

    handler = kinpack.handler(report="batch_item_failures", concurrency=5)(function)
    assert handler(event, testing.Context()) == ALL_GOOD
    assert 1 < most[0] <= 5
    for key in {key for key, _ in users}:
        numbers = [number for of, number in seen if of == key]
        assert numbers == sorted(numbers)
    assert len(seen) == 300


def test_context_variables_reach_the_threads():
    import contextvars

    request = contextvars.ContextVar("request")
    seen = []
    handler = made("threads", lambda record: seen.append(request.get()))
    request.set("mine")
    assert handler(testing.event([("a", "1"), ("b", "2")]), testing.Context()) == ALL_GOOD
    assert seen == ["mine", "mine"]


def test_several_invocations_at_once(way):
    done = []
    handler = made(way, fails([b"bad"], done), progress=kinpack.InMemoryProgress())
    answers = []

    def invoke(shard):
        event = testing.event([("a", f"{shard}"), ("b", "bad")], shard=shard)
        answers.append(handler(event, testing.Context()) == from_(event, 1))

    threads = [threading.Thread(target=invoke, args=(shard,)) for shard in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert sorted(done) == sorted(f"{shard}" for shard in range(8))


def test_an_event_loop_that_runs_already():
    done = []

    @kinpack.handler(report="batch_item_failures", concurrency=2)
    async def handler(record):
        done.append(record.data)

    event = testing.event([("a", "1"), ("b", "2")])

    async def program():
        with pytest.raises(RuntimeError, match="await handler.call_async"):
            handler(event, testing.Context())
        return await handler.call_async(event, testing.Context())

    assert asyncio.run(program()) == ALL_GOOD
    assert sorted(done) == [b"1", b"2"]
    with pytest.raises(TypeError, match="coroutine functions"):
        asyncio.run(made("threads", print).call_async(event, testing.Context()))


def test_coroutines_keep_their_loop():
    loops = set()

    @kinpack.handler(report="batch_item_failures")
    async def handler(record):
        loops.add(asyncio.get_running_loop())

    for _ in range(3):
        handler(testing.event([("a", "1")]), testing.Context())
    assert len(loops) == 1


def test_callables_of_other_kinds():
    class Called:
        def __init__(self):
            self.seen = []

        async def __call__(self, record):
            self.seen.append(record.data)

    called = Called()
    event = testing.event([("a", "1")])
    handler = kinpack.handler(report="batch_item_failures")(called)
    assert handler(event, testing.Context()) == ALL_GOOD
    assert called.seen == [b"1"]
    partial = functools.partial(fails([b"1"]))
    handler = kinpack.handler(report="batch_item_failures")(partial)
    assert handler(event, testing.Context()) == from_(event, 0)

    @kinpack.handler(report="batch_item_failures")
    def documented(record):
        """What it does."""

    assert (documented.__name__, documented.__doc__) == ("documented", "What it does.")


def test_what_nobody_would_run_is_a_failure():
    async def coroutine(record):
        pass

    def generator(record):
        yield record

    async def asynchronous(record):
        yield record

    event = testing.event([("a", "1")])
    for concurrency in [1, 2]:
        for lost in [lambda record: coroutine(record), lambda record: generator(record)]:
            made = kinpack.handler(report="batch_item_failures", concurrency=concurrency)(lost)
            assert made(event, testing.Context()) == from_(event, 0)
        for function in [generator, asynchronous]:
            with pytest.raises(TypeError, match="no generator"):
                kinpack.handler(report="batch_item_failures", concurrency=concurrency)(function)


def test_odd_exceptions_are_failures(way, caplog):
    class Silent(Exception):
        def __str__(self):
            raise ValueError("no text")

    event = testing.event([("a", "1"), ("a", "2")])
    for error in [Silent(), StopIteration(), StopAsyncIteration(), AssertionError(), OSError(5)]:
        assert made(way, fails([b"2"], error=error))(event, testing.Context()) == from_(event, 1)
    assert "Silent: (and cannot say why)" in caplog.text

    @kinpack.handler(report="batch_item_failures", concurrency=2)
    async def cancelled(record):
        raise asyncio.CancelledError

    assert cancelled(event, testing.Context()) == from_(event, 0)


@pytest.mark.parametrize("way", ["one-by-one", "threads", "coroutines", "loop"])
def test_who_wants_the_end_gets_it(way):
    handler = made(way, fails([b"1"], error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        handler(testing.event([("a", "1"), ("b", "2")]), testing.Context())


# What it leaves behind.


def test_metrics_are_a_line_of_the_embedded_format(way, capsys):
    event = testing.event([("a", "1"), [("a", "2"), ("b", "bad")]])
    handler = made(way, fails([b"bad"]), metrics="orders")
    handler(event, testing.Context(function_name="reader"))
    line = json.loads(capsys.readouterr().out)
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "orders"
    named = {it["Name"] for it in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert {"user_records", "kinesis_records", "no_progress", "decode_fault"} <= named
    assert (line["consumer"], line["user_records"], line["failures"]) == ("reader", 3, 1)


def test_metrics_of_invocations_that_fail_before_anything_is_handled(way, capsys):
    class Broken(Durable):
        def read(self, key):
            raise OSError("no way")

    handler = made(way, fails([]), progress=Broken(), metrics="orders", name="reader")
    for event, name, counted in [
        ({"Records": 5}, "KinpackEvent", "event_fault"),
        (testing.event([("a", "1")]), "KinpackProgressStore", "progress_failures"),
    ]:
        with pytest.raises(getattr(kinpack, name)):
            handler(event, testing.Context())
        line = json.loads(capsys.readouterr().out)
        assert (line["consumer"], line[counted], line["handled"]) == ("reader", 1, 0)
        assert line["user_records"] == (0 if counted == "event_fault" else 1)


def test_ten_thousand_records(way):
    done = []
    event = testing.event([[(f"k{i % 50}", f"{i}") for i in range(10_000)]])
    assert made(way, fails([], done))(event, testing.Context()) == ALL_GOOD
    assert sorted(map(int, done)) == list(range(10_000))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
@pytest.mark.parametrize("way", ["one-by-one", "coroutines", "loop"])
def test_memory_stays_where_it_is(way):
    store = kinpack.InMemoryProgress()
    handler = made(way, fails([b"7"]), progress=store)
    event = testing.event([[(f"k{i % 5}", f"{i}") for i in range(100)]])
    logging.disable(logging.CRITICAL)
    try:
        flat(lambda: handler(event, testing.Context()), 400)
    finally:
        logging.disable(logging.NOTSET)
    gc.collect()


def test_importing_kinpack_imports_no_handlers():
    import subprocess

    names = "[m for m in sys.modules if 'kinpack._h' in m or m == 'asyncio']"
    program = f"import kinpack, sys; print({names})"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
