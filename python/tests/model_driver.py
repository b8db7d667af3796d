"""Handlers of this package under the model of Lambda's trigger, on a clock that is a number.

Started by `model … -- python model_driver.py`; crates/lambda-simulator/src/lines.rs says what
comes in and what goes out. An invocation is run at its begin, all of it, and told by and by.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import heapq
import json
import logging
import math
import queue
import random
import selectors
import sys
from collections import deque
from datetime import timedelta
from typing import Any

from kinpack import InMemoryProgress, Poison, PoisonRecord
from kinpack._errors import InvocationError
from kinpack._handlers import _core, _drivers
from kinpack._handlers._core import Core
from kinpack._handlers._loop import Batch
from kinpack._handlers._settings import Settings


class End(BaseException):
    """The invocation is over: its time is up, or the environment goes down."""


class Clock(_core.Clock):
    """Milliseconds since 1970, to the microsecond."""

    def __init__(self, begin: int, deadline: int) -> None:
        self.begin, self.left, self.passed = begin, (deadline - begin) * 1000, 0
        self.is_over = False

    def now(self) -> int:
        return self.begin * 1_000_000 + self.passed * 1000

    def elapsed(self) -> int:
        return self.passed * 1000

    def advance(self, micros: int) -> None:
        if self.passed + micros >= self.left:
            self.passed = self.left
            raise End
        self.passed += micros

    @property
    def millis(self) -> int:
        return self.begin + self.passed // 1000


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

    def __init__(self, run: Run, latency: int, dice: random.Random) -> None:
        self._run, self._latency, self._dice = run, latency, dice
        self._ends: list[tuple[int, float, Any]] = []
        self._answers: deque[Any] = deque()

    def submit(self, call: Any, work: Any) -> None:
        millis = self._run.handling["millis"] if self._run.handling else self._latency
        end = self._run.clock.passed + millis * 1000  # type: ignore[attr-defined]
        heapq.heappush(self._ends, (end, self._dice.random(), lambda: call(work)))

    def put(self, answer: Any) -> None:
        self._answers.append(answer)

    def get(self, timeout: float | None) -> Any:
        clock: Any = self._run.clock
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


class Run(Core):
    """An invocation that tells what happens in it."""

    def __init__(self, subject: Subject, invocation: dict[str, Any], event: str) -> None:
        self.invocation, self.faults = invocation, invocation["faults"]
        self.facts: list[tuple[int, Any]] = []
        self.steps = self.writes = self.letters = 0
        self.users: dict[int, int] = {}
        # Of the record that is begun; None if something else is.
        self.handling: dict[str, Any] | None = None
        self.subject = subject
        clock = Clock(invocation["begin"], invocation["deadline"])
        self.items = invocation["delivery"]["items"]
        context = Context(clock) if subject.knows_deadline else None
        super().__init__(subject.settings, event, context, clock)

    def tell(self, fact: Any) -> None:
        self.facts.append((self.clock.millis, fact))

    def step(self) -> None:
        if self.faults["crashAfter"] == self.steps:
            self.tell({"finished": {"answer": "crashed", "remembered": False}})
            raise End
        self.steps += 1

    # The store.

    def read_store(self) -> Any:
        self.step()
        if self.faults["itemGone"]:
            self.subject.store._shards.pop(self._batch.key, None)
        if self.faults["readFails"]:
            raise OSError("the store cannot be read")
        return super().read_store()

    def begin(self, stored: Any, error: BaseException | None = None) -> None:
        super().begin(stored, error)
        self.tell("began")

    def write(self, action: Any) -> Any:
        # Sent some time ago; now it arrives.
        fault = (self.faults["writes"][self.writes :] or ["none"])[0]
        self.writes += 1
        if fault in ("none", "answerLost"):
            self.step()
        if fault == "none":
            return super().write(action)
        store, key = self.subject.store, self._batch.key
        why = OSError(fault)
        if fault == "answerLost":
            with contextlib.suppress(Exception):
                store.write(key, *action[1:])
        if fault == "fails":
            return self.unwritten(why)
        found = store.read(key)
        return lambda engine: engine.unanswered(found)

    def wrote(self, tell: Any) -> None:
        self.step()
        watched = Watched(self.engine, self.version)
        tell(watched)
        if watched.is_written:
            self.tell("remembered")

    # The records.

    def poll(self) -> Any:
        action = super().poll()
        self.handling = None
        if action[0] == "start":
            self.step()
            user = self.user(action[2])
            self.handling = self.invocation["script"][str(user)]
            self.users[action[1]] = user
            self.tell({"started": user})
        elif action[0] == "dead_letter":
            self.step()
            self.dying = action[1]
        elif action[0] == "persist":
            self.step()
            self.version = action[2]
            self.tell("wrote")
        return action

    def user(self, record: Any) -> int:
        item = self.items[record.kinesis_index]
        return int(record.data) if not item["broken"] else item["users"][0]["id"]

    def ended(self, index: int, error: BaseException | None) -> bool:
        self.step()
        awaited = super().ended(index, error)
        if awaited:
            end = "done" if error is None else "retry"
            self.tell(
                {"ended": [self.users[index], "poison" if isinstance(error, PoisonRecord) else end]}
            )
        return awaited

    def letter(self, action: Any) -> Any:
        send = super().letter(action)
        fails = (self.faults["deadLettersFail"][self.letters :] or [False])[0]
        self.letters += 1
        index, letter = action[1], self.subject.last_letter(send)
        item = next(
            (
                item
                for item in self.items
                if item["sequence_number"] == letter["sequenceNumber"] and item["broken"]
            ),
            None,
        )
        data = base64.b64decode(letter["data"])
        self.users[index] = item["users"][0]["id"] if item else int(data)
        self.tell({"dying": {"user": self.users[index], "reason": action[2]}})

        def post() -> None:
            if fails:
                raise OSError("the dead letter cannot be written")

        return post

    def posted(self, index: int, error: BaseException | None) -> bool:
        self.step()
        awaited = super().posted(index, error)
        if awaited:
            self.tell({"died": [self.users[index], error is None]})
        return awaited


class Watched:
    """An engine, and whether it was told that a write is in the store."""

    def __init__(self, engine: Any, version: int) -> None:
        self._engine, self._version, self.is_written = engine, version, False

    def written(self) -> None:
        self.is_written = True
        self._engine.written()

    def refused(self, stored: Any) -> None:
        self.is_written = stored is not None and stored[0] == self._version
        self._engine.refused(stored)

    def unanswered(self, stored: Any) -> Any:
        self.is_written = stored is not None and stored[0] == self._version
        return self._engine.unanswered(stored)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


class Context:
    function_name = "simulated"

    def __init__(self, clock: Clock) -> None:
        self._left = clock.left

    def get_remaining_time_in_millis(self) -> int:
        return self._left // 1000


class DurableProgress(InMemoryProgress):
    durable = True


class Subject:
    def __init__(self, handler: dict[str, Any], dice: random.Random) -> None:
        memory, after = handler["memory"], handler["afterDeadLetter"]
        store = {"none": None, "inMemory": InMemoryProgress(), "durable": DurableProgress()}[memory]
        self.store: Any = store
        self.in_memory = memory == "inMemory"
        self.margin = handler["deadlineMarginMillis"]
        self.knows_deadline = self.margin is not None
        self.dice = dice
        durable: dict[str, Any] = {}
        if memory == "durable":
            millis = handler["checkpointEveryMillis"]
            durable = {
                "checkpoint_every": handler["checkpointEveryRecords"]
                or (timedelta(milliseconds=millis) if millis else None),
                "progress_limit": handler["progressLimit"],
            }
        policy = {"skipRecord": "skip_record", "holdKey": "hold_key", "block": "block", None: None}[
            after
        ]
        self.letters: list[Any] = []
        self.concurrency = handler["concurrency"]
        self.settings = Settings(
            report={
                "batchItemFailures": "batch_item_failures",
                "failInvocation": "fail_invocation",
            }[handler["reporting"]],
            concurrency=self.concurrency,
            progress=store,
            poison=Poison(
                to=self.letters.append,
                after=handler["poisonAfter"] if memory == "durable" else None,
                policy=policy,
            )
            if policy
            else None,
            deadline_margin=(handler["deadlineMarginMillis"] or 0) / 1000,
            broken_aggregates={"fail": "fail", "passThrough": "pass_through"}[
                handler["brokenAggregates"]
            ],
            name="simulated",
            **durable,
        )
        self.runs: dict[int, list[tuple[int, Any]]] = {}

    def last_letter(self, send: Any) -> Any:
        send()
        return self.letters.pop()

    def begin(self, invocation: dict[str, Any], event: str) -> None:
        run = Run(self, invocation, event)
        latency = (
            invocation["faults"]["latency"] if self.settings.progress and not self.in_memory else 0
        )
        ways = [self.in_loop, self.in_threads]
        # A handler that blocks its thread cannot be given up: it must not take so long.
        longest = max((it["millis"] for it in invocation["script"].values()), default=0)
        if self.concurrency == 1 and (self.margin is None or longest <= self.margin // 2):
            ways += [self.one_by_one, self.loop]
        way = self.dice.choice(ways)
        try:
            answer = {"returned": json.dumps(way(run, latency))}
            remembered = not self.outcome_lost(run)
        except InvocationError as error:
            answer, remembered = {"failed": str(error)}, not self.outcome_lost(run)
        except End:
            self.runs[invocation["run"]] = run.facts
            return
        run.tell({"finished": {"answer": answer, "remembered": remembered}})
        self.runs[invocation["run"]] = run.facts

    def outcome_lost(self, run: Run) -> bool:
        if run._engine is None:
            return False
        action = run._engine.poll(run.clock.now())
        return bool(action[0] == "finish" and action[3]["progress_lost"])

    # The ways to handle.

    def in_loop(self, run: Run, latency: int) -> Any:
        script = run.invocation["script"]

        async def handle(record: Any) -> None:
            handling = script[str(run.user(record))]
            await asyncio.sleep(handling["millis"] / 1000)
            self.raised(handling)

        # The dead letter has a latency though there is no store.
        loop = Loop(run.clock, run.faults["latency"])  # type: ignore[arg-type]
        loop.read_latency = latency  # type: ignore[attr-defined]
        try:
            return loop.run_until_complete(_drivers.in_loop(run, handle))
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            try:
                loop._now.left, loop._now.is_over = 1 << 60, False
                loop.run_until_complete(asyncio.sleep(0))
            finally:
                loop.close()

    def in_threads(self, run: Run, latency: int) -> Any:
        def handle(record: Any) -> None:
            self.raised(run.invocation["script"][str(run.user(record))])

        driver = _drivers.Threads(run, handle)
        threads: Any = Threads(run, run.faults["latency"], self.dice)
        driver._answers = threads
        with Errands(run.faults["latency"]):
            return driver.run(threads)

    def one_by_one(self, run: Run, latency: int) -> Any:
        with Errands(run.faults["latency"]):
            return _drivers.one_by_one(run, lambda record: self.handle(run, record))

    def loop(self, run: Run, latency: int) -> Any:
        with Errands(run.faults["latency"]):
            with Batch(run) as batch:
                for record in batch:
                    self.handle(run, record)
            return batch.response

    def handle(self, run: Run, record: Any) -> None:
        handling = run.invocation["script"][str(run.user(record))]
        run.clock.advance(handling["millis"] * 1000)  # type: ignore[attr-defined]
        self.raised(handling)

    @staticmethod
    def raised(handling: dict[str, Any]) -> None:
        if handling["end"] == "retry":
            raise ValueError("another time")
        if handling["end"] == "poison":
            raise PoisonRecord("never")


class Errands:
    """Errands take time and no thread."""

    def __init__(self, latency: int) -> None:
        self._latency = latency

    def __enter__(self) -> None:
        self._within, latency = _drivers.within, self._latency

        def within(core: Any, errand: Any) -> Any:
            end = core.errands_end
            left = latency * 1000 if end is None else (end - core.clock.now()) // 1000
            if latency * 1000 > left:
                core.clock.advance(max(0, left))
                raise TimeoutError("no answer before the deadline")
            core.clock.advance(latency * 1000)
            return errand()

        import kinpack._handlers._loop as loop

        _drivers.within = within
        assert loop.errand is _drivers.errand

    def __exit__(self, *_exception: object) -> None:
        _drivers.within = self._within


def main() -> None:
    logging.disable(logging.CRITICAL)
    subject: Subject | None = None
    dice = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for line in sys.stdin:
        call = json.loads(line)
        facts: list[Any] = []
        run: int | None = None
        if "handler" in call:
            subject = Subject(call["handler"], dice)
        assert subject is not None
        if "begin" in call:
            subject.begin(call["begin"], call["event"])
            run = call["begin"]["run"]
        elif "step" in call:
            run = call["step"]
            left = subject.runs.get(run, [])
            facts = [fact for time, fact in left if time <= call["now"]]
            subject.runs[run] = left[len(facts) :]
        elif "kill" in call:
            subject.runs.pop(call["kill"], None)
        elif "coolDown" in call and subject.in_memory:
            subject.store._shards.clear()
        left = subject.runs.get(run, []) if run is not None else []
        print(json.dumps({"facts": facts, "next": left[0][0] if left else None}), flush=True)


if __name__ == "__main__":
    main()
