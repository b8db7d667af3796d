"""The plain loop over the user records of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kinpack._handlers._core import Core, log
from kinpack._handlers._drivers import begin, errand
from kinpack._handlers._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta
    from types import TracebackType

    from kinpack._handlers._letters import Poison
    from kinpack._handlers._outcome import Outcome
    from kinpack._handlers._stores import Store
    from kinpack._kinpack import Decompressor, UserRecord, _Action


class _TooEarly(RuntimeError):
    """The program is wrong, and no record: it is not for the response."""


class Batch:
    """What `batch` gives: iterate over it once, then, behind the ``with``, return `response`.

    A record counts as handled when the next one is asked for: do the work in the loop.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._current: int | None = None
        self._finished: _Action | None = None
        self._iterated = False
        self._response: dict[str, Any] | None = None
        self._inside = False
        #: Whether what came out was read, or raised.
        self._told = True

    def __enter__(self) -> Batch:
        begin(self._core)
        self._inside = True
        return self

    def __iter__(self) -> Iterator[UserRecord]:
        if self._iterated:
            raise RuntimeError("the user records of a batch can be gone through once")
        self._iterated = True
        return self

    def __next__(self) -> UserRecord:
        if not self._inside and self._finished is None:
            raise RuntimeError("it is: with kinpack.batch(event, context, report=…) as batch")
        self._iterated = True
        self.done()
        while self._finished is None:
            action = self._core.poll()
            if action[0] == "start":
                record: UserRecord
                _, self._current, record, _ = action
                return record
            self._do(action)
        raise StopIteration

    def done(self) -> None:
        """Says that the record at hand is handled, before the loop is left by ``break``. Else going
        on to the next record says so."""
        index, self._current = self._current, None
        if index is not None:
            self._core.ended(index, None)

    def failed(self, error: BaseException) -> None:
        """Says that the record at hand has failed, and the loop goes on, as far as it may: with a
        durable store to records of other keys."""
        index, self._current = self._current, None
        if index is not None:
            self._core.ended(index, error)

    @property
    def response(self) -> dict[str, Any]:
        """What the function is to return. If the loop was left before its end, the record at hand
        and all behind it come again.

        It is known behind the ``with``. In it a ``return batch.response`` would do until the first
        record fails: then the ``with`` ends there, the function returns nothing, and Lambda takes
        the batch for done.
        """
        if self._inside or self._response is None:
            raise _TooEarly("batch.response is known behind the with block: return it there")
        self._told = True
        return self._response

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self._inside = False
        if error is None:
            self._finish()
            return False
        if self._current is None or not isinstance(error, Exception):
            # It is of no record, or the function is to end.
            return False
        if isinstance(error, _TooEarly):
            return False
        self.failed(error)
        # What makes the invocation fail is raised here, with the first record's error as its cause.
        self._finish()
        return True

    def __del__(self) -> None:
        if not self._told:
            log.error(
                "records of a batch are not finished, and nobody has read batch.response, which "
                "says so: unless the function fails, LAMBDA TAKES THE BATCH FOR DONE AND THESE "
                "RECORDS ARE LOST"
            )

    def __length_hint__(self) -> int:
        # What `list` asks first.
        raise _TooEarly("a list of the records would say that all are handled: use a loop")

    def _finish(self) -> None:
        """Raises what makes the invocation fail, whether or not the response is read."""
        self._leave()
        assert self._finished is not None
        self._response = self._core.finish(self._finished)
        self._told = not self._response["batchItemFailures"]

    def _leave(self) -> None:
        """Nothing more is begun; what is left to do is done."""
        if self._finished is not None:
            return
        index, self._current = self._current, None
        if index is not None:
            self._core.engine.give_back(index)
        self._core.engine.stop()
        while self._finished is None:
            self._do(self._core.poll())

    def _do(self, action: _Action) -> None:
        if action[0] == "finish":
            self._finished = action
        else:
            errand(self._core, action)


def batch(
    event: Any,
    context: Any,
    *,
    report: str | None = None,
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
) -> Batch:
    """The user records of a Lambda event, to go through in a loop.

    An exception in the loop marks the record at which it happened, is logged, and ends the loop:
    the response names the Kinesis record of that one. What makes the invocation fail
    (`KinpackNotFinished`, `KinpackNoProgress`) is raised at the end of the ``with``. The settings
    are those of `handler`.

    >>> def lambda_handler(event, context):
    ...     with kinpack.batch(event, context, report="batch_item_failures") as batch:
    ...         for record in batch:
    ...             print(record.partition_key, record.json())
    ...     return batch.response
    >>> event = testing.event([[("ada", "1"), ("bob", "no JSON"), ("cyd", "3")]])
    >>> lambda_handler(event, testing.Context())  # doctest: +ELLIPSIS
    ada 1
    {'batchItemFailures': [{'itemIdentifier': '4959...802'}]}
    """
    settings = Settings(
        report=report,
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
    return Batch(Core(settings, event, context))
