"""Reads and writes the aggregated records of Kinesis: what the KPL writes and the KCL reads."""

from collections.abc import Sequence

from kinpack._errors import (
    AvroError,
    CompressionError,
    DecodeError,
    EncodeError,
    Error,
    EventError,
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
    "Records",
    "SchemaStore",
    "ShardMap",
    "UserRecord",
    "__version__",
    "aggregate",
    "batches",
    "records",
]

Sequence.register(Records)
