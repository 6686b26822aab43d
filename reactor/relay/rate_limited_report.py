"""A log that nobody outside can flood: what clients cause is passed on at a bounded rate.

A thousand connections a second would otherwise be a thousand lines a second, and hide the
one that matters.
"""

from collections.abc import Callable
from typing import Final

from reactor import EventLoop, Timer

from .events import EventsLeftOut, IngestDrops, IngestFailed, ReceiveBufferCut, ServerEvent
from .token_bucket import TokenBucket

__all__ = ["RateLimitedReport"]

# What the relay says of itself: rare, vital, and at no client's command.
_ALWAYS_TOLD: Final = (IngestDrops, IngestFailed, ReceiveBufferCut)
_SUMMARY_INTERVAL: Final = 1.0


class RateLimitedReport:
    """Stands between a RelayServer and what writes its log: `report=RateLimitedReport(...)`.

    Of what clients cause, `report` is called with `burst` events at once and `rate` a
    second in the long run. What was left out is counted, and told as one EventsLeftOut
    within a second of the loop, or by `flush`. Events about the ingest are always passed on.
    """

    def __init__(
        self,
        loop: EventLoop,
        report: Callable[[ServerEvent | EventsLeftOut], object],
        *,
        burst: int = 100,
        rate: float = 10.0,
    ) -> None:
        self._loop = loop
        self._report = report
        self._bucket = TokenBucket(burst, rate)
        self._left_out = 0
        self._summary: Timer | None = None

    def __call__(self, event: ServerEvent) -> None:
        """Pass `event` on, or count it."""
        if isinstance(event, _ALWAYS_TOLD) or self._bucket.take(self._loop.time()):
            self._report(event)
            return
        self._left_out += 1
        if self._summary is None:
            try:
                self._summary = self._loop.call_later(_SUMMARY_INTERVAL, self._summarize)
            except RuntimeError:
                pass  # the loop is closed, and its last clients leave: flush() tells

    def flush(self) -> None:
        """Tell now of what was left out: once the loop is closed, nothing else does."""
        if self._summary is not None:
            self._summary.cancel()
            self._summary = None
        count = self._left_out
        if count:
            self._report(EventsLeftOut(count))
            self._left_out -= count  # what could not be told is told with the next

    def _summarize(self) -> None:
        try:
            self.flush()
        except Exception as exc:
            self._loop.call_exception_handler("the relay's report raised", exc)
