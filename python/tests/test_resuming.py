"""What handlers remember, and where."""

from __future__ import annotations

import contextvars
from datetime import timedelta

import pytest

import kinpack
from handling import ALL_GOOD, Durable, fails, from_, made
from kinpack import testing


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


@pytest.mark.parametrize("arrives", [True, False])
def test_a_write_without_an_answer_is_looked_up(way, arrives):
    class Silent(Durable):
        def write(self, *arguments):
            if arrives:
                super().write(*arguments)
            raise TimeoutError("no answer")

    done, outcomes, store = [], [], Silent()
    event = testing.event([[("a", "1"), ("b", "bad")]])
    handler = made(way, fails([b"bad"], done), progress=store, on_outcome=outcomes.append)
    assert handler(event, testing.Context()) == from_(event, 0)
    assert outcomes[0].progress_lost != arrives
    assert made(way, fails([], done), progress=store)(event, testing.Context()) == ALL_GOOD
    assert done == (["1", "bad"] if arrives else ["1", "1", "bad"])


def test_stores_and_letters_see_what_tracers_set(way):
    """In whichever thread they are: tracers go by context variables."""
    here = contextvars.ContextVar("here", default="elsewhere")
    seen = []

    class Traced(Durable):
        def read(self, key):
            seen.append(("read", here.get()))
            return super().read(key)

        def write(self, *arguments):
            seen.append(("write", here.get()))
            super().write(*arguments)

    def send(letter):
        seen.append(("letter", here.get()))
        raise OSError("no queue")

    poison = kinpack.Poison(to=send)
    function = fails([b"1"], error=kinpack.PoisonRecord())
    handler = made(way, function, progress=Traced(), poison=poison)
    event = testing.event([[("a", "1"), ("b", "2")]])
    here.set("in the span")
    try:
        assert handler(event, testing.Context()) == from_(event, 0)
    finally:
        here.set("elsewhere")
    told = {"read": "in the span", "letter": "in the span", "write": "in the span"}
    if way == "loop":
        # Nothing is finished, so nothing is written.
        del told["write"]
    assert dict(seen) == told


def test_memory_forgets_the_shard_that_was_written_longest_ago():
    store = kinpack.InMemoryProgress()
    for number in range(64):
        store.write(f"shard-{number}", 0, 100 + number, b"")
    store.write("shard-0", 100, 500, b"new")
    store.write("one-more", 0, 501, b"")
    assert store.read("shard-1") is None
    assert store.read("shard-0") == (500, b"new")
    assert store.read("shard-2") == (102, b"")
    assert store.read("one-more") == (501, b"")


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
