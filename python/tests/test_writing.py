"""Aggregator, aggregate, batches, ShardMap."""

import base64
import hashlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kinpack
from vectors import load

KPL = [
    (name, file)
    for name, file in load("kpl")
    if not name.startswith(("cold-start", "stream-", "aggregation-off", "size-", "burst"))
    and not name.startswith(("indices-over-16383", "explicit-hash-key-normalised", "refused"))
]

keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
hash_keys = st.integers(0, 2**128 - 1)
records = st.lists(st.tuples(keys, st.binary(max_size=200), st.none() | hash_keys), max_size=50)


@pytest.mark.parametrize("name, file", KPL, ids=[name for name, _ in KPL])
def test_the_bytes_are_the_kpls(name, file):
    for entry in file["entries"]:
        inputs = [file["input"][at] for at in entry["inputs"]]
        aggregator = kinpack.Aggregator(max_size=1 << 20)
        for one in inputs:
            data = base64.b64decode(one["data"])
            aggregator.add(one["partition_key"], data, one["explicit_hash_key"])
        aggregator.flush()
        assert aggregator.finished() == [
            {
                "Data": base64.b64decode(entry["data"]),
                "PartitionKey": entry["partition_key"],
                "ExplicitHashKey": entry["explicit_hash_key"],
            }
        ]


@settings(deadline=None)
@given(records, st.integers(64, 3000), st.sampled_from(["kpl", "first", "per-key", "lanes:3"]))
def test_what_is_packed_comes_out(records, max_size, outer_key):
    entries = list(kinpack.aggregate(records, max_size=max_size, outer_key=outer_key, shards=3))
    # Not strict: a record that goes alone may be no more than the magic.
    read = kinpack.records(entries)
    assert sorted((it.partition_key, it.data) for it in read) == sorted(
        (key, data) for key, data, _ in records
    )
    if outer_key in ("kpl", "first"):
        one_shard = kinpack.records(list(kinpack.aggregate(records, max_size=max_size)))
        assert [it.data for it in one_shard] == [data for _, data, _ in records]


def test_entries_are_what_boto3_takes():
    (entry,) = kinpack.aggregate([("k", b"1"), ("l", b"2", "7")])
    assert sorted(entry) == ["Data", "ExplicitHashKey", "PartitionKey"]
    assert type(entry["Data"]) is bytes
    assert entry["PartitionKey"] == "a"
    assert entry["ExplicitHashKey"] == str(int(hashlib.md5(b"k").hexdigest(), 16))


def test_user_records_are_taken_too():
    records = kinpack.records(list(kinpack.aggregate([("k", b"1", 5), ("l", b"2")])))
    again = kinpack.records(list(kinpack.aggregate(records)))
    assert list(again) == list(records)
    absent = kinpack.UserRecord(b"x")
    with pytest.raises(kinpack.EncodeError, match="user record 1: it has no partition key"):
        list(kinpack.aggregate([("k", b"1"), absent]))


def test_every_kind_of_data():
    datas = ["tëxt", b"text", bytearray(b"text"), memoryview(b"text"), memoryview(b"text")[::-1]]
    (entry,) = kinpack.aggregate([("k", data) for data in datas])
    expected = ["tëxt".encode(), b"text", b"text", b"text", b"txet"]
    assert kinpack.records([entry]).data() == expected


def test_aggregate_takes_as_it_goes():
    taken = 0

    def source():
        nonlocal taken
        for _ in range(100_000):
            taken += 1
            yield "k", b"x" * 100

    entries = kinpack.aggregate(source())
    next(entries)
    assert 0 < taken < 30_000


def test_an_aggregator_with_a_block():
    with kinpack.Aggregator(max_size=1000) as aggregator:
        waiting = [aggregator.add(f"key-{number}", b"x" * 100) for number in range(30)]
        assert waiting[0] == 0
        assert waiting[-1] == 3
        assert len(aggregator.finished()) == 3
        assert aggregator.finished() == []
    rest = aggregator.finished()
    assert len(rest) == 1
    assert "30 user records added" in repr(aggregator)
    aggregator.add("k", b"x")
    aggregator.flush()
    assert aggregator.finished()[0]["Data"] == b"x"


def test_what_is_refused_is_named():
    aggregator = kinpack.Aggregator()
    aggregator.add("k", b"x")
    with pytest.raises(kinpack.EncodeError) as caught:
        aggregator.add("", b"x")
    assert str(caught.value) == "user record 1: the partition key is empty"
    assert caught.value.index == 1
    with pytest.raises(kinpack.EncodeError, match="257 UTF-16 units"):
        aggregator.add("k" * 257, b"x")
    with pytest.raises(kinpack.EncodeError, match="the stream's limit is 1048576"):
        aggregator.add("k", b"x" * (1 << 20))
    with pytest.raises(ValueError, match="a hash key is a decimal number"):
        aggregator.add("k", b"x", "seven")
    with pytest.raises(TypeError, match="a partition key is a str, not <class 'bytes'>"):
        aggregator.add(b"k", b"x")
    with pytest.raises(TypeError, match="data is bytes"):
        aggregator.add("k", None)
    with pytest.raises(TypeError, match=r"user record 0: a tuple \(partition_key, data"):
        list(kinpack.aggregate([b"x"]))
    with pytest.raises(UnicodeEncodeError):
        aggregator.add("\ud800", b"x")
    aggregator.flush()
    assert aggregator.finished()[0]["Data"] == b"x"


def test_options_are_checked():
    for options, message in [
        ({"max_size": 63}, "from 64 bytes"),
        ({"record_limit": 11 << 20}, "10 MiB"),
        ({"max_count": 0}, "at least one"),
        ({"outer_key": "lanes:0"}, 'outer_key is "kpl", "first", "per-key" or "lanes:N"'),
        ({"shards": 0}, "at least 1 shard"),
        ({"shards": {"Shards": []}}, "no open shard"),
        ({"shards": {}}, "it has no Shards"),
    ]:
        with pytest.raises(ValueError, match=message):
            kinpack.Aggregator(**options)
    with pytest.raises(TypeError, match="shards are a number"):
        kinpack.Aggregator(shards=1.5)


def listed(number, start, end, **more):
    span = {"StartingHashKey": str(start), "EndingHashKey": str(end)}
    numbers = {"StartingSequenceNumber": "49"}
    shard = {"ShardId": f"shardId-{number:012}", "HashKeyRange": span}
    return {**shard, "SequenceNumberRange": numbers, **more}


def test_shards_are_read_as_list_shards_answers():
    half = 2**127
    parent = listed(0, 0, 2**128 - 1)
    parent["SequenceNumberRange"]["EndingSequenceNumber"] = "50"
    low = listed(1, 0, half - 1, ParentShardId="shardId-000000000000")
    high = listed(2, half, 2**128 - 1, ParentShardId="shardId-000000000000")
    for shards in ([parent, low, high], {"Shards": [parent, low, high]}):
        shard_map = kinpack.ShardMap(shards)
        assert shard_map.shard_ids == ["shardId-000000000001", "shardId-000000000002"]
        assert len(shard_map) == 2
        assert shard_map.shard_for("k", half) == "shardId-000000000002"
        assert shard_map.shard_for("k", str(half - 1)) == "shardId-000000000001"
        assert shard_map.shard_for("device-7") == "shardId-000000000001"
    with pytest.raises(ValueError, match="the list goes on: it has a NextToken"):
        kinpack.ShardMap({"Shards": [low], "NextToken": "x"})
    with pytest.raises(ValueError, match="shard 0: no ShardId"):
        kinpack.ShardMap([{}])
    assert repr(kinpack.ShardMap(4)) == "<kinpack.ShardMap: 4 open shards>"


@given(st.lists(st.integers(1, 3000), max_size=60))
def test_batches_keep_to_the_limits(sizes):
    entries = [{"Data": b"x" * size, "PartitionKey": "ké"} for size in sizes]
    batches = list(kinpack.batches(entries, max_entries=10, max_bytes=5000))
    assert [entry for batch in batches for entry in batch] == entries
    size = [sum(len(entry["Data"]) + 3 for entry in batch) for batch in batches]
    assert all(0 < len(batch) <= 10 for batch in batches)
    assert all(one <= 5000 for one in size)
    for before, after in zip(batches, batches[1:]):
        assert (
            len(before) == 10 or sum(len(entry["Data"]) + 3 for entry in [*before, after[0]]) > 5000
        )


def test_threads_hammer_one_aggregator():
    aggregator = kinpack.Aggregator(max_size=2000, shards=4)
    entries, lock = [], threading.Lock()

    def add(thread):
        for number in range(2000):
            if aggregator.add(f"{thread}-{number % 7}", f"{thread}/{number}"):
                with lock:
                    entries.extend(aggregator.finished())

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    aggregator.flush()
    entries.extend(aggregator.finished())
    data = [record.data.decode() for record in kinpack.records(entries, policy="strict")]
    assert sorted(data) == sorted(f"{one}/{two}" for one in range(8) for two in range(2000))
