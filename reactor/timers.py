"""Timers as pure data: a heap ordered by due time that is told the time and never asks.

The loop owns the clock; this file owns the order, the cancelling and the repeating.
"""

import heapq
from collections import deque
from collections.abc import Callable
from math import isfinite
from typing import Any, Final

__all__ = ["Timer", "TimerQueue"]

Callback = Callable[..., object]

# Cancelled timers stay in the heap until they outnumber the live ones by this much.
_SLACK: Final = 64


class Timer:
    """A call that is due at a time; returned by `EventLoop.call_later` and its sisters."""

    __slots__ = ("_queue", "args", "callback", "interval", "when")

    def __init__(
        self,
        queue: "TimerQueue",
        when: float,
        callback: Callback,
        args: tuple[Any, ...],
        interval: float | None,
    ) -> None:
        self._queue: TimerQueue | None = queue
        self.when = when
        """Due time, in seconds of the loop's clock."""
        self.callback: Callback | None = callback
        self.args = args
        self.interval = interval
        """Seconds between two calls, or None for a single call."""

    @property
    def active(self) -> bool:
        """Whether a call is still to come."""
        return self._queue is not None

    def cancel(self) -> None:
        """Make sure that no further call happens. Cancelling twice is harmless."""
        queue = self._queue
        if queue is not None:
            self._finish()
            queue._forget_one()

    def _finish(self) -> None:
        # A finished timer that somebody keeps must not keep its callback alive.
        self._queue = None
        self.callback = None
        self.args = ()


class TimerQueue:
    """All timers of a loop, the earliest first; equal times in the order of arming.

    >>> queue = TimerQueue()
    >>> late = queue.add(2.0, print, ("late",))
    >>> early = queue.add(1.0, print, ("early",))
    >>> queue.next_when()
    1.0
    >>> early.cancel()
    >>> queue.expire(now=2.5)
    >>> callback, args = queue.pop_expired(now=2.5)
    >>> callback(*args)
    late
    >>> queue.pop_expired(now=2.5) is None and len(queue) == 0
    True
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._expired: deque[Timer] = deque()
        self._sequence = 0
        self._live = 0

    def __len__(self) -> int:
        """How many timers are active."""
        return self._live

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
        self._live += 1
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
        heap = self._heap
        while heap and heap[0][0] <= now:
            timer = heapq.heappop(heap)[2]
            if timer.active:
                self._expired.append(timer)

    def pop_expired(self, now: float) -> tuple[Callback, tuple[Any, ...]] | None:
        """The next call of those set aside, in order; None when there are no more.

        A repeating timer has then already been put back for its next time after `now`;
        the times that were missed meanwhile are skipped, and the rhythm is kept.
        """
        while self._expired:
            timer = self._expired.popleft()
            if timer.callback is None:
                continue
            call = timer.callback, timer.args
            if timer.interval is None:
                timer._finish()
                self._forget_one()
            else:
                timer.when = _next_time(timer.when, timer.interval, now)
                self._push(timer)
            return call
        return None

    def clear(self) -> None:
        """Cancel all."""
        for timer in [*self._expired, *(entry[2] for entry in self._heap)]:
            timer._finish()
        self._heap.clear()
        self._expired.clear()
        self._live = 0

    def _push(self, timer: Timer) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (timer.when, self._sequence, timer))

    def _forget_one(self) -> None:
        self._live -= 1
        if self.heap_size > 2 * self._live + _SLACK:
            self._heap = [entry for entry in self._heap if entry[2].active]
            heapq.heapify(self._heap)
            self._expired = deque(timer for timer in self._expired if timer.active)


def _next_time(when: float, interval: float, now: float) -> float:
    following = now + interval - (now - when) % interval
    # Rounding may have left us at `now` itself.
    return following if following > now else now + interval
