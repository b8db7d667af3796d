"""One invocation: the engine, and what it wants done. How it is done, in one thread, in many or in
an event loop, is the drivers' business."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinpack import _errors
from kinpack._errors import (
    AvroError,
    CompressionError,
    DecodeError,
    InvocationError,
    KinpackEvent,
    KinpackProgressStore,
    PoisonRecord,
    SchemaStoreError,
)
from kinpack._handlers._outcome import Outcome
from kinpack._handlers._settings import first
from kinpack._handlers._stores import Conflict
from kinpack._kinpack import Engine, EngineBatch, early_metrics, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from kinpack._handlers._settings import Settings
    from kinpack._handlers._stores import Stored
    from kinpack._kinpack import _Action

    T = TypeVar("T")

log = logging.getLogger("kinpack")

# Of the time that is left between the margin and the deadline, what the answer needs: an eighth.
_ANSWER = 8

_FIRST_REPORT = (
    "reported a batch item failure. IF THE EVENT SOURCE MAPPING LACKS ReportBatchItemFailures, "
    "LAMBDA TAKES THE BATCH FOR DONE AND THESE RECORDS ARE LOST: set it in FunctionResponseTypes, "
    'or use report="fail_invocation". (Said once.)'
)


class Clock:
    """Nanoseconds since 1970, by a clock that does not run backwards."""

    def __init__(self) -> None:
        self._base, self._began = time.time_ns(), time.monotonic_ns()

    def now(self) -> int:
        return self._base + self.elapsed()

    def elapsed(self) -> int:
        return time.monotonic_ns() - self._began


class Core:
    """An event that is being handled."""

    def __init__(
        self, settings: Settings, event: Any, context: Any, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        # A context of kinpack.testing has a clock that the test moves on.
        given = clock or getattr(context, "_kinpack_clock", None)
        self.clock = given if isinstance(given, Clock) else Clock()
        self._event, self._context = event, context
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        self._deadline: int | None = None
        if remaining is not None:
            millis = remaining()
            if not isinstance(millis, (int, float)):
                # What a mock of tests answers is no number, or 1.
                raise TypeError(
                    "context.get_remaining_time_in_millis() is a number, not "
                    f"{type(millis).__name__}: kinpack.testing.Context is made for tests"
                )
            self._deadline = self.clock.now() + int(millis * 1_000_000)
        #: When the store and the dead letter are given up, so that the answer comes in time.
        self.errands_end: int | None = None
        if self._deadline is not None:
            self.errands_end = self._deadline - settings.margin // _ANSWER
        self._batch, self._faults = self._read()
        self._decode = self.clock.elapsed()
        self._errors: dict[int, str] = {}
        # Of all that failed the one to be shown.
        self._first_error: BaseException | None = None
        # Which Kinesis record it is, by the user record's number.
        self._unreadable: dict[int, int] = {}
        self._engine: Engine | None = None
        if self._batch.fan_out and first("fan-out"):
            log.info(
                "the batch comes through enhanced fan-out, where Lambda unpacks aggregates: "
                "records that share a sequence number are reported as one, and none is resumed "
                "inside"
            )

    def _read(self) -> tuple[EngineBatch, int]:
        decompress = self.settings.decompress
        try:
            strict = records(self._event, policy="strict", errors="keep", decompress=decompress)
            batch = EngineBatch(strict, self._consumer)
            if batch.faults:
                for error in (it.error for it in strict if it.error is not None):
                    log.warning("%s", error)
            if batch.faults == 0 or not self.settings.pass_through:
                return batch, batch.faults
            # The KCL delivers some of what is broken here.
            known = records(self._event, policy="kcl", errors="keep", decompress=decompress)
            return EngineBatch(known, self._consumer), batch.faults
        except ValueError as error:
            self._print_early(None)
            raise KinpackEvent(f"no event of a Kinesis stream: {error}") from error

    @property
    def _consumer(self) -> str:
        return self.settings.name or getattr(self._context, "function_name", None) or ""

    def _print_early(self, batch: EngineBatch | None) -> None:
        """The metrics of an invocation that fails before anything is handled."""
        if self.settings.metrics is not None:
            now, took = self.clock.now(), self.clock.elapsed()
            line = early_metrics(self.settings.metrics, self._consumer, batch, now, took)
            print(line, flush=True)

    # The store.

    @property
    def reads_store(self) -> bool:
        return self.settings.progress is not None and len(self._batch) > 0

    def read_store(self) -> Stored:
        """May be called from another thread."""
        store = self.settings.progress
        return store.read(self._batch.key) if store is not None else None

    def begin(self, stored: Stored, error: BaseException | None = None) -> None:
        """With what the store remembers."""
        if error is None:
            try:
                self._engine = Engine(
                    self.settings.engine, self._batch, stored, self._deadline, self.clock.now()
                )
                return
            except (ValueError, TypeError, OverflowError) as undecodable:
                error = undecodable
        log.error("the progress store cannot be read: %s", _text(error))
        self._print_early(self._batch)
        raise KinpackProgressStore(f"the progress store cannot be read: {_text(error)}") from error

    def write(self, action: _Action) -> Callable[[Engine], object]:
        """Does a write, maybe in another thread, and says how to tell the engine of it."""
        store, key = self.settings.progress, self._batch.key
        assert store is not None
        try:
            store.write(key, *action[1:])
            return lambda engine: engine.written()
        except Conflict as conflict:
            stored = conflict.stored
            return lambda engine: engine.refused(stored)
        except Exception as error:
            why = error
        # Nobody knows whether it arrived.
        try:
            found = store.read(key)
        except Exception:
            return self.unwritten(why)

        def tell(engine: Engine) -> None:
            if not engine.unanswered(found):
                self._say_unwritten(why)

        return tell

    def unwritten(self, error: BaseException) -> Callable[[Engine], object]:
        def tell(engine: Engine) -> None:
            engine.not_written()
            self._say_unwritten(error)

        return tell

    def _say_unwritten(self, error: BaseException) -> None:
        log.error("progress could not be written: %s", _text(error))

    def wrote(self, tell: Callable[[Engine], object]) -> None:
        try:
            tell(self.engine)
        except ValueError as error:
            # Another version is there, which cannot be read.
            self._say_unwritten(error)
            self.engine.not_written()

    # What is next.

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the store was not read")
        return self._engine

    def poll(self) -> _Action:
        while True:
            action = self.engine.poll(self.clock.now())
            if action[0] != "start" or action[3] is None:
                return action
            # A record whose data cannot be had is not handed to anyone.
            self._unreadable[action[1]] = action[2].kinesis_index
            self.ended(action[1], PoisonRecord(action[3]))

    def seconds_until(self, time: int | None) -> float | None:
        return None if time is None else max(0, time - self.clock.now()) / 1_000_000_000

    def ended(self, index: int, error: BaseException | None) -> bool:
        """The handler has ended with a record; whether it was waited for."""
        if error is None:
            return self.engine.done(index)
        poison = _is_poison(error)
        self._errors[index] = _text(error)
        if self._first_error is None:
            self._first_error = error
        name = self.engine.id(index)
        awaited = self.engine.failed(index, poison)
        if awaited:
            how = "poison" if poison else "to be tried again"
            log.warning("record %s failed (%s): %s", name, how, self._errors[index], exc_info=error)
        return awaited

    # The dead letter.

    def letter(self, action: _Action) -> Callable[[], object]:
        """What sends it, maybe in another thread."""
        _, index, reason, attempts = action
        poison = self.settings.poison
        assert poison is not None
        log.warning(
            "record %s goes to the dead letter: %s, attempts: %d",
            self.engine.id(index),
            reason,
            attempts,
        )
        text = self.engine.letter(
            index,
            error=self._errors.get(index),
            function_arn=getattr(self._context, "invoked_function_arn", None) or None,
            request_id=getattr(self._context, "aws_request_id", None) or None,
            data=self._written(index),
        )
        document, send = json.loads(text), poison.to
        return lambda: send(document)

    def _written(self, index: int) -> bytes | None:
        """What stands where data should be that cannot be had, so that nothing is lost."""
        if index not in self._unreadable:
            return None
        event = self._event
        if isinstance(event, (str, bytes, bytearray, memoryview)):
            event = json.loads(event if isinstance(event, str) else bytes(event))
        records = event["Records"] if isinstance(event, Mapping) else event
        record = records[self._unreadable[index]]
        try:
            data = record["kinesis"]["data"]
        except (KeyError, TypeError):
            data = None
        text = data if isinstance(data, str) else json.dumps(record, default=repr)
        return text.encode("utf-8", "surrogatepass")

    def posted(self, index: int, error: BaseException | None) -> bool:
        """A letter is sent, or could not be; whether it was waited for."""
        if error is not None:
            name = self.engine.id(index)
            log.error("the dead letter of record %s could not be written: %s", name, _text(error))
        return self.engine.dead_lettered(index, error is None)

    # The end.

    def finish(self, action: _Action) -> dict[str, Any]:
        """Says what happened: to the log, to CloudWatch, to Lambda."""
        _, response, error, fields = action
        # Kept no longer, or it would keep what it was raised in.
        first_error, self._first_error = self._first_error, None
        fields["metrics"]["decode_fault"] = self._faults
        outcome = Outcome(**fields)
        if self.settings.metrics is not None:
            now = self.clock.now()
            print(
                self.engine.embedded_metrics(
                    self.settings.metrics, self._faults, now, self._decode
                ),
                flush=True,
            )
        if self.settings.on_outcome is not None:
            self.settings.on_outcome(outcome)
        if error is not None:
            name, message = error
            log.error("the invocation fails as %s: %s", name, message)
            failure: type[InvocationError] = getattr(_errors, name, InvocationError)
            raised = failure(message)
            raised.outcome = outcome
            raise raised from first_error
        if outcome.checkpoint is not None:
            is_first = first("report")
            log.warning(
                "%s from=%s failed=%d not_finished=%d stopped_by=%s",
                _FIRST_REPORT if is_first else "reported a batch item failure",
                outcome.checkpoint,
                outcome.failed,
                outcome.not_finished,
                outcome.stopped_by,
            )
        answer: dict[str, Any] = json.loads(response)
        return answer


def _is_poison(error: BaseException) -> bool:
    # `UserRecord.json` marks what it raises.
    payload = getattr(error, "_kinpack_payload", False)
    if isinstance(error, SchemaStoreError):
        return False
    return payload or isinstance(error, (PoisonRecord, AvroError, CompressionError, DecodeError))


def _text(error: BaseException) -> str:
    """The error and what caused it, on one line."""
    parts: list[str] = []
    seen: set[int] = set()
    next_error: BaseException | None = error
    while next_error is not None and id(next_error) not in seen:
        seen.add(id(next_error))
        kind = type(next_error).__name__
        try:
            said = str(next_error)
        except Exception:
            said = "(and cannot say why)"
        plain = isinstance(next_error, PoisonRecord) and said
        parts.append(said if plain else f"{kind}: {said}" if said else kind)
        next_error = next_error.__cause__
    return ": ".join(parts).replace("\n", " ")


def within(core: Core, errand: Callable[[], T]) -> T:
    """The errand, given up in time: a client may wait longer than Lambda does."""
    if core.errands_end is None:
        return errand()
    result: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            result.append(errand())
        except BaseException as error:
            raised.append(error)

    # In the caller's context, which tracers go by.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(run,), name="kinpack-errand", daemon=True)
    thread.start()
    thread.join(core.seconds_until(core.errands_end))
    if raised:
        raise raised[0]
    if not result:
        raise TimeoutError("no answer before the deadline")
    return result[0]
