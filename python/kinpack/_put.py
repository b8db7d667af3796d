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
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
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
    do not belong to are sent again, as often at most: readers may see those twice, and lose none.

    Order is kept for each shard (`outer_key="kpl"` and `"first"`), or each outer key of a shard
    (`"per-key"`, `"lanes:N"`): one entry of each is under way at a time.

    Raises `PutError`, which has what was not sent, also if it is `records` or `sleep` that raises,
    and `StreamError` for a stream that distributes records by itself. The role needs
    ``kinesis:DescribeStreamSummary``, ``kinesis:ListShards`` and ``kinesis:PutRecords``.

    >>> kinpack.put_all(kinesis, "orders", [("ada", "1"), ("bob", "2"), ("cyd", "3")])
    PutResult(user_records=3, entries=1, requests=1, retried=0, sent_again=0)
    """
    if attempts < 1:
        raise ValueError(f"attempts is at least 1, not {attempts}")
    if base_delay < 0 or max_delay < 0:
        raise ValueError("base_delay and max_delay are seconds, and not negative")
    options = {"max_size": max_size, "outer_key": outer_key, "record_limit": record_limit}
    sender = _Sender(client, stream, iter(records), options)
    sender.attempts = attempts

    def pause(tries: int) -> None:
        # Doubled often enough for any delay.
        longest = min(max_delay, base_delay * 2.0 ** min(tries, 64))
        sleep(random.uniform(0, longest))

    sender.pause = pause
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
        #: Requests in a row of which something went to another shard than predicted.
        self.astray = 0
        self.acknowledged = self.entries = self.requests = self.retried = self.sent_again = 0

    def run(self) -> PutResult:
        self.refuse_distributing_streams()
        self.shards = self.list_shards()
        self.aggregator = Aggregator(shards=self.shards, **self.options)
        try:
            while True:
                self.fill()
                if not self.lanes:
                    break
                self.send(self.next_request())
        except PutError:
            raise
        except Exception as error:
            # Whatever it is, what was taken from the iterable is handed back.
            raise self.error(f"{type(error).__name__}: {error}") from error
        return PutResult(
            user_records=self.acknowledged,
            entries=self.entries,
            requests=self.requests,
            retried=self.retried,
            sent_again=self.sent_again,
        )

    def refuse_distributing_streams(self) -> None:
        answer = self.ask(self.client.describe_stream_summary, self.stream)
        summary = answer["StreamDescriptionSummary"]
        if summary.get("RecordDistributionStrategy") == "AUTO":
            raise StreamError(
                f"the stream {summary.get('StreamName')} distributes records by itself "
                "(RecordDistributionStrategy AUTO): readers would drop aggregates"
            )

    def list_shards(self) -> ShardMap:
        shards: list[Any] = []
        page = self.stream
        while page:
            answer = self.ask(self.client.list_shards, page)
            shards.extend(answer["Shards"])
            token = answer.get("NextToken")
            page = {"NextToken": token} if token else {}
        return ShardMap(shards)

    def ask(self, operation: Callable[..., Any], request: dict[str, str]) -> Any:
        tries = 0
        while True:
            try:
                return operation(**request)
            except Exception as error:
                tries += 1
                if tries >= self.attempts or not _may_do_later(error):
                    raise
            self.pause(tries - 1)

    def fill(self) -> None:
        """Packs more, until there is enough for a request."""
        while not self.exhausted and len(self.lanes) < _MAX_ENTRIES and self.waiting < _MAX_WAITING:
            # One by one, so that what came before an error stays.
            chunk: list[_Record] = []
            try:
                for record in islice(self.source, _CHUNK):
                    chunk.append(record)
            except Exception as error:
                message = f"the records broke off: {type(error).__name__}: {error}"
                raise self.error(message, last=chunk) from error
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
            raise self.error(f"a record was refused: {error}", last=chunk[refused:]) from error

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
        answers = self.put([entry.entry for _, entry in request])
        astray: list[tuple[_Entry, str]] = []
        failed: list[tuple[_Entry, dict[str, Any]]] = []
        for (lane, entry), answer in zip(request, answers):
            if answer.get("ErrorCode") or "ShardId" not in answer:
                entry.tries += 1
                failed.append((entry, answer))
                continue
            self.entries += 1
            self.acknowledged += entry.user_records
            self.taken(lane)
            if answer["ShardId"] != entry.shard and entry.aggregated:
                astray.append((entry, answer["ShardId"]))
        self.astray = self.astray + 1 if astray else 0
        if astray:
            self.send_again(astray)
        if failed:
            self.retry(failed)

    def put(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """An answer for each."""
        try:
            answers = list(self.client.put_records(Records=entries, **self.stream)["Records"])
        except Exception as error:
            if not _may_do_later(error):
                raise self.error(f"PutRecords failed: {error}") from error
            return [{"ErrorCode": type(error).__name__, "ErrorMessage": str(error)}] * len(entries)
        none = {"ErrorCode": "none", "ErrorMessage": "PutRecords answered fewer than it was asked"}
        return answers + [none] * (len(entries) - len(answers))

    def send_again(self, astray: list[tuple[_Entry, str]]) -> None:
        """What does not belong to the shard that took it."""
        self.acknowledged -= sum(entry.user_records for entry, _ in astray)
        every = [one for entry, _ in astray for one in entry.unpacked()]
        entry, shard = astray[0]
        message = f"records were taken by {shard}, where {entry.shard} was expected"
        if self.astray > self.attempts:
            raise self.error(f"{message}, {self.astray} requests in a row", first=every)
        try:
            if self.astray > 1:
                self.pause(self.astray - 2)
            self.shards = self.list_shards()
        except Exception as error:
            # Where they belong is not known.
            raise self.error(f"{message}, and then: {error}", first=every) from error
        outside: list[_Record] = []
        for entry, shard in astray:
            strays = self.outside(entry, shard)
            self.acknowledged += entry.user_records - len(strays)
            outside.extend(strays)
        self.sent_again += len(outside)
        self.repack(outside)

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

    def error(
        self, message: str, *, first: Iterable[_Record] = (), last: Iterable[_Record] = ()
    ) -> PutError:
        """With what waits, what comes before it, and what comes after it."""
        self.aggregator.flush()
        self.queue()
        waiting = [entry for lane in self.lanes.values() for entry in lane]
        unsent = [*first, *(one for entry in waiting for one in entry.unpacked()), *last]
        records = "1 user record" if len(unsent) == 1 else f"{len(unsent)} user records"
        return PutError(f"{message} ({records} not sent)", unsent, self.source)


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
