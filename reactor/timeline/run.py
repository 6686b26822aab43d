"""A recorded run as pure data: lanes, turns, and what was done in each of them in which order.

A lane is a descriptor's life. A turn is one iteration of the loop: a wait, then those who
were served, each in a slot of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import singledispatchmethod
from typing import Final

from .events import (
    Again,
    Callback,
    Close,
    End,
    Event,
    Io,
    Label,
    Leave,
    Named,
    Open,
    Queue,
    Ready,
    Returned,
    Select,
    Start,
    Watch,
    parse,
)

__all__ = ["TIMERS", "Lane", "Run", "Slot", "Stage", "Turn", "Wait", "read"]

TIMERS: Final = 0
"""The lane of timers and calls, which have no descriptor."""


class Stage(Enum):
    """What a column stands for."""

    BEFORE = "before"  # the program makes its sockets
    TURN = "turn"
    AFTER = "after"  # a loop is over


@dataclass(slots=True)
class Lane:
    """A descriptor's life."""

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
    """One callback; or, in a loop written by hand, what was done with one descriptor in a row."""

    serial: int
    """The lane; TIMERS if it has no descriptor."""
    began: float
    ended: float
    name: str = ""
    kind: str = ""
    """ready, call, timer, flush, or "" if there was no callback."""
    late: float = 0.0
    raised: str = ""
    finished: bool = True
    """False if the record ends in the midst of it."""
    events: list[Event] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Wait:
    """How long somebody waited for a turn; at most so long unless it is `exact`."""

    seconds: float
    exact: bool


@dataclass(slots=True)
class Turn:
    """One column of the picture."""

    number: int
    stage: Stage
    began: float
    woke: float
    ended: float
    timeout: float | None = None
    timers: int = 0
    calls: int = 0
    ready: tuple[tuple[int, str], ...] = ()
    slots: list[Slot] = field(default_factory=list)
    elsewhere: list[Event] = field(default_factory=list)
    """What other threads did meanwhile."""
    watched: dict[int, str] = field(default_factory=dict)
    """What the loop waited for, by lane: "r", "w" or "rw"."""
    queues: dict[int, int] = field(default_factory=dict)
    """Bytes that wait for room at the end of this turn, by lane; none where there are none."""
    kept: dict[int, bytes] = field(default_factory=dict)
    """What came without a line end and had to be kept, by lane; only in turns that brought some."""
    waited: dict[int, Wait] = field(default_factory=dict)
    """Who could have been served earlier."""
    last: int = 0
    """Of turns that are folded into this one, the last one's number; else its own."""
    slept: float = 0.0
    """Seconds, of all turns that are folded into this one."""

    @property
    def times(self) -> int:
        """How many turns this stands for."""
        return self.last - self.number + 1

    @property
    def busy(self) -> float:
        """Seconds not slept."""
        return self.ended - self.began - self.slept

    @property
    def events(self) -> Iterator[Event]:
        """All that the loop's thread did, in order."""
        return (event for slot in self.slots for event in slot.events)

    @property
    def did_nothing(self) -> bool:
        """Whether nobody outside could see anything of this turn."""
        return not any(map(_is_something, self.events))


@dataclass(slots=True)
class Run:
    """All of it."""

    program: tuple[str, ...] = ()
    python: str = ""
    lanes: dict[int, Lane] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    unreadable: int = 0
    """Lines that could not be read, or are not known here."""
    is_whole: bool = False
    """Whether the record has its last line."""
    turns_left_out: int = 0
    events_left_out: int = 0


def read(lines: Iterable[str | bytes]) -> Run:
    """The run that a record tells of, one JSON object a line."""
    builder = _Builder()
    for line in lines:
        event = parse(line)
        if event is None:
            builder.run.unreadable += bool(line.strip())
        else:
            builder.add(event)
    return builder.finish()


def _is_something(event: Event) -> bool:
    if not isinstance(event, Io):
        return not isinstance(event, Queue)
    if event.error:
        return event.error not in ("EAGAIN", "EWOULDBLOCK", "EINTR")
    return bool(event.size) or event.op in ("accept", "connect", "shutdown")


class _Builder:
    def __init__(self) -> None:
        self.run = Run()
        self._turn = Turn(0, Stage.BEFORE, 0.0, 0.0, 0.0)
        self._watched: dict[int, str] = {}
        self._queues: dict[int, int] = {}
        self._callback: Slot | None = None
        self._loose: Slot | None = None
        self._now = 0.0

    def add(self, event: Event) -> None:
        self._now = max(self._now, event.time)
        if event.thread:
            self._note(event)
            self._turn.elsewhere.append(event)
        else:
            self._take(event)

    def finish(self) -> Run:
        if self._callback is not None:
            self._callback.ended, self._callback.finished = self._now, False
        self._end_turn(self._now)
        _keep_unfinished_lines(self.run)
        return self.run

    # -- turns -----------------------------------------------------------------------

    @singledispatchmethod
    def _take(self, event: Event) -> None:
        self._note(event)
        self._slot_of(event).events.append(event)

    @_take.register
    def _(self, event: Start) -> None:
        self.run.program, self.run.python = event.program, event.python

    @_take.register
    def _(self, event: End) -> None:
        self.run.is_whole = True
        self.run.turns_left_out = event.turns_left_out
        self.run.events_left_out = event.events_left_out

    @_take.register
    def _(self, event: Select) -> None:
        self._end_turn(event.time)
        turn = Turn(event.turn, Stage.TURN, event.time, event.time, event.time, last=event.turn)
        turn.timeout, turn.timers, turn.calls = event.timeout, event.timers, event.calls
        turn.watched = dict(self._watched)
        self._turn = turn

    @_take.register
    def _(self, event: Ready) -> None:
        self._turn.woke, self._turn.ready = event.time, event.ready
        self._turn.slept = event.time - self._turn.began

    @_take.register
    def _(self, event: Leave) -> None:
        self._end_turn(event.time)
        number = self._turn.number
        self._turn = Turn(number, Stage.AFTER, event.time, event.time, event.time, last=number)

    @_take.register
    def _(self, event: Again) -> None:
        self._end_turn(event.time)
        model = self._turn
        self._turn = replace(
            model,
            number=event.turn,
            last=max(event.turn, event.last),
            began=event.time,
            woke=event.time,
            ended=event.until,
            slept=min(event.slept, max(0.0, event.until - event.time)),
        )
        self._now = max(self._now, event.until)

    def _end_turn(self, now: float) -> None:
        turn = self._turn
        turn.ended = max(turn.ended, now)
        turn.queues = {serial: size for serial, size in self._queues.items() if size}
        _stretch(turn)
        if turn.stage is Stage.TURN or turn.slots or turn.elsewhere:
            self.run.turns.append(turn)
        self._loose = None

    # -- slots -----------------------------------------------------------------------

    @_take.register
    def _(self, event: Callback) -> None:
        slot = Slot(event.serial, event.time, event.time, event.name, event.kind, event.late)
        self._turn.slots.append(slot)
        self._callback, self._loose = slot, None

    @_take.register
    def _(self, event: Returned) -> None:
        slot, self._callback = self._callback, None
        if slot is not None:
            slot.ended, slot.raised = event.time, event.raised
            if not slot.serial:
                slot.serial = next((e.serial for e in slot.events if isinstance(e, Io)), TIMERS)

    def _slot_of(self, event: Event) -> Slot:
        if self._callback is not None:
            return self._callback
        loose, serial = self._loose, getattr(event, "serial", TIMERS)
        follows = isinstance(event, Watch | Close) or (isinstance(event, Open) and event.by)
        if loose is None or (loose.serial != serial and not follows):
            loose = self._loose = Slot(serial, event.time, event.time)
            self._turn.slots.append(loose)
        loose.ended = max(loose.ended, event.time + getattr(event, "took", 0.0))
        return loose

    # -- lanes -----------------------------------------------------------------------

    @singledispatchmethod
    def _note(self, event: Event) -> None:
        """What an event changes in a lane."""

    @_note.register
    def _(self, event: Open) -> None:
        self.run.lanes[event.serial] = Lane(
            event.serial, event.fd, event.kind, event.local, event.peer, by=event.by,
            born=event.turn,
        )  # fmt: skip

    @_note.register
    def _(self, event: Named) -> None:
        lane = self._lane(event.serial)
        lane.kind = event.kind or lane.kind
        lane.local = event.local or lane.local
        lane.peer = event.peer or lane.peer

    @_note.register
    def _(self, event: Label) -> None:
        self._lane(event.serial).label = event.label

    @_note.register
    def _(self, event: Close) -> None:
        lane = self._lane(event.serial)
        lane.died, lane.how = event.turn, event.how
        self._watched.pop(event.serial, None)
        self._queues.pop(event.serial, None)

    @_note.register
    def _(self, event: Watch) -> None:
        self._lane(event.serial)
        self._watched[event.serial] = event.after

    @_note.register
    def _(self, event: Queue) -> None:
        self._lane(event.serial)
        self._queues[event.serial] = event.size

    @_note.register
    def _(self, event: Io) -> None:
        self._lane(event.serial)
        if event.op == "send" and event.error in ("", "EAGAIN"):
            self._queues[event.serial] = max(0, event.asked - event.size)

    def _lane(self, serial: int) -> Lane:
        """The lane, also if the line that told of its birth is lost."""
        return self.run.lanes.setdefault(serial, Lane(serial, -1, "other"))


def _stretch(turn: Turn) -> None:
    """In a loop written by hand, what lies between two operations belongs to the earlier one."""
    for slot, follower in zip(turn.slots, turn.slots[1:], strict=False):
        if not slot.name:
            slot.ended = max(slot.ended, follower.began)
    if turn.slots and not turn.slots[-1].name and turn.stage is Stage.TURN:
        turn.slots[-1].ended = max(turn.slots[-1].ended, turn.ended)


def _keep_unfinished_lines(run: Run) -> None:
    """Work out `kept`, for lanes that speak in lines."""
    kept: dict[int, bytes] = {}
    speaks = {
        event.serial
        for turn in run.turns
        for event in turn.events
        if isinstance(event, Io) and event.op == "recv" and b"\n" in event.data
    }
    for turn in run.turns:
        for event in turn.events if turn.times == 1 else ():
            if isinstance(event, Io) and event.op == "recv" and event.serial in speaks:
                whole = event.size == len(event.data)
                line = kept.get(event.serial, b"") + event.data if whole else b""
                kept[event.serial] = line.rpartition(b"\n")[2]
                turn.kept.pop(event.serial, None)
                if event.size and kept[event.serial]:
                    turn.kept[event.serial] = kept[event.serial]
