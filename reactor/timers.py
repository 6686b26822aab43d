"""Timers as pure data: a heap ordered by due time that is told the time and never asks.

The loop owns the clock; this file owns the order, the cancelling and the repeating.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

__all__ = ["Timer", "TimerQueue"]

Callback = Callable[..., object]

# Cancelled timers stay in the heap until they outnumber the live ones by this much.
_SLACK: Final = 64


@dataclass(eq=False, slots=True)
class Timer:
    """A call that is due at a time; returned by `EventLoop.call_later` and its sisters."""

    _queue: "TimerQueue | None" = field(repr=False)
    when: float
    """Due time, in seconds of the loop's clock."""
    callback: Callback | None
    args: tuple[Any, ...]
    interval: float | None
    """Seconds between two calls, or None for a single call."""

    @property
    def active(self) -> bool:
        """Whether a call is still to come."""
        return self._queue is not None

    def cancel(self) -> None:
        """Make sure that no further call happens. Cancelling twice is harmless."""
        if self._queue is not None:
            self._queue.forget(self)


class TimerQueue:
    """All timers of a loop, the earliest first; equal times in the order of arming.

    >>> queue = TimerQueue()
    >>> late = queue.add(2.0, print, ("late",))
    >>> early = queue.add(1.0, print, ("early",))
    >>> queue.next_when()
    1.0
    >>> early.cancel()
    >>> queue.expire(now=2.5)
    >>> callback, args, when = queue.pop_expired(now=2.5)
    >>> callback(*args), when
    late
    (None, 2.0)
    >>> queue.pop_expired(now=2.5) is None and queue.live == 0
    True
    """

    def __init__(self) -> None:
        self.live = 0
        """How many timers are active."""
        self._heap: list[tuple[float, int, Timer]] = []
        self._expired: deque[Timer] = deque()
        self._sequence = 0

    @property
    def heap_size(self) -> int:
        """Entries held, cancelled ones included: at most twice the live ones, plus 64."""
        return len(self._heap) + len(self._expired)

    def add(
        self,
        when: float,
        callback: Callback,
        args: tuple[Any, ...] = (),
        interval: float | None = None,
    ) -> Timer:
        """Add a timer due at `when`, then every `interval` seconds if that is given.

        Raises ValueError for a time that is not finite or an interval not above 0.
        """
        if not isfinite(when):
            raise ValueError(f"a timer needs a finite time, not {when!r}")
        if interval is not None and not (interval > 0 and isfinite(interval)):
            raise ValueError(f"an interval must be positive and finite, not {interval!r}")
        timer = Timer(self, when, callback, args, interval)
        self.live += 1
        self._push(timer)
        return timer

    def next_when(self) -> float | None:
        """When the earliest active timer is due; None if there is none."""
        while self._expired and not self._expired[0].active:
            self._expired.popleft()
        if self._expired:
            return self._expired[0].when
        heap = self._heap
        while heap and not heap[0][2].active:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def expire(self, now: float) -> None:
        """Set aside all that is due at `now`.

        Timers added from now on wait for the next call, whatever their time: a timer
        that re-arms itself with 0 can't keep the loop from its sockets.
        """
        while self._heap and self._heap[0][0] <= now:
            self._expired.append(heapq.heappop(self._heap)[2])

    def pop_expired(self, now: float) -> tuple[Callback, tuple[Any, ...], float] | None:
        """The next call of those set aside, and when it was due; None when there are no more.

        A repeating timer has then already been put back for its next time after `now`;
        the times that were missed meanwhile are skipped, and the rhythm is kept.
        """
        while self._expired:
            timer = self._expired.popleft()
            callback = timer.callback
            if callback is None:
                continue
            call = callback, timer.args, timer.when
            if timer.interval is None:
                self.forget(timer)
            else:
                timer.when = _next_time(timer.when, timer.interval, now)
                self._push(timer)
            return call
        return None

    def forget(self, timer: Timer) -> None:
        """Let go of an active timer, and of those that are not, once they are too many."""
        # Whoever keeps a finished timer must not keep its callback alive.
        timer._queue = timer.callback = None
        timer.args = ()
        self.live -= 1
        if self.heap_size > 2 * self.live + _SLACK:
            self._heap = [entry for entry in self._heap if entry[2].active]
            heapq.heapify(self._heap)
            self._expired = deque(timer for timer in self._expired if timer.active)

    def clear(self) -> None:
        """Cancel all."""
        for timer in [*self._expired, *(entry[2] for entry in self._heap)]:
            timer.cancel()
        self._heap.clear()
        self._expired.clear()

    def _push(self, timer: Timer) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (timer.when, self._sequence, timer))


def _next_time(when: float, interval: float, now: float) -> float:
    following = now + interval - (now - when) % interval
    # Rounding may have left us at `now` itself.
    return following if following > now else now + interval
