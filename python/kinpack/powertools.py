"""A processor for `process_partial_response` of Powertools for AWS Lambda that takes aggregated
records apart.

It needs Powertools 3.9 (`pip install 'kinpack[powertools]'`), which `import kinpack` does not.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, BatchProcessor, EventType
from aws_lambda_powertools.utilities.batch.base import BasePartialBatchProcessor
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import (
    KinesisStreamRecord,
    KinesisStreamRecordPayload,
)

from kinpack._errors import DecodeError, EventError
from kinpack._kinpack import Decompressor, UserRecord, records

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailures
    from aws_lambda_powertools.utilities.typing import LambdaContext

    Fault = tuple[type[DecodeError], DecodeError, Any]

__all__ = [
    "AggregatedKinesisProcessor",
    "AsyncAggregatedKinesisProcessor",
    "KinesisUserRecord",
    "KinesisUserRecordPayload",
]


class KinesisUserRecordPayload(KinesisStreamRecordPayload):
    """The member `kinesis` of a record."""

    @property
    def sequence_number(self) -> str:
        """Of the Kinesis record. The user records of an aggregate share it."""
        return _of_kinesis(str(self["sequenceNumber"]))

    @property
    def sub_sequence_number(self) -> int:
        """The place in the aggregate, from 0; 0 in a plain record."""
        return int(self.get("subSequenceNumber") or 0)

    @property
    def explicit_hash_key(self) -> str | None:
        """As it was written into the aggregate, if it was."""
        return self.get("explicitHashKey")

    @property
    def aggregated(self) -> bool:
        """Whether it comes from an aggregate."""
        return "subSequenceNumber" in self


class KinesisUserRecord(KinesisStreamRecord):
    """A user record, as Powertools' `KinesisStreamRecord` has a Kinesis record: data, text and JSON
    are the user record's, and so is the partition key.

    In its dict, `eventID` and `kinesis.sequenceNumber` have the sub-sequence number at the end
    (`shardId-000000000006:4959…:2`) if it comes from an aggregate, so that both are unique.
    """

    @property
    def kinesis(self) -> KinesisUserRecordPayload:
        return KinesisUserRecordPayload(self["kinesis"])

    @property
    def user_record(self) -> UserRecord:
        """The same as a `kinpack.UserRecord`, which reads Avro, too."""
        payload = self.kinesis
        return UserRecord(
            payload.data_as_bytes(),
            payload.get("partitionKey"),
            payload.explicit_hash_key,
            sequence_number=payload.sequence_number,
            sub_sequence_number=payload.sub_sequence_number,
            approximate_arrival_timestamp=payload.get("approximateArrivalTimestamp"),
            event_source_arn=self.get("eventSourceARN"),
            shard_id=self.event_id.partition(":")[0],
            aggregated=payload.aggregated,
        )


class _Unreadable(dict[str, Any]):
    """A Kinesis record as it came, and why it cannot be read."""

    error: DecodeError


class _Aggregated(BasePartialBatchProcessor):
    """What both processors have in common."""

    def __init__(
        self,
        model: Any = None,
        raise_on_entire_batch_failure: bool = True,
        logger: logging.Logger | None = None,
        *,
        policy: Literal["kcl", "strict"] = "strict",
        decompress: bool | Decompressor | None = None,
    ) -> None:
        options: dict[str, Any] = {"model": model}
        if logger is not None:
            # Only late versions know it.
            options["logger"] = logger
        super().__init__(
            EventType.KinesisDataStreams,
            raise_on_entire_batch_failure=raise_on_entire_batch_failure,
            **options,
        )
        self._policy: Literal["kcl", "strict"] = policy
        self._decompress = decompress
        self._places: dict[str, int] = {}

    def __call__(
        self,
        records: list[dict[str, Any]],
        handler: Callable[..., Any],
        lambda_context: LambdaContext | None = None,
    ) -> Any:
        user_records = list(self._user_records(records))
        self._places = {}
        for record in records:
            self._places.setdefault(record["kinesis"]["sequenceNumber"], len(self._places))
        return super().__call__(user_records, handler, lambda_context)

    def _user_records(self, kinesis_records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        read = records(
            kinesis_records, policy=self._policy, decompress=self._decompress, errors="keep"
        )
        alike: Counter[tuple[str, str]] = Counter()
        for record in read:
            came = kinesis_records[record.kinesis_index or 0]
            if record.sequence_number is None:
                raise EventError(f"Kinesis record {record.kinesis_index} has no sequence number")
            if record.error is not None:
                unreadable = _Unreadable(came)
                unreadable.error = record.error
                yield unreadable
            elif record.aggregated:
                yield _renamed(came, str(record.sub_sequence_number), _members(record))
            elif "/consumer/" in came.get("eventSourceARN", ""):
                # Enhanced fan-out: there may be others of this sequence number, also in a retry
                # of which this event shows nothing. Their places are not stable, but they are.
                name = came["kinesis"]["sequenceNumber"], _digest(record)
                suffix = f"{name[1]}-{alike[name]}" if alike[name] else name[1]
                alike[name] += 1
                yield _renamed(came, suffix, self._data(record))
            elif self._decompress:
                yield {**came, "kinesis": {**came["kinesis"], **self._data(record)}}
            else:
                yield came

    def _data(self, record: UserRecord) -> dict[str, Any]:
        """What may have been decompressed."""
        return {"data": _base64(record.data)} if self._decompress else {}

    def _to_batch_type(
        self, record: dict[str, Any], event_type: EventType, model: Any = None
    ) -> Any:
        if model is None:
            return KinesisUserRecord(record)
        try:
            return model.model_validate(record)
        except Exception as error:
            # By this Powertools tells it from an error of the handler; by its title, it would do so
            # only for models that have none of their own.
            error.model = model  # type: ignore[attr-defined]
            raise

    def _fault(self, record: object) -> Fault | None:
        if not isinstance(record, _Unreadable):
            return None
        try:
            raise record.error
        except DecodeError as error:
            return DecodeError, error, error.__traceback__

    def _collect_kinesis_failures(self) -> list[PartialItemFailures]:
        numbers = {_of_kinesis(_sequence_number(failed)) for failed in self.fail_messages}
        in_order = sorted(numbers, key=lambda number: self._places.get(number, -1))
        return [{"itemIdentifier": number} for number in in_order]


class AggregatedKinesisProcessor(_Aggregated, BatchProcessor):
    """Powertools' `BatchProcessor` for Kinesis streams, calling the handler for each user record.

    - `model`: a model of Powertools' parser, such as `KinesisDataStreamRecord` or a subclass
    - `raise_on_entire_batch_failure`, `logger`: as in `BatchProcessor`
    - `policy`: what begins as an aggregate and is none has failed (`"strict"`), or is a plain
      record (`"kcl"`)
    - `decompress`: that of `kinpack.records`

    Like Powertools' own it goes on after a failure. The response names each Kinesis record in which
    something failed, once, in the order of the event; Lambda sends again all from the first of them
    on, also what was handled: Powertools' idempotency utility keeps that from being done twice.

    >>> from aws_lambda_powertools.utilities.batch import process_partial_response
    >>> processor = AggregatedKinesisProcessor()
    >>> def handle(record):
    ...     print(record.kinesis.partition_key, record.kinesis.data_as_json())
    >>> batch = testing.event([[("ada", "1"), ("bob", "no JSON")], ("cyd", "2")])
    >>> process_partial_response(
    ...     event=batch, record_handler=handle, processor=processor
    ... )  # doctest: +ELLIPSIS
    ada 1
    cyd 2
    {'batchItemFailures': [{'itemIdentifier': '4959...802'}]}
    """

    def _process_record(self, record: dict[str, Any]) -> Any:
        fault = self._fault(record)
        if fault:
            return self.failure_handler(KinesisStreamRecord(record), fault)
        return super()._process_record(record)


class AsyncAggregatedKinesisProcessor(_Aggregated, AsyncBatchProcessor):
    """The same for `async_process_partial_response` and handlers that are coroutines.

    As with Powertools' own, all records of the batch are handled at once, whatever their keys.

    >>> from aws_lambda_powertools.utilities.batch import async_process_partial_response
    >>> async def handle(record):
    ...     print(record.kinesis.data_as_text())
    >>> batch = testing.event([[("ada", "1"), ("bob", "2")]])
    >>> processor = AsyncAggregatedKinesisProcessor()
    >>> async_process_partial_response(event=batch, record_handler=handle, processor=processor)
    1
    2
    {'batchItemFailures': []}
    """

    async def _async_process_record(self, record: dict[str, Any]) -> Any:
        fault = self._fault(record)
        if fault:
            return self.failure_handler(KinesisStreamRecord(record), fault)
        return await super()._async_process_record(record)


def _renamed(came: Mapping[str, Any], suffix: str, members: dict[str, Any]) -> dict[str, Any]:
    """A copy with these members and unique names: users take idempotency keys from either."""
    number = came["kinesis"]["sequenceNumber"]
    kinesis = {**came["kinesis"], **members, "sequenceNumber": f"{number}:{suffix}"}
    return {**came, "eventID": f"{came['eventID']}:{suffix}", "kinesis": kinesis}


def _members(record: UserRecord) -> dict[str, Any]:
    members = {
        "partitionKey": record.partition_key,
        "data": _base64(record.data),
        "subSequenceNumber": record.sub_sequence_number,
    }
    if record.explicit_hash_key is not None:
        members["explicitHashKey"] = record.explicit_hash_key
    return members


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _digest(record: UserRecord) -> str:
    key = (record.partition_key or "").encode()
    text = len(key).to_bytes(4, "big") + key + record.data
    return hashlib.sha256(text).hexdigest()[:16]


def _of_kinesis(sequence_number: str) -> str:
    return sequence_number.partition(":")[0]


def _sequence_number(failed: Any) -> str:
    """Of a record that was handed to `failure_handler`: a data class, or the caller's model."""
    payload = failed.kinesis
    number = getattr(payload, "sequenceNumber", None)
    return str(number if number is not None else payload.sequence_number)
