"""`aws_kinesis_agg.deaggregator`."""

from __future__ import annotations

import base64
import logging
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kinpack._kinpack import Records
from kinpack._kinpack import records as _read

__all__ = ["deaggregate_records", "iter_deaggregate_records"]

_logger = logging.getLogger("kinpack.compat")

# Where Kinesis Data Analytics and Firehose put what Kinesis says of a record.
_METADATA = ("kinesisStreamRecordMetadata", "kinesisRecordMetadata")


def deaggregate_records(
    records: Mapping[str, Any] | Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """All user records of Kinesis records as Lambda hands them out. Plain records stay as they
    are.

    >>> from kinpack.compat import deaggregator
    >>> event = testing.event([[("ada", "1"), ("bob", "2")]])
    >>> for record in deaggregator.deaggregate_records(event["Records"]):
    ...     print(record["kinesis"]["partitionKey"], record["kinesis"]["data"])
    ada b'MQ=='
    bob b'Mg=='
    """
    return list(iter_deaggregate_records(records))


def iter_deaggregate_records(
    records: Mapping[str, Any] | Iterable[Mapping[str, Any]], data_format: str | None = None
) -> Iterator[dict[str, Any]]:
    """The same, one Kinesis record after another. `data_format="Boto3"` is for records of
    `get_records`.

    >>> from kinpack.compat import deaggregator
    >>> event = testing.event([[("ada", "1"), ("bob", "2")], ("cyd", "3")])
    >>> len(list(deaggregator.iter_deaggregate_records(event["Records"])))
    3
    """
    each: Iterable[Any] = [records] if isinstance(records, Mapping) else records
    for one in each:
        record = _as_lambda_has_it(one, data_format)
        data = record["kinesis"]["data"]
        if data_format != "Boto3":
            data = base64.b64decode(data)
        elif isinstance(data, str):
            # That of Lambda is no data of boto3's.
            yield record
            continue
        # An aggregate that is compressed as a whole stays one, as to everyone but kinpack.
        inside = _read([{"Data": data}], errors="keep", decompress=False)
        fault = inside[0].error if len(inside) else None
        if fault is not None:
            _logger.error(
                "sequence number %s: not deaggregated but handed on whole: %s",
                record["kinesis"].get("sequenceNumber"),
                fault,
            )
            yield record
        elif len(inside) and not inside[0].aggregated:
            yield record
        else:
            yield from _user_records(record, inside)


def _user_records(record: dict[str, Any], inside: Records) -> Iterator[dict[str, Any]]:
    kinesis = record["kinesis"]
    # Copies of dicts take half the time of new ones.
    inner = {
        "kinesisSchemaVersion": kinesis.get("kinesisSchemaVersion"),
        "sequenceNumber": kinesis.get("sequenceNumber"),
        "approximateArrivalTimestamp": kinesis.get("approximateArrivalTimestamp"),
        "explicitHashKey": None,
        "partitionKey": None,
        "subSequenceNumber": 0,
        "aggregated": True,
        "data": b"",
    }
    if "recordId" in kinesis:
        inner["recordId"] = kinesis["recordId"]
    outer: dict[str, Any] = {"kinesis": inner}
    outer.update((key, value) for key, value in record.items() if key not in ("kinesis", "data"))
    for user_record in inside:
        one = inner.copy()
        one["explicitHashKey"] = user_record.explicit_hash_key
        one["partitionKey"] = user_record.partition_key
        one["subSequenceNumber"] = user_record.sub_sequence_number
        one["data"] = b2a_base64(user_record.data, newline=False)
        whole = outer.copy()
        whole["kinesis"] = one
        yield whole


def _as_lambda_has_it(record: Mapping[str, Any], data_format: str | None) -> dict[str, Any]:
    if ("kinesis" not in record and "data" in record) or "Data" in record:
        for name in _METADATA:
            if name in record:
                metadata = record[name]
                return {
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "sequenceNumber": metadata["sequenceNumber"],
                        "partitionKey": metadata["partitionKey"],
                        "approximateArrivalTimestamp": metadata["approximateArrivalTimestamp"],
                        "shardId": metadata["shardId"],
                        "data": record["data"],
                        "recordId": record["recordId"],
                    }
                }
        if data_format == "Boto3":
            return {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "sequenceNumber": record["SequenceNumber"],
                    # Streams with service-managed distribution have none.
                    "partitionKey": record.get("PartitionKey"),
                    "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
                    "data": record["Data"],
                }
            }
    return record  # type: ignore[return-value]  # a dict, as Lambda's records are
