"""What tests of handlers need: events as Lambda sends them, its context, its retries, and faults.

Nothing of it is imported by `import kinpack`, and nothing here speaks to AWS.
"""

from kinpack.testing._context import Clock, Context
from kinpack.testing._delivery import Attempt, Delivery, bisect, deliver, retry
from kinpack.testing._events import event
from kinpack.testing._faults import Cut, broken, cut_at, fail_at, failing

__all__ = [
    "Attempt",
    "Clock",
    "Context",
    "Cut",
    "Delivery",
    "bisect",
    "broken",
    "cut_at",
    "deliver",
    "event",
    "fail_at",
    "failing",
    "retry",
]
