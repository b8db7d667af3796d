"""Reads and writes the aggregated records of Kinesis: what the KPL writes and the KCL reads."""

from collections.abc import Sequence

from kinpack._errors import DecodeError, EncodeError, Error, EventError
from kinpack._kinpack import Aggregator, Records, ShardMap, UserRecord, __version__, records
from kinpack._writing import aggregate, batches

__all__ = [
    "Aggregator",
    "DecodeError",
    "EncodeError",
    "Error",
    "EventError",
    "Records",
    "ShardMap",
    "UserRecord",
    "__version__",
    "aggregate",
    "batches",
    "records",
]

Sequence.register(Records)
