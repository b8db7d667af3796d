"""What the user of a handler chose."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kinpack._handlers._letters import Poison
from kinpack._kinpack import Decompressor, EngineSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinpack._handlers._outcome import Outcome
    from kinpack._handlers._stores import Store

_REPORT = (
    'report says how Lambda is told of failures, and has no default: "batch_item_failures" for an '
    "event source mapping whose FunctionResponseTypes has ReportBatchItemFailures (without it "
    "Lambda ignores the response, and FAILED RECORDS ARE LOST), "
    '"fail_invocation" for one that has not'
)


class Settings:
    """The settings of a handler."""

    def __init__(
        self,
        *,
        report: str | None,
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
    ) -> None:
        if report not in ("batch_item_failures", "fail_invocation"):
            raise TypeError(_REPORT if report is None else f"{_REPORT}; not {report!r}")
        if poison is not None and not isinstance(poison, Poison):
            raise TypeError(f"poison is a kinpack.Poison, not {type(poison).__name__}")
        if isinstance(concurrency, bool) or not isinstance(concurrency, int):
            raise TypeError(f"concurrency is a number, not {concurrency!r}")
        if concurrency < 1:
            raise ValueError(f"concurrency is at least 1, not {concurrency}")
        if progress is not None and (
            isinstance(progress, type) or not hasattr(progress, "durable")
        ):
            raise TypeError(
                "progress is a kinpack.InMemoryProgress() or a kinpack.DynamoProgress(table, "
                f"client=…), not {progress!r}"
            )
        for what, text in [("name", name), ("metrics", metrics)]:
            if text is not None and not isinstance(text, str):
                raise TypeError(f"{what} is a text, not {text!r}")
        if on_outcome is not None and not callable(on_outcome):
            raise TypeError(f"on_outcome is a function of an Outcome, not {on_outcome!r}")
        durable = progress is not None and progress.durable
        if not durable:
            needs = {
                "poison.after": poison is not None and poison.after is not None,
                "checkpoint_every": checkpoint_every is not None,
                "progress_limit": progress_limit is not None,
                "progress_kept": progress_kept is not None,
            }
            for what in (what for what, given in needs.items() if given):
                raise TypeError(f"{what} needs a durable store: progress=kinpack.DynamoProgress(…)")
        records, time = _checkpoint(checkpoint_every)
        margin = _nanos("deadline_margin", deadline_margin)
        self.report = report
        self.concurrency = concurrency
        self.progress = progress
        self.poison = poison
        self.margin = margin
        self.pass_through = broken_aggregates == "pass_through"
        self.decompress = decompress
        self.name = name
        self.metrics = metrics
        self.on_outcome = on_outcome
        self.engine = EngineSettings(
            report=report,
            concurrency=concurrency,
            margin=margin,
            memory=None if progress is None else "durable" if durable else "memory",
            poison_after=poison.after if poison else None,
            policy=poison.policy if poison else None,
            broken=broken_aggregates,
            checkpoint_records=records,
            checkpoint_time=time,
            progress_limit=progress_limit,
            progress_kept=None if progress_kept is None else _nanos("progress_kept", progress_kept),
        )


# In seconds: a century.
_LONGEST = 3_155_760_000

_lock = threading.Lock()
_said: set[str] = set()


def first(what: str) -> bool:
    """Whether this is to be said for the first time in this environment."""
    with _lock:
        is_first = what not in _said
        _said.add(what)
    return is_first


def _checkpoint(every: int | timedelta | None) -> tuple[int | None, int | None]:
    if every is None:
        return None, None
    if isinstance(every, timedelta):
        return None, _nanos("checkpoint_every", every.total_seconds())
    if isinstance(every, bool) or not isinstance(every, int):
        raise TypeError(
            f"checkpoint_every is a number of records or a timedelta, not {type(every).__name__}"
        )
    if every < 1:
        raise ValueError(f"checkpoint_every is at least 1, not {every}")
    return every, None


def _nanos(what: str, seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} is a number of seconds, not {seconds!r}")
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"{what} is a number of seconds from 0 on, not {seconds}")
    return int(seconds * 1_000_000_000)
