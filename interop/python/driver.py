"""aws-kinesis-agg and aiokpl, one JSON request and answer a line."""

import base64
import contextlib
import json
import sys

import collections.abc  # noqa: F401  aws-kinesis-agg uses it and forgets to import it
import aws_kinesis_agg.aggregator
import aws_kinesis_agg.deaggregator

try:
    import aiokpl.aggregation
    import aiokpl.hashing
except ImportError:  # it wants Python 3.10
    aiokpl = None


def b64(data):
    return base64.b64encode(data).decode("ascii")


def row(partition_key, explicit_hash_key, data, sub_sequence_number=0, aggregated=False):
    return {
        "partition_key": partition_key,
        "explicit_hash_key": explicit_hash_key,
        "data": data,
        "sub_sequence_number": sub_sequence_number,
        "aggregated": aggregated,
    }


class AwsKinesisAgg:
    @staticmethod
    def decode(entry):
        event = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "sequenceNumber": entry["sequence_number"],
                "partitionKey": entry["partition_key"],
                "approximateArrivalTimestamp": 0,
                "data": entry["data"],
            }
        }
        records = []
        for record in aws_kinesis_agg.deaggregator.iter_deaggregate_records([event]):
            one = record["kinesis"]
            data = one["data"]
            records.append(
                row(
                    one["partitionKey"],
                    one.get("explicitHashKey"),
                    data if isinstance(data, str) else data.decode("ascii"),
                    one.get("subSequenceNumber", 0),
                    one.get("aggregated", False),
                )
            )
        return records

    @staticmethod
    def encode(records, max_size):
        aggregator = aws_kinesis_agg.aggregator.RecordAggregator(max_size)
        full = [
            aggregator.add_user_record(
                record["partition_key"],
                base64.b64decode(record["data"]),
                record["explicit_hash_key"],
            )
            for record in records
        ]
        full.append(aggregator.clear_and_get())
        entries = []
        for aggregate in full:
            if aggregate is not None:
                partition_key, explicit_hash_key, data = aggregate.get_contents()
                entries.append((partition_key, explicit_hash_key, data))
        return entries


class Aiokpl:
    @staticmethod
    def decode(entry):
        data = base64.b64decode(entry["data"])
        if not aiokpl.aggregation.is_aggregated(data):
            return [row(entry["partition_key"], None, entry["data"])]
        return [
            row(one.partition_key, one.explicit_hash_key, b64(one.data), number, True)
            for number, one in enumerate(aiokpl.aggregation.decode_aggregated(data))
        ]

    @staticmethod
    def encode(records, max_size):
        """Whoever calls it says where an aggregate ends: here a bound that is never too low."""
        entries, batch, size = [], [], 20
        for record in records:
            user_record = aiokpl.aggregation.UserRecord(
                record["partition_key"],
                base64.b64decode(record["data"]),
                record["explicit_hash_key"],
            )
            bound = (
                len(user_record.data)
                + 4 * len(user_record.partition_key)
                + len(user_record.explicit_hash_key or "")
                + 40
            )
            if batch and max_size is not None and size + bound > max_size:
                entries.append(Aiokpl.aggregate(batch))
                batch, size = [], 20
            batch.append(user_record)
            size += bound
        if batch:
            entries.append(Aiokpl.aggregate(batch))
        return entries

    @staticmethod
    def aggregate(batch):
        first = batch[0]
        if first.explicit_hash_key is None:
            hash_key = aiokpl.hashing.md5_hash_key(first.partition_key)
        else:
            hash_key = aiokpl.hashing.parse_explicit_hash_key(first.explicit_hash_key)
        return (
            first.partition_key if len(batch) == 1 else "a",
            str(hash_key),
            aiokpl.aggregation.encode_aggregated(batch),
        )


LIBRARIES = {"aws-kinesis-agg": AwsKinesisAgg}
if aiokpl is not None:
    LIBRARIES["aiokpl"] = Aiokpl


def decode(library, entry):
    try:
        return {"records": library.decode(entry)}
    except Exception as error:  # the peer's own fault, whatever it is, is the answer
        return {"error": "%s: %s" % (type(error).__name__, error)}


def handle(request):
    if request["op"] == "libraries":
        return {"libraries": sorted(LIBRARIES)}
    library = LIBRARIES[request["library"]]
    if request["op"] == "decode":
        return {"results": [decode(library, entry) for entry in request["entries"]]}
    if request["op"] == "encode":
        return {
            "entries": [
                {
                    "data": b64(data),
                    "partition_key": partition_key,
                    "explicit_hash_key": explicit_hash_key,
                }
                for partition_key, explicit_hash_key, data in library.encode(
                    request["records"], request["max_size"]
                )
            ]
        }
    raise ValueError("unknown op")


def main():
    answers = sys.stdout
    # Libraries may print; the answers must stay alone on stdout.
    with contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            try:
                answer = handle(json.loads(line))
            except Exception as error:
                answer = {"error": "%s: %s" % (type(error).__name__, error)}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
