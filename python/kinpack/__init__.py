"""Reads and writes the aggregated records of Kinesis: what the KPL writes and the KCL reads."""

from collections.abc import Sequence

import kinpack._gil  # noqa: F401  (refuses a Python without one)
from kinpack._errors import (
    AvroError,
    CompressionError,
    DecodeError,
    EncodeError,
    Error,
    EventError,
    PutError,
    StreamError,
)
from kinpack._kinpack import (
    Aggregator,
    AvroReader,
    AvroSchema,
    Compressor,
    Decompressor,
    Dictionary,
    Records,
    SchemaStore,
    ShardMap,
    UserRecord,
    __version__,
    hash_key_of,
    records,
)
from kinpack._writing import aggregate, batches

__all__ = [
    "Aggregator",
    "AvroError",
    "AvroReader",
    "AvroSchema",
    "CompressionError",
    "Compressor",
    "DecodeError",
    "Decompressor",
    "Dictionary",
    "EncodeError",
    "Error",
    "EventError",
    "PutError",
    "PutResult",
    "Records",
    "SchemaStore",
    "ShardMap",
    "StreamError",
    "UserRecord",
    "__version__",
    "aggregate",
    "batches",
    "hash_key_of",
    "put_all",
    "records",
]

# As typing has it; importing that takes longer than all of kinpack.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from kinpack._put import PutResult, put_all

# What only some programs use, and takes some milliseconds to import.
_LATER = {"PutResult": "kinpack._put", "put_all": "kinpack._put"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


Sequence.register(Records)  # pyright: ignore[reportAttributeAccessIssue]
