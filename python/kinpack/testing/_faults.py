"""Things that go wrong."""

from __future__ import annotations

import base64
import copy
import hashlib
import inspect
import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

from kinpack._kinpack import UserRecord

if TYPE_CHECKING:
    from typing_extensions import TypeAlias

    #: Which records: the nth that the handler is called with, from 0, some of them, or those for
    #: which a function says yes.
    When: TypeAlias = Union[int, Collection[int], Callable[[UserRecord], bool]]

_F = TypeVar("_F", bound=Callable[..., Any])
_MAGIC = b"\xf3\x89\x9a\xc2"
# A user record whose partition key is the 4,294,967,295th of the table.
_STRAY = bytes([0x1A, 0x08, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x1A, 0x00])
# A member that says it is longer than what is left.
_CUT_OFF = bytes([0x1A, 0x7F])


def broken(
    event: Mapping[str, Any],
    index: int,
    what: Literal["base64", "digest", "protobuf", "index"],
) -> dict[str, Any]:
    """The event with one of its Kinesis records broken, by index; the event given stays as it is.

    - `base64`: the data is not base64
    - `digest`: a bit of the aggregate's digest has flipped
    - `protobuf`: the message ends within a field, under a digest that is right
    - `index`: a user record names a partition key that the aggregate does not have, likewise

    Raises `ValueError` if all but `base64` is asked of a record that is no aggregate.

    >>> batch = testing.event([[("ada", "1")], [("bob", "2")]])
    >>> bad = testing.broken(batch, 1, "digest")
    >>> kinpack.records(bad, policy="strict")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    kinpack._errors.DecodeError: Kinesis record 1 ... digest does not match the aggregate (byte 16)
    """
    records = list(event["Records"])
    record = copy.deepcopy(records[index])
    text = record["kinesis"]["data"]
    if what == "base64":
        text = text[:-1] + "?"
    else:
        text = base64.b64encode(_broken(base64.b64decode(text), index, what)).decode()
    record["kinesis"]["data"] = text
    records[index] = record
    return {**event, "Records": records}


def _broken(data: bytes, index: int, what: str) -> bytes:
    if not data.startswith(_MAGIC):
        raise ValueError(f"Kinesis record {index} is no aggregate")
    message, digest = data[4:-16], data[-16:]
    if what == "digest":
        return data[:-1] + bytes([digest[-1] ^ 1])
    if what not in ("protobuf", "index"):
        raise ValueError(f"{what!r} is not base64, digest, protobuf or index")
    message += _CUT_OFF if what == "protobuf" else _STRAY
    return _MAGIC + message + hashlib.md5(message, usedforsecurity=False).digest()


class Cut(BaseException):
    """An invocation ended here, as by a crash or at its time-out. No `Exception`, so that code
    which catches all of those does not catch it."""


def fail_at(
    handler: _F,
    when: When,
    error: BaseException | type[BaseException] | None = None,
    *,
    times: int | None = None,
) -> _F:
    """A function of one user record that fails where `when` says, and else calls `handler`.

    `when` is the number of the call, from 0, or several; or a function of the record, for what
    fails at each attempt. It fails `times` times at most.

    >>> def handle(record):
    ...     print(record.data)
    >>> handle = testing.fail_at(handle, lambda record: record.json() == 2)
    >>> for record in kinpack.records(testing.event([("ada", "1"), ("bob", "2")])):
    ...     handle(record)
    Traceback (most recent call last):
      ...
    RuntimeError: this record was to fail
    """
    calls = itertools.count()
    lock = threading.Lock()
    left = times

    def check(record: UserRecord) -> None:
        nonlocal left
        with lock:
            call = next(calls)
            if left == 0 or not _hits(when, call, record):
                return
            if left is not None:
                left -= 1
        raise error if error is not None else RuntimeError("this record was to fail")

    if inspect.iscoroutinefunction(handler):

        @wraps(handler)
        async def failing_async(record: UserRecord, *more: Any, **options: Any) -> Any:
            check(record)
            return await handler(record, *more, **options)

        return failing_async  # type: ignore[return-value]

    @wraps(handler)
    def failing_sync(record: UserRecord, *more: Any, **options: Any) -> Any:
        check(record)
        return handler(record, *more, **options)

    return failing_sync  # type: ignore[return-value]


def cut_at(handler: _F, when: When, *, times: int | None = 1) -> _F:
    """A function of one user record at which the invocation ends as by a crash: `Cut` is raised.

    >>> handle = testing.cut_at(lambda record: print(record.data), 1)
    >>> for record in kinpack.records(testing.event([("ada", "1"), ("bob", "2")])):
    ...     handle(record)
    Traceback (most recent call last):
      ...
    kinpack.testing._faults.Cut: the invocation ended here
    """
    return fail_at(handler, when, Cut("the invocation ended here"), times=times)


def _hits(when: When, call: int, record: UserRecord) -> bool:
    if isinstance(when, int):
        return call == when
    if callable(when):
        return when(record)
    return call in when


def failing(
    client: Any,
    operation: str,
    error: BaseException | str = "ProvisionedThroughputExceededException",
    *,
    times: int | None = None,
    after: int = 0,
) -> Any:
    """A client of boto3 of which one operation fails, by its name in Python.

    The first `after` calls and those after `times` failures go to `client`, as all else does.
    `error` is a code of the service, raised as a `ClientError`, or the exception to raise.

    >>> class Queue:
    ...     def send_message(self, **message):
    ...         return {"MessageId": "1"}
    >>> client = testing.failing(Queue(), "send_message", "ThrottlingException", times=1)
    >>> try:
    ...     client.send_message(QueueUrl="u", MessageBody="b")
    ... except Exception as error:
    ...     print(error.response["Error"]["Code"])
    ThrottlingException
    >>> client.send_message(QueueUrl="u", MessageBody="b")
    {'MessageId': '1'}
    """
    return _Failing(client, operation, error, times, after)


class _Failing:
    def __init__(
        self,
        client: Any,
        operation: str,
        error: BaseException | str,
        times: int | None,
        after: int,
    ) -> None:
        self._client = client
        self._operation = operation
        self._error = error
        self._failures = range(after, after + times) if times is not None else range(after, 1 << 62)
        self._calls = itertools.count()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name != self._operation:
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            if next(self._calls) in self._failures:
                raise self._raised()
            return found(*arguments, **options)

        return call

    def _raised(self) -> BaseException:
        if isinstance(self._error, BaseException):
            return self._error
        operation = "".join(word.title() for word in self._operation.split("_"))
        answer = {
            "Error": {"Code": self._error, "Message": "this call was to fail"},
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        try:
            exceptions: Any = import_module("botocore.exceptions")
        except ImportError:
            return _ClientError(answer, operation)
        raised: BaseException = exceptions.ClientError(answer, operation)
        return raised


class _ClientError(Exception):
    """Where there is no boto3: like its error of that name."""

    def __init__(self, response: dict[str, Any], operation_name: str) -> None:
        error = response["Error"]
        super().__init__(
            f"An error occurred ({error['Code']}) when calling the {operation_name} operation: "
            f"{error['Message']}"
        )
        self.response = response
        self.operation_name = operation_name
