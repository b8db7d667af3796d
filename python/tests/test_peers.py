"""Against aws-kinesis-agg and aiokpl, in both directions. tests/test_compat.py has more of the
former."""

import base64
import collections.abc  # noqa: F401  (aws-kinesis-agg uses it and forgets to import it)

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kinpack
from vectors import lambda_event

deaggregator = pytest.importorskip("aws_kinesis_agg.deaggregator")
aggregator = pytest.importorskip("aws_kinesis_agg.aggregator")

keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
hash_keys = st.none() | st.integers(0, 2**128 - 1).map(str)
records = st.lists(st.tuples(keys, st.binary(max_size=150), hash_keys), min_size=2, max_size=40)


def event_of(datas):
    return lambda_event(
        [{"data": base64.b64encode(it).decode(), "partition_key": "outer"} for it in datas]
    )


@settings(max_examples=150, deadline=None)
@given(records, st.integers(200, 3000))
def test_aws_kinesis_agg_reads_what_is_packed(records, max_size):
    entries = [it["Data"] for it in kinpack.aggregate(records, max_size=max_size)]
    alone = {data for _, data, _ in records}
    read = []
    for data, event in ((it, event_of([it])) for it in entries):
        inside = deaggregator.deaggregate_records(event["Records"])
        if "aggregated" not in inside[0]["kinesis"]:
            assert data in alone
        read.extend(base64.b64decode(it["kinesis"]["data"]) for it in inside)
    assert read == [data for _, data, _ in records]


@settings(max_examples=150, deadline=None)
@given(records)
def test_what_aws_kinesis_agg_packs_is_read(records):
    packer = aggregator.AggRecord()
    for key, data, hash_key in records:
        assert packer.add_user_record(key, data, hash_key)
    for policy in ("kcl", "strict"):
        read = kinpack.records(event_of([packer.get_contents()[2]]), policy=policy)
        assert [(it.partition_key, it.data, it.explicit_hash_key) for it in read] == records


@settings(max_examples=150, deadline=None)
@given(records)
def test_aiokpl_both_ways(records):
    aggregation = pytest.importorskip("aiokpl.aggregation", reason="it wants Python 3.10")
    packed = aggregation.encode_aggregated([aggregation.UserRecord(*it) for it in records])
    read = kinpack.records(event_of([packed]), policy="strict")
    assert [(it.partition_key, it.data, it.explicit_hash_key) for it in read] == records

    # Byte for byte, as both write what the KPL does.
    (entry,) = kinpack.aggregate(records, max_size=1 << 20)
    assert entry["Data"] == packed
    inside = aggregation.decode_aggregated(entry["Data"])
    assert [(it.partition_key, it.data, it.explicit_hash_key) for it in inside] == records


@given(keys)
def test_hash_keys_are_aiokpls(key):
    hashing = pytest.importorskip("aiokpl.hashing", reason="it wants Python 3.10")
    assert kinpack.hash_key_of(key) == hashing.md5_hash_key(key)
