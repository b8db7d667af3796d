"""What the KPL and others write is read as the KCL reads it."""

import base64
import json

import pytest

import kinpack
from vectors import lambda_event, load, row

KPL = load("kpl")
PEERS = [
    pytest.param(case, id=f"{writer}-{case['name']}")
    for writer, content in load("peers")
    for case in content["cases"]
]
READER = [
    pytest.param(file, case, id=f"{file}-{case['name']}")
    for file, content in load("reader")
    for case in content["cases"]
]

# The differences from the KCL are those that crates/kinpack/tests/reader_vectors.rs lists, by what
# they come to here.
INDEX = {
    *("key-index-first", "key-index-middle", "key-index-last", "key-table-empty", "key-index-far"),
    *("hash-key-index-middle", "hash-key-table-empty", "both-indices-outside"),
    *("bad-index-then-outside", "outside-then-bad-index", "table-70000-one-over"),
}
OVERLONG = {
    *("index-2-to-32", "index-2-to-32-plus-1", "index-2-to-63", "index-2-to-31", "index-max"),
    *("hash-key-index-2-to-32", "tag-bits-over-32", "tag-bits-over-32-unknown"),
    *("length-bits-over-32", "record-length-bits-over-32", "data-length-bits-over-32"),
    "unknown-length-bits-over-32",
}
HASH_KEY_IS_TEXT = {"bad-first", "too-large-last", "hash-key-not-utf8"}


def forms(entries):
    """The same Kinesis records in all forms that they come in."""
    event = lambda_event(entries)
    yield event
    yield json.dumps(event)
    yield json.dumps(event).encode()
    yield event["Records"]
    api = [
        {"Data": base64.b64decode(entry["data"]), "PartitionKey": entry["partition_key"]}
        for entry in entries
    ]
    yield {"Records": api, "MillisBehindLatest": 0}
    yield {"SubscribeToShardEvent": {"Records": api, "ContinuationSequenceNumber": "1"}}
    yield tuple(api)
    yield iter(api)


@pytest.mark.parametrize("name, file", KPL, ids=[name for name, _ in KPL])
def test_kpl(name, file):
    entries = file["entries"]
    expected = []
    for entry in entries:
        rows = entry["kcl"]["records"]
        if rows == "as inputs":
            rows = [
                {
                    "partition_key": str(number),
                    "explicit_hash_key": None,
                    "data": "",
                    "sub_sequence_number": place,
                    "aggregated": True,
                }
                for place, number in enumerate(entry["inputs"])
            ]
        expected.extend(rows)
    for event in forms(entries):
        assert [row(record) for record in kinpack.records(event)] == expected
        assert len(expected) > 0


@pytest.mark.parametrize("case", PEERS)
def test_peers(case):
    for policy in ("kcl", "strict"):
        for number, entry in enumerate(case["entries"]):
            event = lambda_event([entry])
            if number in case.get("invalid_entries", ()):
                with pytest.raises(kinpack.DecodeError, match="Kinesis record 0 .* points at"):
                    kinpack.records(event, policy=policy)
                continue
            expected = [
                {key: value for key, value in one.items() if key != "entry"}
                for one in case["decoded"]
                if one["entry"] == number
            ]
            assert [row(one) for one in kinpack.records(event, policy=policy)] == expected


@pytest.mark.parametrize("file, case", READER)
def test_reader(file, case):
    name, outer, kcl = case["name"], case["outer"], case["kcl"]
    event = lambda_event([outer])
    options = {}
    if "range" in case:
        options["hash_key_range"] = tuple(case["range"])
    if name == "upside-down":
        with pytest.raises(ValueError, match="ends before it starts"):
            kinpack.records(event, **options)
        return
    if name in INDEX | OVERLONG:
        with pytest.raises(kinpack.DecodeError, match="Kinesis record 0") as caught:
            kinpack.records(event, **options)
        assert caught.value.offset is not None
        (kept,) = kinpack.records(event, errors="keep", **options)
        assert kept.data == base64.b64decode(outer["data"])
        assert str(kept.error) == str(caught.value)
        return
    rows = [row(record) for record in kinpack.records(event, **options)]
    if name.startswith("text-") or name in HASH_KEY_IS_TEXT:
        # Text to the decoder; the KCL loses or drops what it cannot read as a number.
        assert rows[: len(kcl["records"])] == kcl["records"]
        assert rows
        return
    assert rows == kcl["records"]
    assert "logged" not in kcl
