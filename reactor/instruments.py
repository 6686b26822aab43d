"""Windows into a running loop: hooks around select and callbacks, and a user of them.

A loop without an instrument pays one comparison for each hook. Nothing here knows
sockets; descriptors are only numbers that are written down.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

from .steps import do_all

__all__ = ["Instrument", "InstrumentGroup", "SlowCallback", "SlowCallbackMonitor"]

Callback = Callable[..., object]
_logger = logging.getLogger("reactor")


class Instrument:
    """Base class of all instruments: every hook is there and does nothing.

    Hooks are called on the loop's thread. One that raises stops `run()`, as any plain
    callback does.
    """

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        """The loop goes to wait for `timeout` seconds (None: for ever).

        `timers` are active then, and `calls` deferred calls are queued.
        """

    def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
        """The wait is over; `ready` holds a pair of descriptor and events for each watcher."""

    def timer_due(self, late: float) -> None:
        """The callback that begins now is a timer's, which was due `late` seconds ago."""

    def flushes_started(self, count: int) -> None:
        """What was to be served has been: the last `count` callbacks before the wait follow."""

    def callback_started(self, callback: Callback, fd: int | None) -> None:
        """A callback begins; `fd` is its descriptor, or None for timers, calls and flushes."""

    def callback_ended(self, callback: Callback, fd: int | None) -> None:
        """The callback that started last has returned or raised."""

    def bytes_queued(self, fd: int, size: int) -> None:
        """A stream could not send everything: `size` bytes wait for the peer.

        0 once the last of them has been sent.
        """

    def datagrams_dropped(self, fd: int, count: int, reason: str) -> None:
        """`count` datagrams were just not sent; `reason` is the name of the errno.

        Called in the next iteration, when the batch that they belong to is through.
        """

    def exception_reported(self, exception: Exception) -> None:
        """An error that has no other home goes to the loop's exception handler now."""

    def labelled(self, fd: int, name: str) -> None:
        """The program calls a descriptor by `name`, as long as it is open."""


def _to_each(hook: str) -> Any:
    @wraps(getattr(Instrument, hook))
    def tell(self: "InstrumentGroup", *args: object) -> None:
        do_all([partial(getattr(each, hook), *args) for each in self.instruments])

    return tell


class InstrumentGroup(Instrument):
    """Several instruments in place of one, called in the order given.

    Each hears of everything, whatever another raises; what was raised first comes out then.
    """

    def __init__(self, *instruments: Instrument) -> None:
        self.instruments = instruments

    select_started = _to_each("select_started")
    select_ended = _to_each("select_ended")
    timer_due = _to_each("timer_due")
    flushes_started = _to_each("flushes_started")
    callback_started = _to_each("callback_started")
    callback_ended = _to_each("callback_ended")
    bytes_queued = _to_each("bytes_queued")
    datagrams_dropped = _to_each("datagrams_dropped")
    exception_reported = _to_each("exception_reported")
    labelled = _to_each("labelled")


@dataclass(frozen=True, slots=True)
class SlowCallback:
    """A callback that kept the loop from everything else."""

    callback: str
    seconds: float
    fd: int | None

    def __str__(self) -> str:
        return f"{self.callback} blocked the loop for {self.seconds * 1000:.0f} ms"


def _log_slow_callback(slow: SlowCallback) -> None:
    _logger.warning("%s", slow)


@dataclass(eq=False)
class SlowCallbackMonitor(Instrument):
    """Reports each callback that ran for at least `threshold` seconds.

    `report` is called with a SlowCallback; without it a warning is logged.
    """

    threshold: float = 0.1
    report: Callable[[SlowCallback], object] = _log_slow_callback
    clock: Callable[[], float] = field(default=time.perf_counter, kw_only=True)
    _started: float = field(default=0.0, init=False)

    def callback_started(self, callback: Callback, fd: int | None) -> None:
        self._started = self.clock()

    def callback_ended(self, callback: Callback, fd: int | None) -> None:
        seconds = self.clock() - self._started
        if seconds >= self.threshold:
            self.report(SlowCallback(_describe(callback), seconds, fd))


def _describe(callback: Callback) -> str:
    """The name of a callback, with the object that it belongs to, on one line."""
    name = getattr(callback, "__qualname__", None) or repr(callback)
    owner = getattr(callback, "__self__", None)
    return name if owner is None else f"{name} of {owner!r}"
