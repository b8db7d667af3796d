"""Each exception says which record it is about, and reaches another process whole."""

import base64
import copy
import inspect
import json
import pickle
import subprocess
import sys

import pytest

import kinpack
from vectors import lambda_event, load

ENTRY = dict(load("kpl"))["few-keys"]["entries"][0]
NUMBER = 49 * 10**54
SCHEMA = kinpack.AvroSchema('{"type": "array", "items": "long"}')


def packed(*datas):
    (entry,) = kinpack.aggregate([("k", data) for data in datas])
    return {"data": base64.b64encode(entry["Data"]).decode(), "partition_key": "k"}


def plain(data):
    return {"data": base64.b64encode(data).decode(), "partition_key": "k"}


@pytest.mark.parametrize("form", [lambda it: it, json.dumps], ids=["dict", "json"])
def test_json_that_is_none_is_what_json_says_and_says_where(form):
    event = lambda_event([plain(b"{}"), packed(b"{}", b'{"t": oops}', b"\xff")])
    first, second, third, fourth = kinpack.records(form(event))
    assert first.json() == second.json() == {}
    with pytest.raises(json.JSONDecodeError) as caught:
        third.json()
    with pytest.raises(UnicodeDecodeError) as bytes_caught:
        fourth.json()
    if sys.version_info >= (3, 11):
        where = f"Kinesis record 1 (sequence number {NUMBER + 1}): user record"
        assert caught.value.__notes__ == [f"{where} 1"]
        assert bytes_caught.value.__notes__ == [f"{where} 2"]


@pytest.mark.parametrize("form", [lambda it: it, json.dumps], ids=["dict", "json"])
def test_avro_that_is_none_says_where(form):
    good = SCHEMA.encode([1, 2, 3])
    event = lambda_event([plain(good[:-2]), packed(good, good[:-2])])
    broken, right, packed_broken = kinpack.records(form(event))
    assert right.avro(SCHEMA) == [1, 2, 3]
    for read in (SCHEMA, SCHEMA.canonical_form, kinpack.AvroReader(SCHEMA)):
        with pytest.raises(kinpack.AvroError, match=rf"^Kinesis record 0 \(.* {NUMBER}\): .*byte"):
            broken.avro(read, framing="single-object")
        where = rf"^Kinesis record 1 \(sequence number {NUMBER + 1}\): user record 1: .*byte"
        with pytest.raises(kinpack.AvroError, match=where):
            packed_broken.avro(read, framing="single-object")
    again = pickle.loads(pickle.dumps(packed_broken))
    with pytest.raises(kinpack.AvroError, match=rf"^user record .*/{NUMBER + 1}:1: .*byte"):
        again.avro(SCHEMA)
    # Nowhere, so nothing is said of it.
    with pytest.raises(kinpack.AvroError) as caught:
        kinpack.UserRecord(good[:-2]).avro(SCHEMA)
    assert "record" not in str(caught.value)


def test_compressed_data_that_is_broken_says_where():
    compressor = kinpack.Compressor("zstd")
    whole = compressor.compress("text" * 100)
    cut = whole[:-5]
    event = lambda_event([packed(whole, cut), plain(whole)])
    with pytest.raises(kinpack.DecodeError) as caught:
        kinpack.records(event, decompress=True).data()
    where = f"Kinesis record 0 (sequence number {NUMBER}): user record 1: "
    assert str(caught.value).startswith(where)
    assert caught.value.kinesis_index == 0
    first, second, third = kinpack.records(event, decompress=True)
    assert first.data == third.data == b"text" * 100
    with pytest.raises(kinpack.DecodeError) as caught:
        second.data  # noqa: B018
    assert str(caught.value).startswith(where)
    with pytest.raises(kinpack.CompressionError, match="zstd"):
        kinpack.Decompressor().decompress(cut)
    bomb = compressor.compress(bytes(1 << 20))
    with pytest.raises(kinpack.CompressionError, match="limit"):
        kinpack.Decompressor(limit=1000).decompress(bomb)


def test_faults_at_every_place_of_an_event_are_named():
    for at in range(5):
        entries = [plain(b"x")] * 5
        entries[at] = {**entries[at], "data": "?"}
        for form in (lambda it: it, json.dumps, lambda it: json.dumps(it).encode()):
            with pytest.raises(kinpack.DecodeError) as caught:
                kinpack.records(form(lambda_event(entries)))
            assert caught.value.kinesis_index == at
            assert caught.value.sequence_number == str(NUMBER + at)
            assert f"Kinesis record {at} (sequence number {NUMBER + at})" in str(caught.value)


def raised():
    """One of each that needs no stream."""
    broken = lambda_event([{**ENTRY, "data": "?"}])
    cases = [
        (kinpack.EventError, lambda: kinpack.records({"body": 1})),
        (kinpack.DecodeError, lambda: kinpack.records(broken)),
        (kinpack.EncodeError, lambda: list(kinpack.aggregate([("k", b""), ("", b"")]))),
        (kinpack.CompressionError, lambda: kinpack.Decompressor().decompress(b"x", "zstd")),
        (kinpack.AvroError, lambda: kinpack.AvroSchema("{")),
    ]
    for kind, call in cases:
        with pytest.raises(kind) as caught:
            call()
        yield kind, caught.value


def test_all_are_errors_of_kinpack_and_reach_another_process():
    for kind, error in raised():
        assert type(error) is kind
        assert issubclass(kind, kinpack.Error)
        assert issubclass(kind, ValueError), "as readers of other packages catch it"
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is kind
            assert str(again) == str(error) != ""
            assert again.args == error.args
            assert vars(again) == vars(error)


def test_each_is_documented():
    kinds = [it for it in vars(kinpack._errors).values() if inspect.isclass(it)]
    kinds = [it for it in kinds if issubclass(it, Exception)]
    assert len(kinds) >= 8
    for kind in kinds:
        assert kind.__doc__
        assert kind is getattr(kinpack, kind.__name__)
        assert kind.__name__ in kinpack.__all__


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_a_free_threaded_python_is_refused():
    # As 3.13 and 3.14 name themselves.
    for name in ["experimental free-threading build", "free-threading build"]:
        code = f"import sys; sys.version = '3.14.0 {name} (main)'; import kinpack"
        done = run(code)
        assert done.returncode == 1
        assert "ImportError: kinpack is not for free-threaded builds of Python" in done.stderr


def test_importing_brings_nothing_along():
    # What takes longer than kinpack itself, and what it must not need.
    heavy = ["asyncio", "boto3", "dataclasses", "inspect", "json", "logging", "random", "re"]
    heavy += ["threading", "typing", "urllib"]
    code = f"import sys, kinpack; print([it for it in {heavy} if it in sys.modules])"
    bare = "import sys; print([it for it in sys.modules])"
    there = set(eval(run(bare).stdout))
    assert [it for it in eval(run(code).stdout) if it not in there] == []
