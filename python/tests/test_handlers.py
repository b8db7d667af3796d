"""The semantics of handlers, through each of the ways that they run."""

from __future__ import annotations

import asyncio
import base64
import functools
import gc
import json
import logging
import sys
import threading
import time
from datetime import timedelta

import pytest

import kinpack
from kinpack import testing
from kinpack._handlers import _settings
from test_memory import flat

ALL_GOOD = {"batchItemFailures": []}
WAYS = ["one-by-one", "threads", "coroutines", "loop"]


class Durable(kinpack.InMemoryProgress):
    """As durable as the test."""

    durable = True


@pytest.fixture(autouse=True)
def say_again():
    _settings._said.clear()


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def made(way, function, **settings):
    settings = {"report": "batch_item_failures", **settings}
    if way == "loop":

        def run(event, context):
            with kinpack.batch(event, context, **settings) as batch:
                for record in batch:
                    function(record)
            return batch.response

        return run
    if way == "one-by-one":
        return kinpack.handler(**settings)(function)
    if way == "threads":
        return kinpack.handler(concurrency=4, **settings)(function)

    async def coroutine(record):
        function(record)

    return kinpack.handler(concurrency=4, **settings)(coroutine)


def number(event, index):
    return event["Records"][index]["kinesis"]["sequenceNumber"]


def from_(event, index):
    return {"batchItemFailures": [{"itemIdentifier": number(event, index)}]}


NO = ValueError("no")


def fails(bad, done=None, error=NO):
    def function(record):
        if record.data in bad:
            raise error
        if done is not None:
            done.append(record.data.decode())

    return function


def until_good(handler, event, most):
    """The answers of Lambda's attempts."""
    answers = []
    while len(answers) < most and ALL_GOOD not in answers:
        answers.append(handler(event, testing.Context()))
    return answers


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
        ({"poison": 3}, r"kinpack\.Poison"),
        ({"poison": kinpack.Poison(to=print, after=3)}, "poison.after needs a durable store"),
        ({"checkpoint_every": 5}, "checkpoint_every needs a durable store"),
        ({"checkpoint_every": True, "progress": Durable()}, "number of records or a timedelta"),
        ({"checkpoint_every": 0, "progress": Durable()}, "at least 1"),
        ({"progress_limit": 5, "progress": kinpack.InMemoryProgress()}, "durable"),
        ({"broken_aggregates": "skip"}, "broken_aggregates"),
        ({"deadline_margin": -1}, "not negative"),
    ],
)
def test_wrong_settings_are_told_when_the_handler_is_made(wrong, says):
    with pytest.raises((TypeError, ValueError), match=says):
        kinpack.handler(report="batch_item_failures", **wrong)


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
    if way == "loop":
        assert isinstance(failure.value.__cause__, ValueError)


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


# Resuming.


def test_finished_records_are_skipped_and_others_go_on_with_a_durable_store(way):
    done, outcomes = [], []
    store = Durable()
    event = testing.event([[("a", "bad"), ("b", "2"), ("a", "3")], ("c", "4")])
    settings = {"progress": store, "on_outcome": outcomes.append}
    handler = made(way, fails([b"bad"], done), **settings)
    assert handler(event, testing.Context()) == from_(event, 0)
    # A loop ends where the exception was.
    assert sorted(done) == ([] if way == "loop" else ["2", "4"])
    done.clear()
    handler = made(way, fails([], done), **settings)
    assert handler(event, testing.Context()) == ALL_GOOD
    assert sorted(done) == (["2", "3", "4", "bad"] if way == "loop" else ["3", "bad"])
    assert outcomes[-1].skipped == (0 if way == "loop" else 2)


def test_a_store_that_cannot_be_read_fails_the_invocation(way):
    class Broken(Durable):
        def read(self, key):
            raise OSError("no way")

    done = []
    handler = made(way, fails([], done), progress=Broken())
    with pytest.raises(kinpack.KinpackProgressStore, match="OSError: no way") as failure:
        handler(testing.event([("a", "1")]), testing.Context())
    assert isinstance(failure.value.__cause__, OSError)
    assert done == []
    # With nothing to handle nothing is read.
    assert handler(testing.event([]), testing.Context()) == ALL_GOOD

    class Odd(Durable):
        def read(self, key):
            return 7, b"\xff"

    with pytest.raises(kinpack.KinpackProgressStore):
        made(way, fails([]), progress=Odd())(testing.event([("a", "1")]), testing.Context())


def test_a_store_that_cannot_be_written(way, caplog):
    class Full(Durable):
        def write(self, *_):
            raise OSError("full")

    outcomes = []
    event = testing.event([("a", "1"), ("b", "bad")])
    handler = made(way, fails([b"bad"]), progress=Full(), on_outcome=outcomes.append)
    assert handler(event, testing.Context()) == from_(event, 1)
    assert outcomes[0].progress_lost or way == "loop"
    assert "progress could not be written: OSError: full" in caplog.text


def test_writes_meet_those_of_others(way):
    """Another invocation has written meanwhile: neither undoes the other."""

    class Contended(Durable):
        other = None

        def write(self, key, if_version, version, progress):
            if self.other is not None:
                other, self.other = self.other, None
                self._shards[key] = other
            super().write(key, if_version, version, progress)

    done = []
    event = testing.event([[("a", "bad"), ("b", "2"), ("c", "3")]])
    theirs = Durable()
    made("one-by-one", fails([b"bad", b"2"]), progress=theirs)(event, testing.Context())
    (state,) = theirs._shards.values()
    store = Contended()
    store.other = state
    made("one-by-one", fails([b"bad", b"3"]), progress=store)(event, testing.Context())
    assert made(way, fails([], done), progress=store)(event, testing.Context()) == ALL_GOOD
    assert done == ["bad"]


@pytest.mark.parametrize("every", [2, timedelta(0)])
def test_checkpoints_in_between(way, every):
    class Counting(Durable):
        writes = 0

        def write(self, *arguments):
            self.writes += 1
            super().write(*arguments)

    store = Counting()
    event = testing.event([(f"k{i}", f"{i}") for i in range(10)])
    handler = made(way, fails([]), progress=store, checkpoint_every=every)
    assert handler(event, testing.Context()) == ALL_GOOD
    # By time they are written while others are handled.
    assert store.writes >= (3 if every == 2 else 1)
    plain = Counting()
    made(way, fails([]), progress=plain)(event, testing.Context())
    assert plain.writes == 0


# Poison.


@pytest.mark.parametrize("policy", ["skip_record", "hold_key", "block"])
def test_poison_goes_to_the_dead_letter(way, policy):
    letters, done = [], []
    rule = kinpack.Poison(to=letters.append, policy=policy)
    event = testing.event([[("a", "bad"), ("b", "2"), ("a", "3")]])
    function = fails([b"bad"], done, kinpack.PoisonRecord("no such currency"))
    handler = made(way, function, progress=Durable(), poison=rule)
    answers = until_good(handler, event, 3)
    held = {"skip_record": [], "hold_key": ["3"], "block": []}[policy]
    assert [base64.b64decode(it["data"]).decode() for it in letters] == ["bad", *held]
    first = letters[0]
    assert (first["reason"], first["error"]) == ("poison", "no such currency")
    assert first["requestId"].startswith("00000000-0000-4000-8000-")
    assert first["functionArn"].startswith("arn:aws:lambda:")
    assert first["kinpackDeadLetter"] == 1
    if held:
        assert (letters[1]["reason"], letters[1]["heldBy"]) == ("heldKey", first["id"])
    if policy == "block":
        assert answers == [from_(event, 0)] * 3
    else:
        assert answers[-1] == ALL_GOOD
        assert sorted(done) == sorted({"2", "3"} - set(held))


def test_attempts_make_poison(way):
    letters = []
    rule = kinpack.Poison(to=letters.append, after=3)
    event = testing.event([("a", "bad"), ("a", "2")])
    handler = made(way, fails([b"bad"]), progress=Durable(), poison=rule)
    answers = until_good(handler, event, 4)
    assert answers[:2] == [from_(event, 0)] * 2
    assert answers[-1] == ALL_GOOD
    assert [(it["reason"], it["attempts"]) for it in letters] == [("attempts", 3)]


def test_a_dead_letter_that_fails_leaves_its_record_failed(way, caplog):
    def post(letter):
        raise OSError("no queue")

    event = testing.event([("a", "1"), ("a", "bad")])
    function = fails([b"bad"], error=kinpack.PoisonRecord())
    handler = made(way, function, poison=kinpack.Poison(to=post))
    assert handler(event, testing.Context()) == from_(event, 1)
    assert "could not be written: OSError: no queue" in caplog.text


def test_poison_without_a_dead_letter_is_a_failure(way):
    event = testing.event([("a", "bad")])
    function = fails([b"bad"], error=kinpack.PoisonRecord())
    assert made(way, function)(event, testing.Context()) == from_(event, 0)


def test_a_dead_letter_may_be_a_coroutine():
    letters = []

    async def post(letter):
        await asyncio.sleep(0)
        letters.append(letter)

    @kinpack.handler(report="batch_item_failures", poison=kinpack.Poison(to=post))
    async def handler(record):
        raise kinpack.PoisonRecord("x")

    assert handler(testing.event([("a", "1")]), testing.Context()) == ALL_GOOD
    assert len(letters) == 1


def test_what_does_not_decode_is_poison(way):
    letters = []
    schema = kinpack.AvroSchema('"string"')

    def function(record):
        if record.partition_key == "json":
            record.json()
        elif record.partition_key == "avro":
            record.avro(schema, framing="datum")
        elif record.partition_key == "bytes":
            # Its own is no fault of the payload.
            json.loads(b"{")

    event = testing.event([("json", "{"), ("avro", b"\x05x"), ("json", b"\xff"), ("x", "fine")])
    handler = made(way, function, progress=Durable(), poison=kinpack.Poison(to=letters.append))
    assert until_good(handler, event, 4)[-1] == ALL_GOOD
    assert [it["reason"] for it in letters] == ["poison"] * 3
    own = testing.event([("bytes", "1")], shard=1)
    assert handler(own, testing.Context()) == from_(own, 0)


def test_a_schema_store_that_fails_is_no_poison(way):
    def look_up(number):
        raise OSError("the registry is away")

    reader = kinpack.AvroReader(look_up, framing="confluent")
    letters = []
    rule = kinpack.Poison(to=letters.append)
    handler = made(way, lambda record: record.avro(reader), poison=rule)
    event = testing.event([("a", b"\0\0\0\0\1\2a")])
    assert handler(event, testing.Context()) == from_(event, 0)
    assert letters == []
    with pytest.raises(kinpack.SchemaStoreError, match="the registry is away"):
        kinpack.records(event)[0].avro(reader)


def test_data_that_is_not_base64_is_poison_and_not_lost(way):
    done, letters = [], []
    event = testing.broken(testing.event([("a", "1"), ("b", "2222")]), 1, "base64")
    text = event["Records"][1]["kinesis"]["data"]
    for given in [event, json.dumps(event)]:
        letters.clear()
        rule = kinpack.Poison(to=letters.append)
        handler = made(way, fails([], done), poison=rule)
        assert handler(given, testing.Context()) == ALL_GOOD
        assert [base64.b64decode(it["data"]).decode() for it in letters] == [text]
        assert "base64" in letters[0]["error"]
    assert done == ["1", "1"]


# Broken aggregates, and fan-out.


@pytest.mark.parametrize("what", ["digest", "protobuf", "index"])
def test_broken_aggregates_fail_or_pass_through(way, what):
    done, outcomes = [], []
    good = testing.event([("a", "1"), [("a", "2"), ("b", "3")]])
    event = testing.broken(good, 1, what)
    handler = made(way, fails([], done), on_outcome=outcomes.append)
    assert handler(event, testing.Context()) == from_(event, 1)
    assert done == ["1"]
    assert outcomes[0].metrics["decode_fault"] == 1
    seen = []
    handler = made(way, seen.append, broken_aggregates="pass_through", on_outcome=outcomes.append)
    assert handler(event, testing.Context()) == ALL_GOOD
    raw = base64.b64decode(event["Records"][1]["kinesis"]["data"])
    assert sorted(record.data for record in seen) == sorted([b"1", raw])
    assert outcomes[1].metrics["decode_fault"] == 1


def test_fan_out_groups_are_one(way, caplog):
    caplog.set_level(logging.INFO, "kinpack")
    event = testing.event([[("a", "1"), ("b", "bad"), ("c", "3")], ("d", "4")], fan_out=True)
    assert len(event["Records"]) == 4
    handler = made(way, fails([b"bad"]), progress=Durable())
    assert handler(event, testing.Context()) == from_(event, 0)
    assert caplog.text.count("enhanced fan-out") == 1
    handler(event, testing.Context())
    assert caplog.text.count("enhanced fan-out") == 1


# The deadline.


@pytest.mark.parametrize("way", ["one-by-one", "threads", "coroutines", "loop"])
def test_before_the_deadline_nothing_new_is_begun(way):
    outcomes, done = [], []

    def function(record):
        time.sleep(0.05)
        done.append(record.data)

    event = testing.event([("a", f"{i}") for i in range(100)])
    settings = {"deadline_margin": 1.0, "on_outcome": outcomes.append}
    began = time.monotonic()
    answer = made(way, function, **settings)(event, testing.Context(timeout=2.0))
    assert time.monotonic() - began < 2.0
    assert 1 <= len(done) <= 22
    assert answer == from_(event, len(done))
    assert (outcomes[0].stopped_by, outcomes[0].metrics["deadline_stop"]) == ("deadline", 1)


@pytest.mark.parametrize("way", ["threads", "coroutines"])
def test_what_does_not_end_is_given_up(way):
    never = threading.Event()
    cancelled = []

    if way == "threads":

        def function(record):
            never.wait(5)
    else:

        async def function(record):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                cancelled.append(record.data)
                raise

    made_of = {"report": "batch_item_failures", "concurrency": 2, "deadline_margin": 1.0}
    handler = kinpack.handler(**made_of)(function)
    event = testing.event([("a", "1"), ("b", "2")])
    began = time.monotonic()
    with pytest.raises(kinpack.KinpackNoProgress, match="no progress"):
        handler(event, testing.Context(timeout=2.0))
    assert time.monotonic() - began < 2.0
    assert len(cancelled) == (2 if way == "coroutines" else 0)
    never.set()
    # The threads that hung are no hindrance.
    if way == "threads":
        assert handler(event, testing.Context()) == ALL_GOOD


def test_a_store_that_hangs_is_given_up_before_the_deadline(way):
    go = threading.Event()

    class Hanging(Durable):
        def read(self, key):
            go.wait(5)

    handler = made(way, fails([]), progress=Hanging(), deadline_margin=1.2)
    began = time.monotonic()
    with pytest.raises(kinpack.KinpackProgressStore, match="no answer before the deadline"):
        handler(testing.event([("a", "1")]), testing.Context(timeout=1.5))
    assert time.monotonic() - began < 1.5
    go.set()

    class HangingLater(Durable):
        def write(self, *_):
            go.wait(5)

    go.clear()
    outcomes = []
    settings = {"deadline_margin": 1.2, "on_outcome": outcomes.append}
    handler = made(way, fails([b"2"]), progress=HangingLater(), **settings)
    event = testing.event([("a", "1"), ("b", "2")])
    began = time.monotonic()
    assert handler(event, testing.Context(timeout=1.5)) == from_(event, 1)
    assert time.monotonic() - began < 1.5
    go.set()


# The loop.


def loop(event, **settings):
    return kinpack.batch(event, testing.Context(), report="batch_item_failures", **settings)


def test_a_loop_that_is_left_gives_the_record_back():
    event = testing.event([("a", f"{i}") for i in range(5)])
    outcomes = []
    with loop(event, on_outcome=outcomes.append) as batch:
        for record in batch:
            if record.data == b"2":
                break
    assert batch.response == from_(event, 2)
    assert (outcomes[0].handled, outcomes[0].stopped_by) == (2, "driver")
    with loop(event) as batch:
        for record in batch:
            if record.data == b"2":
                batch.done()
                break
    assert batch.response == from_(event, 3)
    assert batch.response is batch.response
    with loop(event) as batch:
        pass
    assert batch.response == from_(event, 0)


def test_a_response_is_not_read_too_early():
    """Or the first record that fails ends the with block, and the function returns nothing."""
    event = testing.event([("a", "1"), ("b", "2")])
    with pytest.raises(RuntimeError, match="behind the with block"), loop(event) as batch:
        for _ in batch:
            pass
        _ = batch.response
    for _ in range(2):
        with pytest.raises(RuntimeError, match="behind the with block"), loop(event) as batch:
            for _ in batch:
                _ = batch.response


def test_a_response_that_nobody_reads_is_told_of(monkeypatch):
    said = []
    logger = logging.getLogger("kinpack")
    # Without those of pytest, which keep errors, and so the batch.
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logger.handlers[0], "handle", lambda it: said.append(it.getMessage()))
    event = testing.event([("a", "1"), ("b", "2")])

    def returns_in_the_loop():
        with loop(event) as batch:
            for _ in batch:
                return

    def forgets_to_return():
        with loop(event) as batch:
            for _ in batch:
                raise ValueError("bad")

    def all_is_well():
        with loop(event) as batch:
            for _ in batch:
                pass

    for wrong, times in [(returns_in_the_loop, 1), (forgets_to_return, 1), (all_is_well, 0)]:
        said.clear()
        wrong()
        gc.collect()
        assert "".join(said).count("nobody has read batch.response") == times, wrong


def test_an_invocation_fails_though_nobody_reads_the_response():
    """With fail_invocation there is no reason to read it."""
    event = testing.event([("a", "1"), ("b", "2")])
    outcomes = []
    for report, failure in [
        ("fail_invocation", kinpack.KinpackNotFinished),
        ("batch_item_failures", kinpack.KinpackNoProgress),
    ]:
        context = testing.Context(timeout=2 if failure is kinpack.KinpackNotFinished else 0.5)
        batch = kinpack.batch(event, context, report=report, on_outcome=outcomes.append)
        with pytest.raises(failure), batch:
            for _ in batch:
                break
    assert [it.not_finished for it in outcomes] == [2, 2]


def test_a_list_of_the_records_is_refused():
    with pytest.raises(RuntimeError, match="use a loop"), loop(testing.event([("a", "1")])) as it:
        list(it)


def test_ids_under_fan_out_are_those_of_dead_letters():
    event = testing.event([[("a", "1"), ("b", "2")], ("c", "3")], fan_out=True)
    ids, letters = [], []

    @kinpack.handler(report="batch_item_failures", poison=kinpack.Poison(to=letters.append))
    def handler(record):
        ids.append(record.id)
        raise kinpack.PoisonRecord("no")

    assert handler(event, testing.Context()) == ALL_GOOD
    assert ids == [letter["id"] for letter in letters]
    assert len(set(ids)) == 3
    assert [it.rsplit(":", 1)[1] for it in ids] == ["0?", "1?", "0?"]
    assert "/consumer/" not in "".join(ids)
    assert [it.id for it in kinpack.records(json.dumps(event))] == ids


def test_a_loop_may_go_on_after_a_failure():
    event = testing.event([("a", "bad"), ("b", "2"), ("a", "3")])
    done = []
    with loop(event, progress=Durable()) as batch:
        for record in batch:
            try:
                fails([b"bad"], done)(record)
            except ValueError as error:
                batch.failed(error)
    assert batch.response == from_(event, 0)
    assert done == ["2"]


def test_an_error_of_no_record_stays_one():
    event = testing.event([("a", "1")])
    with pytest.raises(KeyError), loop(event) as batch:
        for _ in batch:
            pass
        raise KeyError("after the loop")
    with pytest.raises(KeyError), loop(event) as batch:
        raise KeyError("before the loop")
    with loop(event) as batch:
        assert [record.data for record in batch] == [b"1"]
        with pytest.raises(RuntimeError, match="once"):
            iter(batch)
    assert batch.response == ALL_GOOD


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
