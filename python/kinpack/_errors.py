"""What goes wrong, and where."""

from __future__ import annotations


class Error(Exception):
    """Everything that kinpack raises of its own."""


class EventError(Error, ValueError):
    """What was given is no event of Kinesis, not even a broken one."""


class DecodeError(Error, ValueError):
    """A Kinesis record of an event cannot be read. The message names it."""

    def __init__(
        self,
        message: str,
        kinesis_index: int,
        sequence_number: str | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(message, kinesis_index, sequence_number, offset)
        #: Which Kinesis record of the event, from 0.
        self.kinesis_index = kinesis_index
        #: Its sequence number, if it has one.
        self.sequence_number = sequence_number
        #: Where in its data, in bytes, if it has data.
        self.offset = offset

    def __str__(self) -> str:
        return str(self.args[0])


class EncodeError(Error, ValueError):
    """A user record can go into no Kinesis record. The message says which one."""

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message, index)
        #: How many user records were added before.
        self.index = index

    def __str__(self) -> str:
        return str(self.args[0])


class CompressionError(Error, ValueError):
    """A message cannot be compressed or decompressed."""


class AvroError(Error, ValueError):
    """Something is no Avro schema, or a message is none of its schema."""
