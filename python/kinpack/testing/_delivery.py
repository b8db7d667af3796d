"""What Lambda sends again."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kinpack.testing._context import Context


def retry(event: Mapping[str, Any], response: object) -> dict[str, Any] | None:
    """The event that Lambda sends after this response to another; `None` if it goes on.

    The mapping has `ReportBatchItemFailures`. All from the lowest sequence number of
    `batchItemFailures` on comes again; after an exception (as the response), and after an
    identifier that is empty, null, misnamed or of no record of the batch, all of it.

    >>> batch = testing.event([("ada", "1"), ("bob", "2"), ("cyd", "3")])
    >>> second = batch["Records"][1]["kinesis"]["sequenceNumber"]
    >>> again = testing.retry(batch, {"batchItemFailures": [{"itemIdentifier": second}]})
    >>> [record["kinesis"]["partitionKey"] for record in again["Records"]]
    ['bob', 'cyd']
    >>> testing.retry(batch, {"batchItemFailures": []}) is None
    True
    >>> testing.retry(batch, RuntimeError("it failed")) == batch
    True
    """
    records = event["Records"]
    if not isinstance(response, BaseException):
        failures = response.get("batchItemFailures") if isinstance(response, Mapping) else None
        if not failures:
            return None
        numbers = [record["kinesis"]["sequenceNumber"] for record in records]
        items = failures if isinstance(failures, list) else [failures]
        named = [it.get("itemIdentifier") if isinstance(it, Mapping) else None for it in items]
        if all(name in numbers for name in named):
            records = records[min(numbers.index(name) for name in named) :]
    return {**event, "Records": copy.deepcopy(records)}


def bisect(event: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The two events that Lambda makes of one after a failed invocation, if the mapping has
    `BisectBatchOnFunctionError`; `None` for a batch of one record.

    It may come between records of one sequence number, as they are under enhanced fan-out.

    >>> batch = testing.event([("ada", "1"), ("bob", "2"), ("cyd", "3")])
    >>> [len(half["Records"]) for half in testing.bisect(batch)]
    [1, 2]
    >>> testing.bisect(testing.event([("ada", "1")])) is None
    True
    """
    records = copy.deepcopy(event["Records"])
    if len(records) < 2:
        return None
    middle = len(records) // 2
    return {**event, "Records": records[:middle]}, {**event, "Records": records[middle:]}


@dataclass(frozen=True)
class Attempt:
    """One invocation."""

    #: What was sent.
    event: dict[str, Any]
    #: What came back, as Lambda gets it, in JSON.
    response: Any = None
    #: Or what the invocation failed with.
    error: BaseException | None = None

    @property
    def reported(self) -> list[str]:
        """The sequence numbers in the response."""
        failures = (self.response or {}).get("batchItemFailures") or []
        return [item["itemIdentifier"] for item in failures]


@dataclass
class Delivery:
    """All that was done to get a batch through."""

    #: Each invocation, in order.
    attempts: list[Attempt] = field(default_factory=list)
    #: Records of the event that Lambda gave up.
    discarded: list[dict[str, Any]] = field(default_factory=list)


def deliver(
    handler: Callable[[Any, Any], object],
    event: Mapping[str, Any],
    *,
    maximum_retry_attempts: int = 10,
    bisect: bool = False,
    context: Callable[[], Any] = Context,
) -> Delivery:
    """Invokes a handler with an event, and with what Lambda sends again, until it is through.

    Event and response go through JSON, as they do at Lambda. `maximum_retry_attempts` counts for
    the batch, and for each half of it; being halved costs none. What fails above that is given up:
    it is found in `discarded`. `context` makes the context of each invocation. What is raised and
    is no `Exception` ends an invocation too, as a crash or a time-out does.

    >>> tries = iter([RuntimeError("not yet"), None, None])
    >>> def handler(event, context):
    ...     error = next(tries)
    ...     if error:
    ...         raise error
    ...     return {"batchItemFailures": []}
    >>> delivery = testing.deliver(handler, testing.event([("ada", "1"), ("bob", "2")]))
    >>> [attempt.error for attempt in delivery.attempts], delivery.discarded
    ([RuntimeError('not yet'), None], [])
    """
    delivery = Delivery()
    waiting = [(0, dict(event))]
    while waiting:
        tries, batch = waiting.pop()
        attempt = _invoke(handler, batch, context())
        delivery.attempts.append(attempt)
        again = retry(batch, attempt.error or attempt.response)
        if again is None:
            continue
        halves = _bisect(again) if bisect and attempt.error else None
        if halves:
            waiting.extend((tries, half) for half in reversed(halves))
        elif tries < maximum_retry_attempts:
            waiting.append((tries + 1, again))
        else:
            delivery.discarded.extend(again["Records"])
    return delivery


_bisect = bisect


def _invoke(handler: Callable[[Any, Any], object], batch: dict[str, Any], context: Any) -> Attempt:
    sent = json.loads(json.dumps(batch))
    try:
        return Attempt(batch, response=json.loads(json.dumps(handler(sent, context))))
    except (KeyboardInterrupt, SystemExit):
        # Of the test, not of the handler.
        raise
    except BaseException as error:
        return Attempt(batch, error=error)
