"""A finding: what a run shows, and a good program does not do.

Its id never changes: a course, a test and somebody's CI may rely on it.
"""

from dataclasses import dataclass
from enum import Enum

from ..run.run import TIMERS

__all__ = ["Finding", "Id"]


class Id(Enum):
    """What is wrong."""

    SPIN_END_OF_STREAM = "spin-end-of-stream"
    """The end of a stream is read again and again."""
    SPIN_WRITE_INTEREST = "spin-write-interest"
    """A socket with room is waited for, and there is nothing to write."""
    SPIN_UNSERVED = "spin-unserved"
    """Somebody is ready, and nobody serves him."""
    SPIN_ACCEPT = "spin-accept"
    """No descriptor is left for the connection that waits, and the loop asks again at once."""
    BUSY_POLL = "busy-poll"
    """The program asks instead of waiting."""
    SLOW_CALLBACK = "slow-callback"
    """One callback keeps all others."""
    BLOCKING_CALL = "blocking-call"
    """A call that waits, in the loop's turn."""
    LATE_TIMER = "late-timer"
    """A timer is late because of what ran before it."""
    DESCRIPTOR_LEAK = "descriptor-leak"
    """The peer has gone, or the program has forgotten the socket, and nobody closed it."""
    SHORT_WRITE = "short-write"
    """The system took a part of what was to be sent, and the rest never came."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, however often it shows. What an id has no use for is 0 or empty."""

    id: Id
    turn: int
    """The number of a turn of the run: the first in which it shows, or the worst."""
    last: int
    """The last turn in which it shows."""
    serial: int = TIMERS
    """The lane; TIMERS if there is none."""
    others: int = 0
    """How many more lanes the same happened to."""
    times: int = 1
    """Turns of a spin, ends read, calls, timers, sockets or writes."""
    seconds: float = 0.0
    """A spin's as a whole, the worst one of others; since when nobody closed the socket."""
    size: int = 0
    """Bytes that never came."""
    name: str = ""
    """The callback or timer; of a poll the operation; collected, if Python closed a socket."""
    cause: str = ""
    """The function that blocked; the callback that a timer had to wait for."""

    @property
    def per_second(self) -> float:
        """How often a second it shows; 0 if no time went by, as on a simulated clock."""
        return self.times / self.seconds if self.seconds else 0.0
