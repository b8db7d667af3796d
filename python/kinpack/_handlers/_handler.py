"""A function of one user record as a Lambda function."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from kinpack._handlers._core import Core
from kinpack._handlers._drivers import Threads, in_loop, one_by_one
from kinpack._handlers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from kinpack._handlers._letters import Poison
    from kinpack._handlers._outcome import Outcome
    from kinpack._handlers._stores import Store
    from kinpack._kinpack import Decompressor, UserRecord


class Handler:
    """What `handler` makes of a function: a Lambda function, called with an event and a context.

    It may be called from several threads at once.
    """

    __wrapped__: Callable[[UserRecord], object]

    def __init__(self, function: Callable[[UserRecord], object], settings: Settings) -> None:
        _check_signature(function)
        functools.update_wrapper(self, function)
        self._function, self._settings = function, settings
        # An object may be called, too.
        kinds = (function, type(function).__call__)
        self._is_async = any(map(inspect.iscoroutinefunction, kinds))
        if any(inspect.isgeneratorfunction(it) or inspect.isasyncgenfunction(it) for it in kinds):
            raise TypeError(
                "a handler is a function of one record, and no generator: nobody runs it"
            )
        poison = settings.poison
        if poison is not None and inspect.iscoroutinefunction(poison.to) and not self._is_async:
            raise TypeError("a dead letter that is a coroutine function needs an async handler")
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._loops = threading.local()

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Handles the user records of an event, and returns what Lambda is to be told."""
        if self._is_async:
            return self._in_own_loop(event, context)
        core = Core(self._settings, event, context)
        if self._settings.concurrency == 1:
            return one_by_one(core, self._call)
        return self._in_threads(core)

    async def call_async(self, event: Any, context: Any) -> dict[str, Any]:
        """The same where an event loop runs already, for a handler that is a coroutine function."""
        if not self._is_async:
            raise TypeError("call_async is for handlers that are coroutine functions")
        return await in_loop(Core(self._settings, event, context), self._coroutine)

    def _call(self, record: UserRecord) -> None:
        result = self._function(record)
        # A `lambda` of a coroutine function, say: nothing would ever run.
        if inspect.isawaitable(result) or inspect.isgenerator(result):
            close = getattr(result, "close", None)
            if close is not None:
                close()
            raise TypeError(
                f"the handler returned a {type(result).__name__}, which nobody runs: make the "
                "handler itself an async def, or a function that does its work"
            )

    @property
    def _coroutine(self) -> Callable[[UserRecord], Awaitable[object]]:
        function: Any = self._function
        return function  # type: ignore[no-any-return]

    def _in_own_loop(self, event: Any, context: Any) -> dict[str, Any]:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("an event loop runs in this thread: await handler.call_async(…)")
        # One for all invocations: clients of the program belong to it.
        loop: asyncio.AbstractEventLoop | None = getattr(self._loops, "loop", None)
        if loop is None or loop.is_closed():
            loop = self._loops.loop = asyncio.new_event_loop()
            # Or Python complains of it where a test has made the handler.
            weakref.finalize(self, _close, loop)
        core = Core(self._settings, event, context)
        task = loop.create_task(in_loop(core, self._coroutine))
        try:
            return loop.run_until_complete(task)
        except BaseException:
            # What is no Exception ends the loop and leaves the task.
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    loop.run_until_complete(task)
            raise

    def _in_threads(self, core: Core) -> dict[str, Any]:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is None:
            # One more, for the store.
            workers = self._settings.concurrency + 1
            pool = ThreadPoolExecutor(workers, thread_name_prefix="kinpack")
        threads = Threads(core, self._call)
        try:
            return threads.run(pool)
        finally:
            with self._lock:
                keep = not threads.abandoned and self._pool is None
                if keep:
                    self._pool = pool
            if not keep:
                pool.shutdown(wait=False)


def _check_signature(function: Callable[[UserRecord], object]) -> None:
    """Or each record fails, and goes to the dead letter if there is one."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        # Some of what is written in C does not say.
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise TypeError(
            f"a handler is called with one argument, a user record, and this takes {signature}: "
            f"{error}. What it makes of the function is called with event and context"
        ) from None


def _close(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_running():
        loop.close()


def handler(
    *misused: Any,
    report: str | None = None,
    concurrency: int = 1,
    progress: Store | None = None,
    poison: Poison | None = None,
    deadline_margin: float = 1.0,
    checkpoint_every: int | timedelta | None = None,
    broken_aggregates: str = "fail",
    decompress: bool | Decompressor | None = None,
    name: str | None = None,
    metrics: str | None = None,
    on_outcome: Callable[[Outcome], object] | None = None,
    progress_limit: int | None = None,
    progress_kept: float | None = None,
) -> Callable[[Callable[[UserRecord], object]], Handler]:
    """Makes a function of one user record, ``def`` or ``async def``, a Lambda function.

    `report`, which has no default: ``batch_item_failures`` for an event source mapping with
    ``ReportBatchItemFailures``, ``fail_invocation`` for one without. `concurrency`: how many
    records may be under way at once, each of another partition key, in threads (or as tasks);
    those of a key one after another, and one at a time unless told. `progress`: an
    `InMemoryProgress` or a `DynamoProgress`. `poison`: a `Poison`.

    `deadline_margin`, in seconds: how long before the deadline nothing new is begun; at half of it
    what runs is given up. `checkpoint_every`: so many records, or a `timedelta`; progress is
    written in between, for handlers whose effects are dear. `broken_aggregates`: ``fail``, or
    ``pass_through`` to read them as the KCL does. `decompress`: as in `records`. `name`: what
    progress is kept under, the function's name unless told. `metrics`: a namespace of CloudWatch; a
    line of its embedded metric format is printed for each invocation. `on_outcome` is called with
    the `Outcome` of each. `progress_limit`, in bytes, and `progress_kept`, in seconds: as in
    kinpack-lambda.

    A function that raises has failed with that record; `PoisonRecord` says that no retry helps.

    >>> @kinpack.handler(report="batch_item_failures")
    ... def lambda_handler(record):
    ...     print(record.partition_key, record.json())
    >>> event = testing.event([[("ada", "1"), ("bob", "no JSON"), ("cyd", "3")]])
    >>> lambda_handler(event, testing.Context())  # doctest: +ELLIPSIS
    ada 1
    {'batchItemFailures': [{'itemIdentifier': '4959...802'}]}
    """
    if misused:
        raise TypeError('it is @kinpack.handler(report="batch_item_failures"), with what to report')
    settings = Settings(
        report=report,
        concurrency=concurrency,
        progress=progress,
        poison=poison,
        deadline_margin=deadline_margin,
        checkpoint_every=checkpoint_every,
        broken_aggregates=broken_aggregates,
        decompress=decompress,
        name=name,
        metrics=metrics,
        on_outcome=on_outcome,
        progress_limit=progress_limit,
        progress_kept=progress_kept,
    )
    return lambda function: Handler(function, settings)
