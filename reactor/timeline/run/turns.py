"""What a run is made of: lanes, turns, and slots, in which this or that was done.

A lane is a descriptor's life. A turn is one iteration of the loop: a wait, then those who
were served, each in a slot of its own. All of it is plain data; run.py makes it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from .events import Event, Io, Queue

__all__ = ["AT_ONCE", "NOT_NOW", "TIMERS", "Lane", "Run", "Slot", "Stage", "Turn", "Wait"]

TIMERS: Final = 0
"""The lane of timers and calls, which have no descriptor."""

AT_ONCE: Final = 0.0005
"""Seconds. A wait for what is ready already takes no longer, on a busy machine too."""

NOT_NOW: Final = frozenset(
    ["EAGAIN", "EWOULDBLOCK", "EINTR", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]
)
"""Errors by which the system says that it has nothing, or no room: all is as it was."""


class Stage(Enum):
    """What a column stands for."""

    BEFORE = "before"  # the program makes its sockets
    TURN = "turn"
    AFTER = "after"  # a loop is over


@dataclass(slots=True)
class Lane:
    """A descriptor's life.

    It is there in every turn from number `born` to number `died`, both included.
    """

    serial: int
    fd: int
    kind: str
    """listener, stream, datagram, wakeup or other."""
    local: str = ""
    peer: str = ""
    label: str = ""
    by: int = 0
    """The listener that accepted it; 0 if it was made by the program."""
    born: int = 0
    """The turn in which it was opened."""
    died: int | None = None
    """The turn in which it was closed, None if it never was."""
    how: str = ""
    """closed, detached or collected."""


@dataclass(slots=True)
class Slot:
    """One callback; or, in a loop written by hand, what was done with one descriptor in a row.

    A callback within a callback, and a loop that one runs, are events of the outer one.
    """

    serial: int
    """The lane. A call or a flush without a descriptor belongs to the only one that it used; a
    timer, and what used several or none, to TIMERS."""
    began: float
    ended: float
    name: str = ""
    kind: str = ""
    """ready, call, timer, flush, or "" if there was no callback."""
    late: float = 0.0
    raised: str = ""
    finished: bool = True
    """False if the record does not tell of its end."""
    events: list[Event] = field(default_factory=list)
    place: int = 1
    """Whose turn it was, of all who were served in its turn: the first one's is 1."""

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Wait:
    """How long somebody waited for a turn; at most so long unless it is `exact`."""

    seconds: float
    exact: bool
    behind: int = TIMERS
    """The lane that took the longest meanwhile."""
    callback: str = ""
    """Its callback, if that had no lane of its own."""


@dataclass(slots=True)
class Turn:
    """One column of the picture."""

    number: int
    """Greater than that of the turn before. BEFORE has 0, AFTER the number of the last turn."""
    stage: Stage
    began: float
    woke: float
    ended: float
    timeout: float | None = None
    timers: int = 0
    calls: int = 0
    ready: tuple[tuple[int, str], ...] = ()
    selected: bool = False
    """Whether a selector said who is ready."""
    slots: list[Slot] = field(default_factory=list)
    """In the order of time; none begins before another has ended."""
    elsewhere: list[Event] = field(default_factory=list)
    """What other threads did meanwhile."""
    watched: dict[int, str] = field(default_factory=dict)
    """What the loop waited for, by lane: "r", "w" or "rw". Shared by turns: not to be changed."""
    queues: dict[int, int] = field(default_factory=dict)
    """Bytes that wait for room at the end of this turn, by lane; none where there are none."""
    kept: dict[int, bytes] = field(default_factory=dict)
    """What came without a line end and had to be kept, by lane; only in turns that brought some."""
    waited: dict[int, Wait] = field(default_factory=dict)
    """Who could have been served earlier."""
    last: int = 0
    """Of turns that are folded into this one, the last one's number; else its own."""
    slept: float = 0.0
    """Seconds, of all turns that are folded into this one; 0 if each of them woke at once."""
    missed: float = 0.0
    """Seconds at most for which the system ran others meanwhile, if the turn was long."""
    only: Collection[int] | None = None
    """If lanes were taken out, those of which it tells what was done with them; None for all."""

    @property
    def times(self) -> int:
        """How many turns this stands for."""
        return self.last - self.number + 1

    @property
    def busy(self) -> float:
        """Seconds not slept."""
        return max(0.0, self.ended - self.began - self.slept)

    @property
    def events(self) -> Iterator[Event]:
        """All that the loop's thread did, in order."""
        return (event for slot in self.slots for event in slot.events)

    @property
    def has_no_selector(self) -> bool:
        """Whether it is a round of a program that asks its sockets itself."""
        return self.timeout == 0 and not self.selected

    @property
    def did_nothing(self) -> bool:
        """Whether nobody outside could see anything of this turn."""
        return not any(slot.raised or any(map(_is_something, slot.events)) for slot in self.slots)


@dataclass(slots=True)
class Run:
    """All of it. Each serial number that is mentioned anywhere, but TIMERS, has its lane."""

    program: tuple[str, ...] = ()
    python: str = ""
    lanes: dict[int, Lane] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    only: frozenset[int] | None = None
    """Of a part of a run, the lanes that are looked at; None for all."""
    whole: "Run | None" = None
    """Of a part of a run, the run: what can't be judged by a part, such as what never came."""
    unreadable: int = 0
    """Lines that could not be read, or are not known here."""
    is_whole: bool = False
    """Whether the record has its last line."""
    turns_left_out: int = 0
    events_left_out: int = 0


def _is_something(event: Event) -> bool:
    if not isinstance(event, Io):
        return not isinstance(event, Queue)
    if event.error:
        return event.error not in NOT_NOW
    # Bytes that were only looked at are there as before.
    return event.op != "peek" and (
        bool(event.size) or event.op in ("accept", "connect", "shutdown")
    )
