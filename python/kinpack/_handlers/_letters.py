"""What is done about poison, and where it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kinpack._handlers._stores import _check_client
from kinpack._kinpack import hash_key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    DeadLetters = Callable[[Mapping[str, Any]], object]


class SqsDeadLetter:
    """Sends each dead letter as a message to an SQS queue, its JSON as the body.

    To a FIFO queue (its URL ends in ``.fifo``) the letters of a partition key go in one message
    group, and duplicates are dropped by a hash of the record's id, key and data. The role needs
    ``sqs:SendMessage``.

    The data is base64 in there: a record of more than three quarters of the queue's maximum message
    size does not fit, and stays failed. Where records may be so large, let a function put them
    elsewhere.

    `client` is the caller's, of ``boto3.client("sqs")``; it may be used from several threads.

    >>> letters = kinpack.SqsDeadLetter(queue, client=sqs)
    >>> @kinpack.handler(report="batch_item_failures", poison=kinpack.Poison(to=letters))
    ... def lambda_handler(record):
    ...     raise kinpack.PoisonRecord("no such currency")
    >>> lambda_handler(testing.event([("ada", "1")]), testing.Context())
    {'batchItemFailures': []}
    >>> [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    >>> letter = json.loads(message["Body"])
    >>> letter["partitionKey"], letter["reason"], letter["error"]
    ('ada', 'poison', 'no such currency')
    """

    def __init__(self, url: str, *, client: Any) -> None:
        _check_client(client, "send_message", "sqs")
        self._url, self._client = url, client

    def __call__(self, letter: Mapping[str, Any]) -> None:
        """Sends it."""
        request = {"QueueUrl": self._url}
        if self._url.endswith(".fifo"):
            # Both take 128 characters of a small alphabet: decimals do.
            key = letter.get("partitionKey", letter["id"])
            request["MessageGroupId"] = str(hash_key_of(key))
            # Under enhanced fan-out an id may be another record's at another delivery.
            identity = f"{letter['id']} {letter.get('partitionKey', '')} {letter['data']}"
            request["MessageDeduplicationId"] = str(hash_key_of(identity))
        body = json.dumps(letter, ensure_ascii=False, separators=(",", ":"))
        self._client.send_message(MessageBody=body, **request)


class Poison:
    """What is done about records that no retry helps.

    A record is poison when its handler raises `PoisonRecord`, when its payload does not decode, or
    when it has failed `after` times; those are counted in a durable store, so `after` needs one,
    and must be below the mapping's maximum attempts, or Lambda discards the batch first.

    `to` takes the dead letter: a `SqsDeadLetter`, or any function of a dict, the document that
    docs/handlers.md describes. If it raises, the record has failed. It may get a letter twice.

    Then by `policy`: ``skip_record`` passes over the record; ``hold_key`` sends the later records
    of its key in this batch after it, in order; ``block`` lets it stay failed.

    >>> letters = []
    >>> poison = kinpack.Poison(to=letters.append, policy="hold_key")
    >>> @kinpack.handler(report="batch_item_failures", poison=poison)
    ... def lambda_handler(record):
    ...     print(record.json())
    >>> event = testing.event([[("ada", "no JSON"), ("bob", "2"), ("ada", "3")]])
    >>> lambda_handler(event, testing.Context())
    2
    {'batchItemFailures': []}
    >>> [letter["reason"] for letter in letters]
    ['poison', 'heldKey']
    """

    def __init__(
        self, *, to: DeadLetters, after: int | None = None, policy: str = "skip_record"
    ) -> None:
        if not callable(to):
            raise TypeError(f"to is a SqsDeadLetter or a function, not {type(to).__name__}")
        if after is not None and after < 1:
            raise ValueError(f"after is at least 1, not {after}")
        if policy not in ("skip_record", "hold_key", "block"):
            raise ValueError(f'policy is "skip_record", "hold_key" or "block", not {policy!r}')
        self.to, self.after, self.policy = to, after, policy

    def __repr__(self) -> str:
        return f"Poison(to={self.to!r}, after={self.after!r}, policy={self.policy!r})"
