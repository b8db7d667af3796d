"""Sends user records through a client of boto3."""

from __future__ import annotations

import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from kinpack._errors import EncodeError, PutError, StreamError
from kinpack._kinpack import Aggregator, ShardMap, hash_key_of, records

if TYPE_CHECKING:
    from kinpack._kinpack import _Record

# Of one PutRecords request; the bytes are what the KPL keeps to.
_MAX_ENTRIES = 500
_MAX_BYTES = 5 << 20
# User records taken from the iterable at a time, and bytes that wait for a request at most.
_CHUNK = 500
_MAX_WAITING = 2 * _MAX_BYTES
# Errors of a whole request after which another try may do. Others are errors of the program.
_RETRIED = {
    "InternalFailure",
    "InternalServerError",
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
}


@dataclass(frozen=True)
class PutResult:
    """What it took to send everything."""

    #: User records that are in the stream now.
    user_records: int
    #: Kinesis records that were taken, sent again or not.
    entries: int
    #: PutRecords requests.
    requests: int
    #: Entries that were refused and sent once more.
    retried: int
    #: User records that went to another shard than predicted and were sent once more.
    sent_again: int


def put_all(
    client: Any,
    stream: str,
    records: Iterable[_Record],
    *,
    max_size: int = 51200,
    outer_key: str = "kpl",
    record_limit: int = 1048576,
    attempts: int = 10,
    base_delay: float = 0.1,
    max_delay: float = 5.0,
    sleep: Callable[[float], None] = time.sleep,
) -> PutResult:
    """Packs user records and sends them to a stream, by name or ARN, through a Kinesis client of
    boto3.

    Only what the stream's shard map puts on one shard is packed together. What is refused is sent
    again, up to `attempts` times, after up to `base_delay` seconds, doubled each time up to
    `max_delay`. Where shards were split or merged meanwhile, user records that went to a shard they
    do not belong to are sent again: readers may see those twice, and lose none.

    Order is kept for each shard (`outer_key="kpl"` and `"first"`), or each outer key of a shard
    (`"per-key"`, `"lanes:N"`): one entry of each is under way at a time.

    Raises `PutError`, which has what was not sent, and `StreamError` for a stream that distributes
    records by itself.
    """
    options = {"max_size": max_size, "outer_key": outer_key, "record_limit": record_limit}
    sender = _Sender(client, stream, iter(records), options)
    sender.attempts = attempts
    sender.pause = lambda tries: sleep(random.uniform(0, min(max_delay, base_delay * 2**tries)))
    return sender.run()


@dataclass
class _Entry:
    entry: dict[str, Any]
    shard: str
    user_records: int
    aggregated: bool
    tries: int = 0

    def size(self) -> int:
        return len(self.entry["Data"]) + len(self.entry["PartitionKey"].encode())

    def unpacked(self) -> list[_Record]:
        """Its user records as they were given."""
        inside: list[_Record] = []
        for record in records([self.entry], errors="keep") if self.aggregated else ():
            inside.append((record.partition_key or "", record.data, record.explicit_hash_key))
        if not self.aggregated:
            key, given = self.entry["PartitionKey"], self.entry["ExplicitHashKey"]
            # An entry always has one; what is just the key's own was not given.
            explicit = None if int(given) == hash_key_of(key) else given
            inside.append((key, self.entry["Data"], explicit))
        return inside


class _Sender:
    attempts: int
    pause: Callable[[int], None]

    def __init__(
        self, client: Any, stream: str, source: Iterator[Any], options: dict[str, Any]
    ) -> None:
        self.client = client
        self.stream = {"StreamARN" if stream.startswith("arn:") else "StreamName": stream}
        self.source = source
        self.options = options
        self.by_key = options["outer_key"] not in ("kpl", "first")
        # A wrong option is an error before anything is asked of the service.
        Aggregator(**options)
        #: Entries that wait, by order lane, the oldest lane first.
        self.lanes: dict[tuple[str, str], deque[_Entry]] = {}
        self.waiting = 0
        self.exhausted = False
        self.acknowledged = self.entries = self.requests = self.retried = self.sent_again = 0

    def run(self) -> PutResult:
        self.refuse_distributing_streams()
        self.shards = self.list_shards()
        self.aggregator = Aggregator(shards=self.shards, **self.options)
        while True:
            self.fill()
            if not self.lanes:
                break
            self.send(self.next_request())
        return PutResult(
            user_records=self.acknowledged,
            entries=self.entries,
            requests=self.requests,
            retried=self.retried,
            sent_again=self.sent_again,
        )

    def refuse_distributing_streams(self) -> None:
        answer = self.client.describe_stream_summary(**self.stream)
        summary = answer["StreamDescriptionSummary"]
        if summary.get("RecordDistributionStrategy") == "AUTO":
            raise StreamError(
                f"the stream {summary.get('StreamName')} distributes records by itself "
                "(RecordDistributionStrategy AUTO): readers would drop aggregates"
            )

    def list_shards(self) -> ShardMap:
        answer = self.client.list_shards(**self.stream)
        shards = list(answer["Shards"])
        while answer.get("NextToken"):
            answer = self.client.list_shards(NextToken=answer["NextToken"])
            shards.extend(answer["Shards"])
        return ShardMap(shards)

    def fill(self) -> None:
        """Packs more, until there is enough for a request."""
        while not self.exhausted and len(self.lanes) < _MAX_ENTRIES and self.waiting < _MAX_WAITING:
            chunk = list(islice(self.source, _CHUNK))
            self.exhausted = len(chunk) < _CHUNK
            self.pack(chunk)
            if self.exhausted:
                self.aggregator.flush()
            self.queue()

    def pack(self, chunk: list[_Record]) -> None:
        before = self.aggregator.added
        try:
            self.aggregator._extend(iter(chunk), sys.maxsize)
        except (EncodeError, TypeError, ValueError) as error:
            refused = self.aggregator.added - before
            raise self.error(f"a record was refused: {error}", chunk[refused:]) from error

    def queue(self) -> None:
        for placed in self.aggregator._placed():
            entry = _Entry(*placed)
            lane = (entry.shard, entry.entry["PartitionKey"] if self.by_key else "")
            self.lanes.setdefault(lane, deque()).append(entry)
            self.waiting += entry.size()

    def next_request(self) -> list[tuple[tuple[str, str], _Entry]]:
        """The first entry of each lane, as many as a request takes."""
        request: list[tuple[tuple[str, str], _Entry]] = []
        size = 0
        for lane, entries in self.lanes.items():
            entry = entries[0]
            if request and (len(request) >= _MAX_ENTRIES or size + entry.size() > _MAX_BYTES):
                break
            request.append((lane, entry))
            size += entry.size()
        return request

    def send(self, request: list[tuple[tuple[str, str], _Entry]]) -> None:
        self.requests += 1
        entries = [entry.entry for _, entry in request]
        try:
            answers = self.client.put_records(Records=entries, **self.stream)["Records"]
        except Exception as error:
            if not _may_do_later(error):
                raise self.error(f"PutRecords failed: {error}") from error
            answers = [{"ErrorCode": type(error).__name__, "ErrorMessage": str(error)}] * len(
                request
            )
        outside: list[_Record] = []
        astray = False
        failed: list[tuple[_Entry, dict[str, Any]]] = []
        for (lane, entry), answer in zip(request, answers):
            if answer.get("ErrorCode"):
                entry.tries += 1
                failed.append((entry, answer))
                continue
            self.entries += 1
            self.acknowledged += entry.user_records
            self.taken(lane)
            if answer["ShardId"] != entry.shard and entry.aggregated:
                if not astray:
                    astray, self.shards = True, self.list_shards()
                outside.extend(self.outside(entry, answer["ShardId"]))
        if astray:
            self.acknowledged -= len(outside)
            self.sent_again += len(outside)
            self.repack(outside)
        if failed:
            self.retry(failed)

    def taken(self, lane: tuple[str, str]) -> None:
        entries = self.lanes[lane]
        self.waiting -= entries.popleft().size()
        # The next one of the lane waits behind the other lanes.
        del self.lanes[lane]
        if entries:
            self.lanes[lane] = entries

    def outside(self, entry: _Entry, shard: str) -> list[_Record]:
        """The user records of an entry that do not belong to the shard which took it."""
        unpacked = entry.unpacked()
        try:
            span = self.shards.hash_key_range(shard)
        except KeyError:
            # Its range is not known: all are sent again, as the KPL does.
            return unpacked
        inside = records([entry.entry], hash_key_range=span, range_rule="record")
        numbers = {record.sub_sequence_number for record in inside}
        return [record for number, record in enumerate(unpacked) if number not in numbers]

    def repack(self, first: list[_Record]) -> None:
        """Packs everything that waits anew, for the shards as they are now."""
        self.aggregator.flush()
        self.queue()
        waiting = [entry for lane in self.lanes.values() for entry in lane]
        self.lanes, self.waiting = {}, 0
        self.aggregator = Aggregator(shards=self.shards, **self.options)
        self.pack(first)
        for entry in waiting:
            self.pack(entry.unpacked())
        if self.exhausted:
            self.aggregator.flush()
        self.queue()

    def retry(self, failed: list[tuple[_Entry, dict[str, Any]]]) -> None:
        worst, answer = max(failed, key=lambda it: it[0].tries)
        if worst.tries >= self.attempts:
            code, message = answer.get("ErrorCode"), answer.get("ErrorMessage")
            tried = f"{worst.tries} attempts" if worst.tries > 1 else "1 attempt"
            raise self.error(f"not taken after {tried}: {code}: {message}")
        self.retried += len(failed)
        self.pause(worst.tries - 1)

    def error(self, message: str, last: Iterable[_Record] = ()) -> PutError:
        self.aggregator.flush()
        self.queue()
        waiting = [entry for lane in self.lanes.values() for entry in lane]
        unsent = [one for entry in waiting for one in entry.unpacked()]
        unsent.extend(last)
        return PutError(f"{message} ({len(unsent)} user records not sent)", unsent, self.source)


def _may_do_later(error: Exception) -> bool:
    """Whether an error of boto3 is one of the network or of the service's load."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return response.get("Error", {}).get("Code") in _RETRIED or status >= 500
    # By name, as boto3 is the caller's and not imported here.
    return any(
        cls.__module__ == "botocore.exceptions"
        and cls.__name__ in ("HTTPClientError", "ConnectionError")
        for cls in type(error).__mro__
    )
