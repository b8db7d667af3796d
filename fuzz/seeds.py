#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into fuzz/corpus/, from the test vectors.

usage: seeds.py [CORPUS]
"""

import base64
import gzip
import hashlib
import json
import sys
import zlib
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
VECTORS = FUZZ.parent / "crates" / "kinpack" / "tests" / "vectors"
COMPRESSED = FUZZ.parent / "crates" / "kinpack-payload" / "tests" / "vectors" / "compression"
AVRO = COMPRESSED.parent / "avro"
MAGIC = bytes.fromhex("f3899ac2")
# Larger seeds cost runs and show the fuzzer nothing that smaller ones don't.
LARGEST = 16 * 1024


def kinesis_records(vectors):
    """The data of each Kinesis record in a vector file."""
    for part in [vectors, *vectors.get("cases", [])]:
        records = part.get("entries") or ([part["outer"]] if "outer" in part else [])
        for record in records:
            yield base64.b64decode(record["data"], validate=True)


def documents(partition_key, data):
    """One Kinesis record in each AWS document, and in each spelling of a single record."""
    text = base64.b64encode(data).decode()
    number = "49590338271490256608559692538361571095921575989136588898"
    arrival = 1545084650.987
    lambda_record = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": partition_key,
        "sequenceNumber": number,
        "data": text,
        "approximateArrivalTimestamp": arrival,
    }
    lambda_event = {
        "Records": [
            {
                "kinesis": lambda_record,
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000006:{number}",
                "eventName": "aws:kinesis:record",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            }
        ]
    }
    api_record = {
        "SequenceNumber": number,
        "ApproximateArrivalTimestamp": arrival,
        "Data": text,
        "PartitionKey": partition_key,
    }
    get_records = {
        "Records": [api_record],
        "NextShardIterator": "AAAA",
        "MillisBehindLatest": 0,
    }
    subscribe = {
        "SubscribeToShardEvent": {
            "Records": [api_record],
            "ContinuationSequenceNumber": number,
            "MillisBehindLatest": 0,
        }
    }
    firehose = {
        "invocationId": "00540a87-5050-496a-84e4-e7d92bbaf5e2",
        "deliveryStreamArn": "arn:aws:firehose:us-east-2:123456789012:deliverystream/d",
        "region": "us-east-2",
        "records": [
            {
                "recordId": "record1",
                "approximateArrivalTimestamp": 1545084650987,
                "data": text,
                "kinesisRecordMetadata": {
                    "shardId": "shardId-000000000000",
                    "partitionKey": partition_key,
                    "approximateArrivalTimestamp": "2018-12-17T22:10:50.987Z",
                    "sequenceNumber": number,
                    "subsequenceNumber": "",
                },
            }
        ],
    }
    for document in (lambda_event, get_records, subscribe, firehose, lambda_record, api_record):
        yield json.dumps(document).encode()
        yield json.dumps(document, indent=2).encode() + b"\n" + json.dumps(document).encode()
    yield text.encode()


def seeds(data):
    """Each target and the seed that a Kinesis record's data gives it."""
    yield "decode", data
    if data.startswith(MAGIC) and len(data) > 20:
        yield "decode_below_digest", data[4:-16]
        yield "against_prost", data[4:-16]


def compressed(aggregate):
    """What others compressed, and an aggregate in two envelopes."""
    for file in sorted(COMPRESSED.glob("*.json")):
        yield bytes.fromhex(json.loads(file.read_text("utf-8"))["bytes"])
    yield gzip.compress(aggregate, mtime=0)
    yield zlib.compress(aggregate)


def avro():
    """What others wrote as Avro, framed and bare, and the schema to read it by."""
    for file in sorted(AVRO.glob("*.json")):
        data = bytes.fromhex(json.loads(file.read_text("utf-8"))["bytes"])
        yield bytes([0]) + data
        for header in (5, 10, 18):
            yield bytes([0]) + data[header:]
    # Lists in lists, a map of each of its branches, records without bytes.
    yield bytes([1, 0, 2, 2, 2, 1, 4, 2, 4, 4, 0, 0])
    yield bytes([2, 2, 2, 97, 0, *range(12), 2, 2, 98, 2, 2, 2, 2, 99, 4, 4, 4, 226, 0])
    yield bytes([3, 6, 0])


def main():
    corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else FUZZ / "corpus"
    found = []
    for file in sorted(VECTORS.rglob("*.json")):
        for data in kinesis_records(json.loads(file.read_text("utf-8"))):
            found += seeds(data)
    if not found:
        sys.exit(f"no vectors in {VECTORS}")
    # What the documents carry is another target's matter: one aggregate will do.
    aggregate = min((data for target, data in found if target == "decode_below_digest"), key=len)
    for partition_key in ("key", None):
        for document in documents(partition_key, aggregate):
            found.append(("document", document))
            found.append(("event", document))
            # Four sizes of pieces go before it.
            found.append(("input", bytes([7, 0, 63, 255]) + document))

    found += [("avro", data) for data in avro()]
    for data in compressed(MAGIC + aggregate + hashlib.md5(aggregate).digest()):
        found.append(("decompress", data))
        found.append(("unwrap", data))

    written = set()
    for target, seed in found:
        if len(seed) > LARGEST:
            continue
        # Named as libFuzzer names its own, so that the same seed twice is one file.
        path = corpus / target / hashlib.sha1(seed).hexdigest()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seed)
        written.add(path)
    print(f"seeds: {len(written)} in {corpus}")


if __name__ == "__main__":
    main()
