"""Handlers of this package under the model of Lambda's trigger, on a clock that is a number.

Started by `model … -- python model_driver.py`; crates/lambda-simulator/src/lines.rs says what
comes in and what goes out.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import random
import sys
from datetime import timedelta
from typing import Any

from kinpack import InMemoryProgress, Poison, PoisonRecord
from kinpack._errors import InvocationError
from kinpack._handlers import _drivers
from kinpack._handlers._core import Core
from kinpack._handlers._loop import Batch
from kinpack._handlers._settings import Settings
from model_time import Clock, End, Loop, Threads, Turn, within


class Run(Core):
    """An invocation that tells what happens in it."""

    turn: Turn
    dice: random.Random

    def __init__(self, subject: Subject, invocation: dict[str, Any], event: str) -> None:
        self.invocation, self.faults = invocation, invocation["faults"]
        self.facts: list[Any] = []
        self.steps = self.writes = self.letters = 0
        self.users: dict[int, int] = {}
        # Of the record that is begun; None if something else is.
        self.handling: dict[str, Any] | None = None
        self.subject = subject
        clock = self.clock = Clock(invocation["begin"], invocation["deadline"])
        self.items = invocation["delivery"]["items"]
        context = Context(clock) if subject.knows_deadline else None
        super().__init__(subject.settings, event, context, clock)

    def tell(self, fact: Any) -> None:
        self.facts.append(fact)

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
        if self.faults["itemGoneLater"] and self.writes == 1:
            self.subject.store._shards.pop(self._batch.key, None)
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
        watched = Watched(self.engine, self.written)
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
            self.written = action[2:]
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

    def __init__(self, engine: Any, written: tuple[int, bytes]) -> None:
        self._engine, self._written, self.is_written = engine, written, False

    def written(self) -> None:
        self.is_written = True
        self._engine.written()

    def refused(self, stored: Any) -> None:
        self.is_written = stored == self._written
        self._engine.refused(stored)

    def unanswered(self, stored: Any) -> Any:
        self.is_written = stored == self._written
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
    def __init__(self, handler: dict[str, Any]) -> None:
        memory, after = handler["memory"], handler["afterDeadLetter"]
        store = {"none": None, "inMemory": InMemoryProgress(), "durable": DurableProgress()}[memory]
        self.store: Any = store
        self.in_memory = memory == "inMemory"
        self.margin = handler["deadlineMarginMillis"]
        self.knows_deadline = self.margin is not None
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
        self.runs: dict[int, Run] = {}

    def last_letter(self, send: Any) -> Any:
        send()
        return self.letters.pop()

    def begin(self, invocation: dict[str, Any], event: str) -> None:
        run = Run(self, invocation, event)
        # The same in each run of a schedule.
        dice = random.Random(json.dumps(invocation))
        ways = [self.in_loop, self.in_threads]
        # A handler that blocks its thread cannot be given up: it must not take so long.
        longest = max((it["millis"] for it in invocation["script"].values()), default=0)
        if self.concurrency == 1 and (self.margin is None or longest <= self.margin // 2):
            ways += [self.one_by_one, self.loop]
        way, run.dice = dice.choice(ways), dice

        def invoke() -> None:
            try:
                answer = {"returned": json.dumps(way(run))}
            except InvocationError as error:
                answer = {"failed": str(error)}
            except End:
                return
            remembered = not self.outcome_lost(run)
            run.tell({"finished": {"answer": answer, "remembered": remembered}})

        run.turn = run.clock.turn = Turn(invoke, invocation["begin"])
        self.runs[invocation["run"]] = run

    def outcome_lost(self, run: Run) -> bool:
        if run._engine is None:
            return False
        action = run._engine.poll(run.clock.now())
        return bool(action[0] == "finish" and action[3]["progress_lost"])

    def step(self, number: int, now: int) -> dict[str, Any]:
        run = self.runs[number]
        turn = run.turn
        while turn.next is not None and turn.next <= now:
            turn.go_on()
        facts, run.facts = run.facts, []
        if turn.next is None:
            del self.runs[number]
        return {"facts": facts, "next": turn.next}

    def kill(self, number: int) -> None:
        run = self.runs.pop(number, None)
        if run is not None:
            run.turn.kill()

    # The ways to handle.

    def in_loop(self, run: Run) -> Any:
        script = run.invocation["script"]

        async def handle(record: Any) -> None:
            handling = script[str(run.user(record))]
            await asyncio.sleep(handling["millis"] / 1000)
            self.raised(handling)

        loop = Loop(run.clock, run.faults["latency"])
        try:
            return loop.run_until_complete(_drivers.in_loop(run, handle))
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            try:
                run.clock.end()
                loop.run_until_complete(asyncio.sleep(0))
            finally:
                loop.close()

    def in_threads(self, run: Run) -> Any:
        def handle(record: Any) -> None:
            self.raised(run.invocation["script"][str(run.user(record))])

        driver = _drivers.Threads(run, handle)
        threads: Any = Threads(run, run.dice)
        driver._answers = threads
        return driver.run(threads)

    def one_by_one(self, run: Run) -> Any:
        return _drivers.one_by_one(run, lambda record: self.handle(run, record))

    def loop(self, run: Run) -> Any:
        with Batch(run) as batch:
            for record in batch:
                self.handle(run, record)
        return batch.response

    def handle(self, run: Run, record: Any) -> None:
        handling = run.invocation["script"][str(run.user(record))]
        run.clock.advance(handling["millis"] * 1000)
        self.raised(handling)

    @staticmethod
    def raised(handling: dict[str, Any]) -> None:
        if handling["end"] == "retry":
            raise ValueError("another time")
        if handling["end"] == "poison":
            raise PoisonRecord("never")


def main() -> None:
    logging.disable(logging.CRITICAL)
    _drivers.within = within
    subject: Subject | None = None
    for line in sys.stdin:
        call = json.loads(line)
        answer: dict[str, Any] = {"facts": [], "next": None}
        if "handler" in call:
            subject = Subject(call["handler"])
        assert subject is not None
        if "begin" in call:
            subject.begin(call["begin"], call["event"])
            answer["next"] = call["begin"]["begin"]
        elif "step" in call:
            answer = subject.step(call["step"], call["now"])
        elif "kill" in call:
            subject.kill(call["kill"])
        elif "coolDown" in call and subject.in_memory:
            subject.store._shards.clear()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
