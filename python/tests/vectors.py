"""The vectors of the Rust crates, which are all that both are tested with."""

import base64
import json
from pathlib import Path

CRATES = Path(__file__).resolve().parents[2] / "crates"


def load(folder):
    """(file name without ending, content) of `crates/kinpack/tests/vectors/<folder>`."""
    files = sorted((CRATES / "kinpack/tests/vectors" / folder).glob("*.json"))
    assert files, folder
    return [(file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files]


def row(record):
    """A user record as the vectors write it."""
    return {
        "partition_key": record.partition_key,
        "explicit_hash_key": record.explicit_hash_key,
        "data": base64.b64encode(record.data).decode(),
        "sub_sequence_number": record.sub_sequence_number,
        "aggregated": record.aggregated,
    }


def lambda_event(entries):
    """An event of Lambda with these Kinesis records: dicts with data and partition_key."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": entry["partition_key"],
                    "sequenceNumber": entry.get("sequence_number", str(49 * 10**54 + number)),
                    "data": entry["data"],
                    "approximateArrivalTimestamp": 1714566896.789,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{49 * 10**54 + number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/reader",
                "awsRegion": "eu-west-1",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
            }
            for number, entry in enumerate(entries)
        ]
    }


def load_payload(folder):
    """(file name without ending, content) of `crates/kinpack-payload/tests/vectors/<folder>`."""
    files = sorted((CRATES / "kinpack-payload/tests/vectors" / folder).glob("*.json"))
    assert files, folder
    return [(file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files]
