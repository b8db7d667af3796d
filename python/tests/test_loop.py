"""The plain loop over a batch."""

from __future__ import annotations

import gc
import logging

import pytest

import kinpack
from handling import ALL_GOOD, Durable, fails, from_, loop
from kinpack import testing


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
        gc.collect()
        # At once, and not whenever cycles are looked for.
        gc.disable()
        wrong()
        gc.enable()
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


def test_a_batch_without_its_with_is_refused():
    with pytest.raises(RuntimeError, match="it is: with"):
        next(iter(loop(testing.event([("a", "1")]))))


def test_a_list_of_the_records_is_refused():
    with pytest.raises(RuntimeError, match="use a loop"), loop(testing.event([("a", "1")])) as it:
        list(it)


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
