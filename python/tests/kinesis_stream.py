"""A Kinesis stream that fails as it is told to."""

import kinpack

FULL = 2**128 - 1


def error(name, code, status=400):
    """An exception as boto3 makes them."""
    made = type(name, (Exception,), {})(f"An error occurred ({code})")
    made.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return made


class Stream:
    """Takes entries as Kinesis does; `faults` are asked for each request and entry."""

    def __init__(self, shards=2, faults=lambda request, entry: None, before=lambda request: None):
        self.ranges = {}
        width = (FULL + 1) // shards
        for number in range(shards):
            end = FULL if number == shards - 1 else (number + 1) * width - 1
            self.ranges[f"shardId-{number:012}"] = (number * width, end)
        self.closed = {}
        self.faults, self.before = faults, before
        self.requests = []
        #: (shard, entry), in the order they were taken.
        self.taken = []
        self.distribution = None

    def describe_stream_summary(self, *, StreamName):
        assert StreamName == "orders"
        summary = {"StreamName": StreamName, "OpenShardCount": len(self.ranges)}
        if self.distribution:
            summary["RecordDistributionStrategy"] = self.distribution
        return {"StreamDescriptionSummary": summary}

    def list_shards(self, *, StreamName=None, NextToken=None):
        """Two shards an answer."""
        assert (StreamName is None) != (NextToken is None)
        shards = [
            {
                "ShardId": name,
                "HashKeyRange": {"StartingHashKey": str(start), "EndingHashKey": str(end)},
                "SequenceNumberRange": {"StartingSequenceNumber": "1"},
            }
            for name, (start, end) in self.ranges.items()
        ]
        for name, (start, end) in self.closed.items():
            shards.append(
                {
                    "ShardId": name,
                    "HashKeyRange": {"StartingHashKey": str(start), "EndingHashKey": str(end)},
                    "SequenceNumberRange": {
                        "StartingSequenceNumber": "1",
                        "EndingSequenceNumber": "2",
                    },
                }
            )
        at = int(NextToken or 0)
        more = {"NextToken": str(at + 2)} if len(shards) > at + 2 else {}
        return {"Shards": shards[at : at + 2], **more}

    def split(self, name):
        start, end = self.ranges.pop(name)
        self.closed[name] = (start, end)
        middle = (start + end) // 2
        number = len(self.ranges) + len(self.closed)
        self.ranges[f"shardId-{number:012}"] = (start, middle)
        self.ranges[f"shardId-{number + 1:012}"] = (middle + 1, end)

    def put_records(self, *, Records, StreamName):
        assert 1 <= len(Records) <= 500
        assert sum(len(it["Data"]) + len(it["PartitionKey"]) for it in Records) <= 5 << 20
        number = len(self.requests)
        self.requests.append(Records)
        self.before(number)
        answers = []
        for entry in Records:
            fault = self.faults(number, entry)
            if fault:
                answers.append({"ErrorCode": fault, "ErrorMessage": "as told"})
                continue
            key = int(entry["ExplicitHashKey"])
            (shard,) = [name for name, (start, end) in self.ranges.items() if start <= key <= end]
            self.taken.append((shard, entry))
            answers.append({"SequenceNumber": str(len(self.taken)), "ShardId": shard})
        return {"FailedRecordCount": 0, "Records": answers}

    def read(self, filtered=False):
        """All user records; `filtered` as a reader of each shard sees them."""
        found = []
        for shard, entry in self.taken:
            span = {**self.ranges, **self.closed}[shard]
            options = {"hash_key_range": span, "range_rule": "record"} if filtered else {}
            for record in kinpack.records([entry], **options):
                found.append((record.partition_key, record.data))
        return found


def messages(count, keys=50):
    return [(f"key-{number % keys}", b"%d" % number) for number in range(count)]


def put(stream, records, **options):
    slept = []
    result = kinpack.put_all(stream, "orders", records, sleep=slept.append, **options)
    return result, slept


def in_order(read, keys=50):
    by_key = {}
    for key, data in read:
        by_key.setdefault(key, []).append(int(data))
    assert len(by_key) == keys
    return all(numbers == sorted(numbers) for numbers in by_key.values())
