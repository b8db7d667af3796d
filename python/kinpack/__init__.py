"""Reads and writes the aggregated records of Kinesis: what the KPL writes and the KCL reads."""

from collections.abc import Sequence

from kinpack._errors import DecodeError, Error, EventError
from kinpack._kinpack import Records, UserRecord, __version__, records

__all__ = [
    "DecodeError",
    "Error",
    "EventError",
    "Records",
    "UserRecord",
    "__version__",
    "records",
]

Sequence.register(Records)
