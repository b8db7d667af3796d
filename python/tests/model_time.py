"""Time for handlers under the model: a number, which passes for all invocations when it is told to.

Each invocation has a thread, and one of them runs at a time: where it would wait, it waits for its
turn.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import queue
import random
import selectors
import threading
from collections import deque
from typing import Any, Callable

from kinpack._handlers import _core


class End(BaseException):
    """The invocation is over: its time is up, or the environment goes down."""


class Turn:
    """The thread of an invocation. It runs while `go_on` waits for it."""

    def __init__(self, work: Callable[[], None], begin: int) -> None:
        self._work = work
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._is_killed = False
        self._error: BaseException | None = None
        #: When it goes on, in milliseconds; None after its end.
        self.next: int | None = begin
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._is_killed:
                self._work()
        except BaseException as error:
            self._error = error
        self.next = None
        self._paused.release()

    def go_on(self) -> None:
        """Until it waits again, or is over."""
        self._go.release()
        self._paused.acquire()
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        self._is_killed = True
        if self.next is not None:
            self.go_on()

    def wait(self, until: int) -> None:
        """In that thread."""
        self.next = until
        self._paused.release()
        self._go.acquire()
        if self._is_killed:
            raise End


class Clock(_core.Clock):
    """Milliseconds since 1970, to the microsecond."""

    def __init__(self, begin: int, deadline: int) -> None:
        self.begin, self.left, self.passed = begin, (deadline - begin) * 1000, 0
        self.turn: Turn | None = None
        self.is_over = False

    def now(self) -> int:
        return self.begin * 1_000_000 + self.passed * 1000

    def elapsed(self) -> int:
        return self.passed * 1000

    def advance(self, micros: int) -> None:
        if self.turn is None:
            # What is left to do after the end.
            return
        target = min(self.passed + micros, self.left)
        self.turn.wait(self.begin + target // 1000)
        self.passed = target
        if target == self.left:
            raise End

    def end(self) -> None:
        """What there is left to do takes no time."""
        self.turn, self.is_over = None, False


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time passes when nothing is to do. Threads take the store's latency."""

    def __init__(self, clock: Clock, latency: int) -> None:
        super().__init__(_Selector(clock))
        self._now, self._latency = clock, latency
        self._clock_resolution = 1e-7

    def time(self) -> float:
        return self._now.passed / 1e6

    def run_in_executor(self, _executor: Any, work: Any, *arguments: Any) -> Any:
        future = self.create_future()

        def run() -> None:
            try:
                result = work(*arguments)
            except End:
                # A callback cannot end its loop.
                self._now.is_over = True
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(self._latency / 1000, run)
        return future


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if self._clock.is_over:
            raise End
        if timeout is None:
            raise RuntimeError("waits for nothing")
        if timeout > 0:
            self._clock.advance(max(1, round(timeout * 1e6)))
        return []


class Threads:
    """A pool of threads and the queue that they answer by: each takes its time of the clock, and
    then does its work at once. Those that end together answer in any order."""

    def __init__(self, run: Any, dice: random.Random) -> None:
        self._run, self._dice = run, dice
        self._ends: list[tuple[int, float, Any]] = []
        self._answers: deque[Any] = deque()

    def submit(self, call: Any, work: Any) -> None:
        handling = self._run.handling
        millis = handling["millis"] if handling else self._run.faults["latency"]
        end = self._run.clock.passed + millis * 1000
        heapq.heappush(self._ends, (end, self._dice.random(), lambda: call(work)))

    def put(self, answer: Any) -> None:
        self._answers.append(answer)

    def get(self, timeout: float | None) -> Any:
        clock = self._run.clock
        until = math.inf if timeout is None else clock.passed + math.ceil(timeout * 1e6)
        end = min(self._ends[0][0] if self._ends else math.inf, until)
        if end == math.inf:
            raise RuntimeError("waits for nothing")
        if end > clock.passed:
            clock.advance(end - clock.passed)
        if not self._ends or self._ends[0][0] > end:
            raise queue.Empty
        heapq.heappop(self._ends)[2]()
        return self._answers.popleft()


def within(core: Any, errand: Any) -> Any:
    """In place of the drivers' own: errands take time and no thread."""
    end, latency = core.errands_end, core.faults["latency"] * 1000
    left = latency if end is None else (end - core.clock.now()) // 1000
    if latency > left:
        core.clock.advance(max(0, left))
        raise TimeoutError("no answer before the deadline")
    core.clock.advance(latency)
    return errand()
