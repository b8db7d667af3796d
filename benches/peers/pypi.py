"""PyPI's aws-kinesis-agg; a line that says what it is, then a line of answer to each request."""

import base64
import hashlib
import importlib.metadata
import json
import platform
import sys
import time

import collections.abc  # noqa: F401  aws-kinesis-agg uses it and forgets to import it
from aws_kinesis_agg.deaggregator import iter_deaggregate_records
from google.protobuf.internal import api_implementation


class File:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.json = file.read()
        # As boto3 has them: the form in which it takes bytes.
        self.kinesis_records = [
            {
                "Data": base64.b64decode(record["kinesis"]["data"]),
                "PartitionKey": record["kinesis"]["partitionKey"],
                "SequenceNumber": record["kinesis"]["sequenceNumber"],
                "ApproximateArrivalTimestamp": record["kinesis"]["approximateArrivalTimestamp"],
            }
            for record in json.loads(self.json)["Records"]
        ]

    def records(self, stage):
        """Partition key and data of each user record."""
        if stage == "decode":
            for record in iter_deaggregate_records(self.kinesis_records, data_format="Boto3"):
                record = record["kinesis"]
                data = record["data"]
                # User records come as base64 in any case, a plain record as it was given.
                yield record["partitionKey"], base64.b64decode(data) if "aggregated" in record else data
        elif stage == "event":
            for record in iter_deaggregate_records(json.loads(self.json)["Records"]):
                record = record["kinesis"]
                yield record["partitionKey"], base64.b64decode(record["data"])
        else:
            raise ValueError("no such stage")

    def check(self, stage):
        md5 = hashlib.md5()
        records = size = 0
        for key, data in self.records(stage):
            records += 1
            size += len(data)
            for part in (key.encode("utf-8"), data):
                md5.update(len(part).to_bytes(4, "little"))
                md5.update(part)
        return "%d %d %s" % (records, size, md5.hexdigest())

    def time(self, stage, seconds):
        spent = runs = touched = 0
        while not runs or spent < seconds:
            start = time.perf_counter()
            for key, data in self.records(stage):
                touched += len(key) + len(data) + data[0]
            spent += time.perf_counter() - start
            runs += 1
        return spent / runs


def main():
    print(
        "aws-kinesis-agg %s, Python %s, protobuf %s (%s)"
        % (
            importlib.metadata.version("aws-kinesis-agg"),
            platform.python_version(),
            importlib.metadata.version("protobuf"),
            api_implementation.Type(),
        ),
        flush=True,
    )
    for line in sys.stdin:
        request, argument = line.rstrip("\n").split(" ", 1)
        if request == "load":
            file = File(argument)
            answer = "loaded"
        elif request == "check":
            answer = file.check(argument)
        elif request == "time":
            stage, seconds = argument.split(" ")
            answer = file.time(stage, float(seconds))
        else:
            raise ValueError("no such request")
        print(answer, flush=True)


if __name__ == "__main__":
    main()
