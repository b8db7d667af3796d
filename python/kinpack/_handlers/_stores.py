"""Where progress is kept from one invocation to the next: docs/progress-table.md."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Optional, Protocol

if TYPE_CHECKING:
    # The version, and what is known.
    Stored = Optional[tuple[int, bytes]]

# Of the layout: another one gets another prefix, so that neither reads the other's items.
_LAYOUT = "v1"
# An environment sees a handful.
_MOST_SHARDS = 64


class Conflict(Exception):
    """The store holds another version than the write was for: this one."""

    def __init__(self, stored: Stored) -> None:
        super().__init__("the store holds another version")
        self.stored = stored


class Store(Protocol):
    """What keeps progress. `write` raises `Conflict` if the version is not `if_version` (0: there
    is nothing yet); any other exception leaves open whether it was written."""

    #: Whether all environments share it.
    durable: bool

    def read(self, key: str) -> Stored: ...

    def write(self, key: str, if_version: int, version: int, progress: bytes) -> None: ...


class InMemoryProgress:
    """Progress in the memory of this environment: best effort, as long as it lives.

    A record that was finished is usually not handled again. One object serves any number of
    handlers and threads.

    >>> handled = []
    >>> @kinpack.handler(report="batch_item_failures", progress=kinpack.InMemoryProgress())
    ... def lambda_handler(record):
    ...     handled.append(record.data)
    ...     if handled == [b"1", b"2"]:
    ...         raise OSError("this time")
    >>> event = testing.event([[("ada", "1"), ("bob", "2")]])
    >>> for _ in range(2):
    ...     answer = lambda_handler(event, testing.Context())
    >>> handled
    [b'1', b'2', b'2']
    """

    durable = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shards: dict[str, tuple[int, bytes]] = {}

    def read(self, key: str) -> Stored:
        """What is known of a shard."""
        return self._shards.get(key)

    def write(self, key: str, if_version: int, version: int, progress: bytes) -> None:
        """Keeps it, if the version is the one that was read."""
        with self._lock:
            stored = self._shards.get(key)
            if (stored[0] if stored else 0) != if_version:
                raise Conflict(stored)
            if stored is None and len(self._shards) >= _MOST_SHARDS:
                del self._shards[min(self._shards, key=lambda it: self._shards[it][0])]
            self._shards[key] = (version, progress)


class DynamoProgress:
    """Progress in a DynamoDB table whose partition key is the string ``id``; one item a shard.

    An invocation reads once (strongly consistent), and writes once if something failed; writes are
    conditional on the version that was read. The role needs ``dynamodb:GetItem`` and
    ``dynamodb:PutItem``. It is the table of kinpack-lambda: a function may change its language.

    `client` is the caller's, of ``boto3.client("dynamodb")``, with its time-outs and retries; it
    may be used from several threads. `expire_after` is in seconds, seven days unless told: when an
    item may be deleted that nobody writes again, by the table's TTL on ``expires``. It should be
    longer than the mapping keeps trying.

    >>> progress = kinpack.DynamoProgress(table, client=dynamodb)
    >>> @kinpack.handler(report="batch_item_failures", progress=progress, concurrency=16)
    ... def lambda_handler(record):
    ...     print(record.data)
    >>> lambda_handler(testing.event([("ada", "1")]), testing.Context())
    b'1'
    {'batchItemFailures': []}
    """

    durable = True

    def __init__(self, table: str, *, client: Any, expire_after: float = 7 * 24 * 3600) -> None:
        _check_client(client, "get_item", "dynamodb")
        self._table, self._client, self._expire_after = table, client, int(expire_after)

    def read(self, key: str) -> Stored:
        """What is known of a shard."""
        answer = self._client.get_item(
            TableName=self._table, Key={"id": {"S": self._id(key)}}, ConsistentRead=True
        )
        item = answer.get("Item")
        if not item:
            return None
        try:
            return int(item["version"]["N"]), bytes(item["progress"]["B"])
        except (KeyError, ValueError, TypeError):
            message = f"table {self._table}, {self._id(key)}: the item lacks version or progress"
            raise ValueError(message) from None

    def write(self, key: str, if_version: int, version: int, progress: bytes) -> None:
        """Keeps it, if the version is the one that was read."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Item": {
                "id": {"S": self._id(key)},
                "version": {"N": str(version)},
                "progress": {"B": progress},
                # The version is the time in milliseconds, or a little more.
                "expires": {"N": str(version // 1000 + self._expire_after)},
            },
            "ConditionExpression": "attribute_not_exists(#version)",
            "ExpressionAttributeNames": {"#version": "version"},
        }
        if if_version:
            request["ConditionExpression"] = "#version = :version"
            request["ExpressionAttributeValues"] = {":version": {"N": str(if_version)}}
        try:
            self._client.put_item(**request)
        except Exception as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            raise Conflict(self.read(key)) from error

    def _id(self, key: str) -> str:
        return f"{_LAYOUT}/{key}"


def _code(error: Exception) -> object:
    """The service's name of a botocore error."""
    response = getattr(error, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, dict) else None


def _check_client(client: Any, method: str, service: str) -> None:
    if not callable(getattr(client, method, None)):
        message = f'client is one of boto3.client("{service}"), not {type(client).__name__}'
        if hasattr(client, "meta"):
            message += ": resources and sessions are not made for several threads"
        raise TypeError(message)
