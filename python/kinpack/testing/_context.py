"""The context of an invocation."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from types import SimpleNamespace

from kinpack._handlers._core import Clock as _HandlersClock

_requests = itertools.count(1)


class _ContextClock(_HandlersClock):
    """What kinpack's handlers look at: the context's clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock, self._start = clock, clock()

    def elapsed(self) -> int:
        return int((self._clock() - self._start) * 1_000_000_000)


class Clock:
    """A clock that stands still until the test moves it on.

    >>> clock = testing.Clock()
    >>> context = testing.Context(timeout=3, clock=clock)
    >>> context.get_remaining_time_in_millis()
    3000
    >>> clock.advance(2.5)
    >>> context.get_remaining_time_in_millis()
    500
    """

    def __init__(self, now: float = 0.0) -> None:
        #: Seconds, from wherever the test begins to count.
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets so many seconds pass."""
        self.now += seconds


class Context:
    """What Lambda hands to a handler beside the event.

    The time that remains begins to run when this is made: `timeout` seconds on `clock`, any
    function of the seconds now. kinpack's handlers go by that clock, too.

    >>> context = testing.Context(timeout=60, function_name="ingest")
    >>> context.function_name, context.get_remaining_time_in_millis() > 59_000
    ('ingest', True)
    >>> testing.Context(timeout=0).get_remaining_time_in_millis()
    0
    """

    def __init__(
        self,
        timeout: float = 30.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        function_name: str = "function",
        function_version: str = "$LATEST",
        memory_limit_in_mb: int = 128,
        aws_request_id: str | None = None,
        region: str = "us-east-2",
        account: str = "123456789012",
    ) -> None:
        self.function_name = function_name
        self.function_version = function_version
        #: A text, as Lambda has it.
        self.memory_limit_in_mb = str(memory_limit_in_mb)
        #: Another one for each context.
        self.aws_request_id = aws_request_id or f"00000000-0000-4000-8000-{next(_requests):012}"
        self.invoked_function_arn = f"arn:aws:lambda:{region}:{account}:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = f"2026/01/01/[{function_version}]00000000000000000000000000000001"
        self.client_context = None
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.tenant_id = None
        self._clock = clock
        self._deadline = clock() + timeout
        self._kinpack_clock = _ContextClock(clock)

    def get_remaining_time_in_millis(self) -> int:
        """What is left until Lambda stops the invocation, never below 0."""
        return max(0, round((self._deadline - self._clock()) * 1000))

    def __repr__(self) -> str:
        left = self.get_remaining_time_in_millis()
        return f"<kinpack.testing.Context {self.aws_request_id}: {left} ms left>"
