"""The ways to do what the engine says: one thing after another, in threads, in an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import queue
from functools import partial
from typing import TYPE_CHECKING, Any

from kinpack._handlers._core import within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import ThreadPoolExecutor
    from typing import TypeVar

    from kinpack._handlers._core import Core
    from kinpack._kinpack import UserRecord, _Action

    T = TypeVar("T")


def begin(core: Core) -> None:
    """Reads the store."""
    if not core.reads_store:
        return core.begin(None)
    try:
        stored = within(core, core.read_store)
    except Exception as error:
        return core.begin(None, error)
    return core.begin(stored)


def errand(core: Core, action: _Action) -> None:
    """Sends a letter, or writes progress."""
    if action[0] == "dead_letter":
        error: BaseException | None = None
        try:
            within(core, core.letter(action))
        except Exception as raised:
            error = raised
        core.posted(action[1], error)
    elif action[0] == "persist":
        try:
            tell = within(core, lambda: core.write(action))
        except TimeoutError as late:
            tell = core.unwritten(late)
        core.wrote(tell)
    else:
        raise RuntimeError(f"nothing is under way, and yet: {action[0]}")


def one_by_one(core: Core, handle: Callable[[UserRecord], object]) -> dict[str, Any]:
    begin(core)
    while True:
        action = core.poll()
        if action[0] == "finish":
            return core.finish(action)
        if action[0] != "start":
            errand(core, action)
            continue
        error: BaseException | None = None
        try:
            handle(action[2])
        except Exception as raised:
            error = raised
        core.ended(action[1], error)


class Threads:
    """Handlers in threads. What is given up at the deadline cannot be stopped: `abandoned` says
    that some of the pool's threads are still at it."""

    def __init__(self, core: Core, handle: Callable[[UserRecord], object]) -> None:
        self._core, self._handle = core, handle
        self._answers: queue.SimpleQueue[tuple[str, int, Any, BaseException | None]]
        self._answers = queue.SimpleQueue()
        self._under_way = 0
        self._writing = False

    @property
    def abandoned(self) -> bool:
        return self._under_way > 0

    def run(self, pool: ThreadPoolExecutor) -> dict[str, Any]:
        core = self._core
        begin(core)
        while True:
            action = core.poll()
            if action[0] == "finish":
                return core.finish(action)
            if action[0] == "start":
                self._begin(pool, "start", action[1], partial(self._handle, action[2]))
            elif action[0] == "dead_letter":
                self._begin(pool, "dead_letter", action[1], core.letter(action))
            elif action[0] == "persist":
                self._writing = True
                self._begin(pool, "persist", 0, partial(core.write, action))
            else:
                self._wait(action[1])

    def _begin(
        self, pool: ThreadPoolExecutor, what: str, index: int, work: Callable[[], object]
    ) -> None:
        answers = self._answers

        def run() -> None:
            try:
                answers.put((what, index, work(), None))
            except BaseException as error:
                answers.put((what, index, None, error))

        self._under_way += 1
        pool.submit(contextvars.copy_context().run, run)

    def _wait(self, until: int | None) -> None:
        core = self._core
        ends = [until, core.errands_end if self._writing else None]
        end = min((end for end in ends if end is not None), default=None)
        try:
            answer = self._answers.get(timeout=core.seconds_until(end))
        except queue.Empty:
            if self._writing and core.seconds_until(core.errands_end) == 0:
                self._writing = False
                core.wrote(core.unwritten(TimeoutError("no answer before the deadline")))
            return
        self._under_way -= 1
        what, index, result, error = answer
        if error is not None and not isinstance(error, Exception):
            # The function is to end.
            raise error
        if what == "start":
            core.ended(index, error)
        elif what == "dead_letter":
            core.posted(index, error)
        elif self._writing:
            self._writing = False
            core.wrote(core.unwritten(error) if error else result)


async def in_loop(core: Core, handle: Callable[[UserRecord], Awaitable[object]]) -> dict[str, Any]:
    """Handlers that are coroutines; the store and the dead letter have threads."""
    if core.reads_store:
        try:
            read = _in_thread(core.read_store)
            stored = await asyncio.wait_for(read, core.seconds_until(core.errands_end))
        except asyncio.TimeoutError:
            core.begin(None, TimeoutError("no answer before the deadline"))
        except Exception as error:
            core.begin(None, error)
        else:
            core.begin(stored)
    else:
        core.begin(None)
    # By when they were begun.
    running: dict[asyncio.Future[Any], tuple[str, int]] = {}
    writing = False
    try:
        while True:
            action = core.poll()
            if action[0] == "finish":
                return core.finish(action)
            if action[0] == "start":
                running[asyncio.ensure_future(_call(handle, action[2]))] = ("start", action[1])
            elif action[0] == "dead_letter":
                letter = asyncio.ensure_future(_post(core.letter(action)))
                running[letter] = ("dead_letter", action[1])
            elif action[0] == "persist":
                writing = True
                running[_in_thread(partial(core.write, action))] = ("persist", 0)
            else:
                ends = [action[1], core.errands_end if writing else None]
                end = min((end for end in ends if end is not None), default=None)
                done, _ = await asyncio.wait(
                    running, timeout=core.seconds_until(end), return_when=asyncio.FIRST_COMPLETED
                )
                for future in [future for future in running if future in done]:
                    what, index = running.pop(future)
                    raised = _raised(future)
                    if raised is not None and not isinstance(raised, Exception):
                        # The function is to end.
                        raise raised
                    if what == "start":
                        core.ended(index, raised)
                    elif what == "dead_letter":
                        core.posted(index, raised)
                    elif writing:
                        writing = False
                        core.wrote(core.unwritten(raised) if raised else future.result())
                if writing and not done and core.seconds_until(core.errands_end) == 0:
                    writing = False
                    core.wrote(core.unwritten(TimeoutError("no answer before the deadline")))
    finally:
        await _cancel(core, running)


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    context = contextvars.copy_context()
    return asyncio.get_running_loop().run_in_executor(None, context.run, work)


def _raised(future: asyncio.Future[Any]) -> BaseException | None:
    # Nobody here has cancelled it: something in it has.
    return RuntimeError("it was cancelled") if future.cancelled() else future.exception()


async def _call(handle: Callable[[UserRecord], Awaitable[object]], record: UserRecord) -> None:
    await handle(record)


async def _post(send: Callable[[], object]) -> None:
    sent = await _in_thread(send)
    if inspect.isawaitable(sent):
        await sent


async def _cancel(core: Core, running: dict[asyncio.Future[Any], tuple[str, int]]) -> None:
    """What was given up ends here, if it heeds that it is cancelled."""
    tasks = [future for future, (what, _) in running.items() if what == "start"]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=core.seconds_until(core.errands_end))
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()
