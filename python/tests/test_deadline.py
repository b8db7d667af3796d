"""What handlers do when time runs out."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import kinpack
from handling import ALL_GOOD, Durable, fails, from_, made
from kinpack import testing
from kinpack._handlers._core import Clock


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
    never, both = threading.Event(), threading.Barrier(2)
    cancelled = []

    if way == "threads":

        def function(record):
            if record.data in {b"1", b"2"}:
                never.wait(20)
            else:
                both.wait(2)
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
    # The threads that hang are no hindrance: two others are there at once.
    if way == "threads":
        event = testing.event([("a", "3"), ("b", "4")])
        assert handler(event, testing.Context()) == ALL_GOOD
    never.set()


def test_a_clock_that_is_set_back_moves_no_deadline(monkeypatch):
    clock = Clock()
    began = clock.now()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.elapsed() >= 0
    assert began <= clock.now() < began + 60 * 10**9


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
