"""Events of Lambda."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from kinpack._kinpack import UserRecord, _AggregateBuilder, records

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    from kinpack._kinpack import _Data, _Record

    #: A user record; data alone; several, as one aggregate; an entry for PutRecords.
    Item: TypeAlias = Union[_Record, _Data, Sequence[_Record], Mapping[str, Any]]

_ROLE = "arn:aws:iam::{account}:role/lambda-role"
# When the shard and the consumer of all events were made, in seconds since 1970.
_SHARD_CREATION = 1542776258
_CONSUMER_CREATION = 1542889200
_ARRIVAL = 1545084650.987
# Of the counter in a sequence number. Other streams count with it, so that it has gaps.
_FIRST = 0x67648A17
# A Kinesis record has at most 10 MiB with its partition key.
_MAX_AGGREGATE = (10 << 20) - 256


class _KinesisRecord(NamedTuple):
    partition_key: str | None
    data: bytes


def event(
    items: Iterable[Item],
    *,
    per_aggregate: int | None = None,
    fan_out: bool = False,
    after: Mapping[str, Any] | None = None,
    stream: str = "stream",
    shard: int | str = 0,
    region: str = "us-east-2",
    account: str = "123456789012",
    consumer: str = "consumer",
    outer_key: str = "a",
    arrival: float = _ARRIVAL,
) -> dict[str, Any]:
    """Makes an event of Lambda, with the members that Lambda sends and the same each time.

    A user record, a tuple `(partition_key, data[, explicit_hash_key])` or a `UserRecord`, becomes a
    Kinesis record of its own; a list of user records becomes one aggregate, also a list of one.
    What `kinpack.aggregate` gives, or any entry for PutRecords, is taken as it is; so is data that
    stands alone, with no partition key.

    - `per_aggregate`: user records that stand alone are packed, as many together, up to whatever
      else stands between them.
    - `fan_out`: as a consumer with enhanced fan-out gets it. Lambda has taken the aggregates apart,
      and their user records share a sequence number.
    - `after`: an event of the same shard that came before, and whose sequence numbers are lower.
    - `stream`, `shard` (a number or a name), `region`, `account`, `consumer`: the names.
    - `outer_key`: the partition key of aggregates; `a` is the KPL's.
    - `arrival`: when the first record came to the stream, in seconds since 1970; the others came a
      millisecond after each other.

    Raises `ValueError` for a `per_aggregate` below 1, and `TypeError` for what is none of these.

    >>> from kinpack import testing
    >>> batch = testing.event([("ada", "1"), [("ada", "2"), ("bob", "3")]])
    >>> [record.data for record in kinpack.records(batch)]
    [b'1', b'2', b'3']
    >>> first, second = batch["Records"]
    >>> second["kinesis"]["partitionKey"], second["eventID"]
    ('a', 'shardId-000000000000:49590338271490256608559692538366406799200034505835413506')
    >>> len(testing.event([("ada", "1")] * 100, per_aggregate=30)["Records"])
    4
    >>> apart = testing.event([[("ada", "2"), ("bob", "3")]], fan_out=True)
    >>> [record["kinesis"]["partitionKey"] for record in apart["Records"]]
    ['ada', 'bob']
    >>> len({record["kinesis"]["sequenceNumber"] for record in apart["Records"]})
    1
    """
    if per_aggregate is not None and per_aggregate < 1:
        raise ValueError(f"per_aggregate is {per_aggregate}, and at least 1")
    arn = f"arn:aws:kinesis:{region}:{account}:stream/{stream}"
    if fan_out:
        arn += f"/consumer/{consumer}:{_CONSUMER_CREATION}"
    shard_id = shard if isinstance(shard, str) else f"shardId-{shard:012}"
    counter, moment = _counter_after(after), arrival
    out: list[dict[str, Any]] = []
    for kinesis_record in _kinesis_records(items, per_aggregate, outer_key):
        sequence_number = _sequence_number(counter, moment, shard_id)
        for record in _taken_apart(kinesis_record) if fan_out else [kinesis_record]:
            kinesis: dict[str, Any] = {"kinesisSchemaVersion": "1.0"}
            if record.partition_key is not None:
                kinesis["partitionKey"] = record.partition_key
            kinesis["sequenceNumber"] = sequence_number
            kinesis["data"] = base64.b64encode(record.data).decode()
            kinesis["approximateArrivalTimestamp"] = moment
            out.append(
                {
                    "kinesis": kinesis,
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": f"{shard_id}:{sequence_number}",
                    "eventName": "aws:kinesis:record",
                    "invokeIdentityArn": _ROLE.format(account=account),
                    "awsRegion": region,
                    "eventSourceARN": arn,
                }
            )
        counter += 1 + counter % 7
        moment = round(moment + 0.001, 3)
    return {"Records": out}


def _kinesis_records(
    items: Iterable[Item], per_aggregate: int | None, outer_key: str
) -> Iterator[_KinesisRecord]:
    waiting: list[_Record] = []
    for item in items:
        if per_aggregate and _is_user_record(item):
            waiting.append(item)  # type: ignore[arg-type]
            if len(waiting) == per_aggregate:
                yield _aggregate(waiting, outer_key)
                waiting = []
            continue
        if waiting:
            yield _aggregate(waiting, outer_key)
            waiting = []
        yield _kinesis_record(item, outer_key)
    if waiting:
        yield _aggregate(waiting, outer_key)


def _is_user_record(item: object) -> bool:
    return isinstance(item, (tuple, UserRecord))


def _kinesis_record(item: Any, outer_key: str) -> _KinesisRecord:
    if isinstance(item, UserRecord):
        return _KinesisRecord(item.partition_key, item.data)
    if isinstance(item, tuple):
        if len(item) not in (2, 3):
            raise TypeError(f"a tuple has a partition key and data, and not {len(item)} members")
        return _KinesisRecord(item[0], _data(item[1]))
    if isinstance(item, Mapping):
        return _KinesisRecord(item.get("PartitionKey"), _data(item["Data"]))
    if isinstance(item, list):
        return _aggregate(item, outer_key)
    return _KinesisRecord(None, _data(item))


def _data(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"{type(data).__name__} is no record and no data of one")


def _aggregate(user_records: list[Any], outer_key: str) -> _KinesisRecord:
    builder = _AggregateBuilder(_MAX_AGGREGATE)
    for record in user_records:
        if not _is_user_record(record):
            raise TypeError(f"an aggregate is of user records, and not of {type(record).__name__}")
        members: Any = record
        if isinstance(record, UserRecord):
            members = record.partition_key, record.data, record.explicit_hash_key
        if not builder.add(*members):
            raise ValueError(f"an aggregate of more than {_MAX_AGGREGATE} bytes")
    return _KinesisRecord(outer_key, builder.contents())


def _taken_apart(record: _KinesisRecord) -> list[_KinesisRecord]:
    entry = {"Data": record.data, "PartitionKey": record.partition_key}
    # Lambda knows nothing of compressed aggregates.
    inside = records([entry], decompress=False)
    if any(one.aggregated for one in inside) or not len(inside):
        return [_KinesisRecord(one.partition_key, one.data) for one in inside]
    return [record]


def _sequence_number(counter: int, moment: float, shard_id: str) -> str:
    """As Kinesis makes them: 2, the shard's creation, a counter, the time, the shard, 2."""
    digits = shard_id.rpartition("-")[2]
    shard = int(digits) & 0xFFFFFFFF if digits.isdecimal() else 0
    text = f"2{_SHARD_CREATION:09x}6{counter:016x}00{int(moment):09x}{shard:08x}2"
    return str(int(text, 16))


def _counter_after(before: Mapping[str, Any] | None) -> int:
    if not before or not before["Records"]:
        return _FIRST
    last = max(int(record["kinesis"]["sequenceNumber"]) for record in before["Records"])
    # The counter's place in a number of 47 digits.
    return int(f"{last:047x}"[11:27], 16) + 1
