"""Records that no retry helps: poison, dead letters, broken aggregates; and shared numbers."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import logging

import pytest

import kinpack
from handling import ALL_GOOD, Durable, fails, from_, made, until_good
from kinpack import testing


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


@pytest.mark.parametrize("millis", [1, 1001, 1_732_530_000_001, 1_732_530_000_999])
def test_a_letter_knows_the_millisecond(millis):
    """Seconds as Lambda writes them are no exact fractions."""
    letters = []
    event = testing.event([("a", "1")], arrival=millis / 1000)
    handler = made(
        "one-by-one",
        fails([b"1"], error=kinpack.PoisonRecord()),
        poison=kinpack.Poison(to=letters.append),
    )
    assert handler(event, testing.Context()) == ALL_GOOD
    assert letters[0]["arrivalMillis"] == millis


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
    # A copy does not know its place.
    assert {copy.copy(it).id[-2:] for it in kinpack.records(event)} == {"0?"}
