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
    InvocationError,
    KinpackEvent,
    KinpackNoProgress,
    KinpackNotFinished,
    KinpackProgressStore,
    PoisonRecord,
    PutError,
    SchemaStoreError,
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
    "Batch",
    "CompressionError",
    "Compressor",
    "DecodeError",
    "Decompressor",
    "Dictionary",
    "DynamoProgress",
    "EncodeError",
    "Error",
    "EventError",
    "Handler",
    "InMemoryProgress",
    "InvocationError",
    "KinpackEvent",
    "KinpackNoProgress",
    "KinpackNotFinished",
    "KinpackProgressStore",
    "Outcome",
    "Poison",
    "PoisonRecord",
    "PutError",
    "PutResult",
    "Records",
    "SchemaStore",
    "SchemaStoreError",
    "ShardMap",
    "SqsDeadLetter",
    "StreamError",
    "UserRecord",
    "__version__",
    "aggregate",
    "batch",
    "batches",
    "handler",
    "hash_key_of",
    "put_all",
    "records",
]

# As typing has it; importing that takes longer than all of kinpack.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from kinpack._handlers._handler import Handler, handler
    from kinpack._handlers._letters import Poison, SqsDeadLetter
    from kinpack._handlers._loop import Batch, batch
    from kinpack._handlers._outcome import Outcome
    from kinpack._handlers._stores import DynamoProgress, InMemoryProgress
    from kinpack._put import PutResult, put_all

# What only some programs use, and takes some milliseconds to import.
_LATER = {
    "Batch": "kinpack._handlers._loop",
    "DynamoProgress": "kinpack._handlers._stores",
    "Handler": "kinpack._handlers._handler",
    "InMemoryProgress": "kinpack._handlers._stores",
    "Outcome": "kinpack._handlers._outcome",
    "Poison": "kinpack._handlers._letters",
    "PutResult": "kinpack._put",
    "SqsDeadLetter": "kinpack._handlers._letters",
    "batch": "kinpack._handlers._loop",
    "handler": "kinpack._handlers._handler",
    "put_all": "kinpack._put",
}


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
