"""What a loop promises of timers and deferred calls, as a sorted list and a queue.

It knows no loop: it is told the time, and says who has to be called next.
"""

from collections import deque
from dataclasses import dataclass

__all__ = ["TimerModel"]


@dataclass(order=True)
class Entry:
    """A timer that is alive: when it is due, in which turn it was armed, whose it is."""

    when: float
    turn: int
    name: int
    interval: float | None = None


class TimerModel:
    """Timers and calls by the names that the test gave them."""

    def __init__(self) -> None:
        self._turn = 0
        self._waiting: list[Entry] = []
        self._due: deque[Entry] = deque()
        self._calls: deque[int] = deque()
        self._calls_due = 0

    @property
    def timers(self) -> int:
        """How many timers are alive."""
        return len(self._waiting) + len(self._due)

    @property
    def calls(self) -> int:
        """How many deferred calls are queued."""
        return len(self._calls)

    def is_alive(self, name: int) -> bool:
        """Whether a call of this timer is still to come."""
        return any(entry.name == name for entry in [*self._waiting, *self._due])

    def next_when(self) -> float | None:
        """When the loop has to be awake."""
        entry = min([*self._due, *self._waiting], default=None)
        return None if entry is None else entry.when

    # -- what the program does -------------------------------------------------------

    def arm(self, name: int, when: float, interval: float | None = None) -> None:
        """A timer, for one call or for many."""
        self._turn += 1
        self._waiting.append(Entry(when, self._turn, name, interval))

    def cancel(self, name: int) -> None:
        """No further call happens, not even in this iteration."""
        self._waiting = [entry for entry in self._waiting if entry.name != name]
        self._due = deque(entry for entry in self._due if entry.name != name)

    def call_soon(self, name: int) -> None:
        """A deferred call."""
        self._calls.append(name)

    # -- what the loop does ----------------------------------------------------------

    def wake(self, now: float) -> None:
        """The wait is over: what is due has its turn once the sockets had theirs."""
        self._due += sorted(entry for entry in self._waiting if entry.when <= now)
        self._waiting = [entry for entry in self._waiting if entry.when > now]

    def dispatched(self) -> None:
        """The sockets had their turn."""
        self._calls_due = len(self._calls)

    def next(self) -> int | None:
        """Who has to be called now; None at the end of the iteration."""
        if self._calls_due:
            return self._calls[0]
        return self._due[0].name if self._due else None

    def called(self, again: float | None) -> None:
        """It was called; a repeating timer is due `again`."""
        if self._calls_due:
            self._calls.popleft()
            self._calls_due -= 1
            return
        entry = self._due.popleft()
        if entry.interval is not None and again is not None:
            self.arm(entry.name, again, entry.interval)
