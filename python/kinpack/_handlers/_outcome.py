"""What happened in an invocation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Outcome:
    """What happened in an invocation, in user records where nothing else is said.

    >>> outcomes = []
    >>> @kinpack.handler(report="batch_item_failures", on_outcome=outcomes.append)
    ... def lambda_handler(record):
    ...     record.json()
    >>> event = testing.event([("ada", "1"), ("bob", "no JSON")])
    >>> answer = lambda_handler(event, testing.Context())
    >>> outcomes[0].handled, outcomes[0].failed, outcomes[0].stopped_by
    (1, 1, 'failure')
    """

    #: Handled with success.
    handled: int
    #: Finished by an earlier invocation, so not handled again.
    skipped: int
    #: Written to the dead letter.
    dead: int
    #: Failed for this time.
    failed: int
    #: Not finished for any reason: failed, given up, never begun.
    not_finished: int
    #: What came first of what kept it from finishing, ``failure``, ``deadline`` or ``driver`` (a
    #: loop that was left); ``None`` when all is finished.
    stopped_by: str | None
    #: The sequence number of the lowest Kinesis record that is not finished.
    checkpoint: str | None
    #: The progress at the end could not be written: finished records above the checkpoint will be
    #: handled again.
    progress_lost: bool
    #: Counters, for a metrics system.
    metrics: Mapping[str, int]
