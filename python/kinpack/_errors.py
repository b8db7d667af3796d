"""What goes wrong, and where."""

from __future__ import annotations

# As typing has it; importing that takes longer than all of kinpack.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from kinpack._handlers._outcome import Outcome
    from kinpack._kinpack import _Record


class Error(Exception):
    """Everything that kinpack raises of its own."""


class EventError(Error, ValueError):
    """What was given is no event of Kinesis, not even a broken one."""


class DecodeError(Error, ValueError):
    """A Kinesis record of an event cannot be read. The message names it.

    >>> event = testing.broken(testing.event([[("ada", "1"), ("bob", "2")]]), 0, "index")
    >>> try:
    ...     kinpack.records(event, policy="strict")
    ... except kinpack.DecodeError as error:
    ...     print(error.kinesis_index, error.offset)
    0 28
    """

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
    """A user record can go into no Kinesis record. The message says which one.

    >>> try:
    ...     list(kinpack.aggregate([("ada", "1"), ("", "2")]))
    ... except kinpack.EncodeError as error:
    ...     print(error.index, error)
    1 user record 1: the partition key is empty
    """

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


class SchemaStoreError(AvroError):
    """A store of schemas failed, which is no fault of the message: another time it may work."""


class StreamError(Error):
    """A stream that aggregates must not be sent to: it distributes records by itself, and readers
    would drop them."""


class PutError(Error):
    """Not everything was sent. `put_all(client, stream, [*error.unsent, *error.rest])` goes on
    where it stopped.

    >>> broken = testing.failing(kinesis, "put_records", times=1)
    >>> try:
    ...     kinpack.put_all(broken, "orders", [("ada", "1"), ("bob", "2")], attempts=1)
    ... except kinpack.PutError as error:
    ...     print(len(error.unsent))
    ...     kinpack.put_all(kinesis, "orders", [*error.unsent, *error.rest])
    2
    PutResult(user_records=2, entries=1, requests=1, retried=0, sent_again=0)
    """

    def __init__(self, message: str, unsent: list[_Record], rest: Iterator[Any]) -> None:
        super().__init__(message)
        #: The user records that were taken and of which nothing says that they are in the stream,
        #: in the order they were given for each lane.
        self.unsent = unsent
        #: What was not even taken from the iterable.
        self.rest = rest


class PoisonRecord(Error):
    """Raised by a handler: no retry will help this record. It goes to the dead letter at once;
    where there is none it is a failure like any other.

    >>> @kinpack.handler(report="batch_item_failures", poison=kinpack.Poison(to=print))
    ... def lambda_handler(record):
    ...     raise kinpack.PoisonRecord("no such currency")
    >>> lambda_handler(testing.event([("ada", "1")]), testing.Context())  # doctest: +ELLIPSIS
    {'kinpackDeadLetter': 1, ... 'error': 'no such currency', ...}
    {'batchItemFailures': []}
    """


class InvocationError(Error):
    """The invocation fails, and Lambda sends the whole batch again. The names of its subclasses are
    what Lambda reports as the error's type."""

    #: What happened, if anything was begun.
    outcome: Outcome | None = None


class KinpackEvent(InvocationError):
    """The event is none of a Kinesis stream."""


class KinpackProgressStore(InvocationError):
    """The progress store cannot be read. Nothing was handled, as finished records might have been
    handled again."""


class KinpackNotFinished(InvocationError):
    """Records failed, or were not reached in time, and the mapping takes no batch item failures."""


class KinpackNoProgress(InvocationError):
    """The deadline came before anything advanced: the next invocation would go the same way, until
    the record's age ends it. The function needs more time, smaller batches, or a durable store."""
