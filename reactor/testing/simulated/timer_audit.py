"""The timers of a simulated loop: none runs before it is due, and none is forgotten."""

import functools
from collections.abc import Callable
from typing import Final, TypeAlias

from ...timers import Timer
from .kernel import Kernel

__all__ = ["TimerAudit"]

Callback: TypeAlias = Callable[..., object]

# Relative: a repeated timer's next time is a sum of many.
_ROUNDING: Final = 1e-9


class TimerAudit:
    """Knows when each timer is due, and when the loop last woke."""

    def __init__(self, kernel: Kernel, complain: Callable[[str], None]) -> None:
        self._kernel = kernel
        self._complain = complain
        self._armed: list[tuple[Timer, int]] = []  # with the turn in which that was done
        self._turn = 0
        self.woke = 0.0
        """When the last wait was over: who was due by then has its turn before the next."""

    @property
    def now(self) -> float:
        """The simulated time; to look at it takes none."""
        return self._kernel.now

    def timely(self, due: float, callback: Callback, interval: float = 0.0) -> Callback:
        """`callback`, with an eye on when it is called."""

        @functools.wraps(callback)
        def call(*args: object) -> None:
            nonlocal due
            if self.now < due - _ROUNDING * max(1.0, due):
                self._complain(f"a timer that is due at {due} ran at {self.now}")
            due += interval
            callback(*args)

        return call

    def expect(self, timer: Timer) -> Timer:
        """A timer was armed."""
        self._armed.append((timer, self._turn))
        return timer

    def wake(self) -> None:
        """A wait is over."""
        self._turn += 1
        self.woke = self.now

    def check(self) -> None:
        """The loop goes to wait."""
        self._armed = [entry for entry in self._armed if entry[0].active]
        for timer, armed in self._armed:
            if armed < self._turn and timer.when <= self.woke:
                self._complain(f"a timer that was due at {timer.when} has not run at {self.now}")
