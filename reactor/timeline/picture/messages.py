"""A recorded run as messages between the program and its peers, in the order of time.

What a sequence diagram shows row by row: what came, what went, and what the program did
in between. Pure: a Run in, rows out.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from heapq import merge
from itertools import pairwise
from typing import Final

from ..run.events import Blocked, Close, Event, Io, Named, Open
from ..run.turns import AT_ONCE, TIMERS, Run, Slot, Stage, Turn, Wait
from ..run.waits import HEAVY

__all__ = ["Message", "Sign", "messages"]

# "Not now", and "under way": nothing that a peer would notice.
_NO_NEWS: Final = ("EAGAIN", "EWOULDBLOCK", "EINTR", "EINPROGRESS")
_OUTWARD: Final = ("send", "sendall", "sendfile")


class Sign(Enum):
    """What a row shows."""

    CAME = auto()
    WENT = auto()
    CONNECTED = auto()  # the peer to the program
    CONNECTS = auto()  # the program to the peer
    ENDED = auto()  # the peer sends no more
    ENDS = auto()  # the program sends no more
    BROKE = auto()  # an errno
    CLOSED = auto()
    KEPT = auto()  # what came has no line end yet
    QUEUED = auto()  # what was sent waits for room
    LISTENS = auto()
    TIMER = auto()
    RAISED = auto()
    BUSY = auto()  # the program works, and serves nobody
    STUCK = auto()  # a call of the system does not return
    ASLEEP = auto()
    FOLDED = auto()  # turns in which nothing was done
    SILENT = auto()  # turns in which nothing was said


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the diagram."""

    sign: Sign
    turn: Turn
    time: float
    lane: int = TIMERS
    data: bytes = b""
    size: int = 0
    seconds: float = 0.0
    text: str = ""
    """A name, an address or an errno."""
    times: int = 1
    """How many equal ones this stands for."""
    wait: Wait | None = None
    """How long the peer had waited until then."""


def messages(run: Run, without: Container[int] = ()) -> list[Message]:
    """All that was said in a run, and what the program did in between.

    `without` holds the lanes of which nothing is to be told.
    """
    teller = _Teller(run)
    found: list[Message] = []
    for turn in run.turns:
        rows = [row for row in teller.tell(turn) if row.lane not in without]
        if rows and turn.slept > AT_ONCE and turn.times == 1:
            found.append(Message(Sign.ASLEEP, turn, turn.began, seconds=turn.slept))
        if rows or turn.stage is not Stage.TURN:
            found += rows
        elif found and found[-1].sign is Sign.SILENT:
            silent = found[-1].turn
            found[-1] = replace(found[-1], turn=replace(silent, last=turn.last, ended=turn.ended))
        else:
            found.append(Message(Sign.SILENT, turn, turn.began))
    return found


class _Teller:
    def __init__(self, run: Run) -> None:
        self._kinds = {lane.serial: lane.kind for lane in run.lanes.values()}
        self._ended: set[int] = set()
        # By listener: when it was last asked, and who must have waited at its door.
        self._asked: dict[int, float] = {}
        self._at_door: dict[int, Wait] = {}

    def tell(self, turn: Turn) -> list[Message]:
        """The rows of one turn."""
        if turn.times > 1:
            return [Message(Sign.FOLDED, turn, turn.began, seconds=turn.ended - turn.began)]
        own = [row for slot in turn.slots for row in self._of_slot(turn, slot)]
        others = [row for event in turn.elsewhere for row in self._of_event(turn, event)]
        rows = list(_joined(merge(own, sorted(others, key=_time_of), key=_time_of)))
        _put_kept(rows, turn)
        _put_waits(rows, turn)
        return rows

    def _of_slot(self, turn: Turn, slot: Slot) -> list[Message]:
        rows = [row for event in slot.events for row in self._of_event(turn, event)]
        if slot.kind == "timer":
            timer = Message(Sign.TIMER, turn, slot.began, seconds=slot.late, text=slot.name)
            rows.insert(0, timer)
        if slot.raised:
            rows.append(Message(Sign.RAISED, turn, slot.ended, text=slot.raised))
        if slot.name and slot.seconds >= HEAVY and all(row.sign is not Sign.STUCK for row in rows):
            _put_busy(rows, turn, slot)
        return rows

    def _of_event(self, turn: Turn, event: Event) -> Iterator[Message]:
        match event:
            case Open(by=by, serial=serial, peer=peer) if by:
                wait = self._at_door.pop(by, None)
                yield Message(Sign.CONNECTED, turn, event.time, serial, text=peer, wait=wait)
            case Named(kind="listener", local=local):
                yield Message(Sign.LISTENS, turn, event.time, text=local)
            case Close(serial=serial) if self._is_peer(serial):
                yield Message(Sign.CLOSED, turn, event.time, serial)
            case Blocked(took=took) if took >= HEAVY:
                yield from self._stuck(turn, event, took, f"{event.what}({event.about})")
            case Io(op="accept"):
                yield from self._stuck(turn, event, event.took, "accept()")
                self._note_accept(turn, event)
                yield from self._of_io(turn, event)
            case Io():
                yield from self._stuck(turn, event, event.took, f"{event.op}()")
                yield from self._of_io(turn, event)

    def _stuck(self, turn: Turn, event: Event, took: float, call: str) -> Iterator[Message]:
        if took >= HEAVY and not event.thread:
            yield Message(Sign.STUCK, turn, event.time, seconds=took, text=call)

    def _note_accept(self, turn: Turn, event: Io) -> None:
        """Without a selector: whom accept() finds at once came since it was last called."""
        before = self._asked.get(event.serial, event.time)
        self._asked[event.serial] = event.time + event.took
        away = event.time - before
        if turn.stage is not Stage.TURN and event.took < HEAVY <= away and not event.error:
            self._at_door[event.serial] = Wait(away, exact=False)

    def _of_io(self, turn: Turn, event: Io) -> Iterator[Message]:
        plain = Message(Sign.CAME, turn, event.time + event.took, event.serial, text=event.to)
        is_peer, moved = self._is_peer(event.serial), event.size > 0 and not event.error
        if event.error and event.error not in _NO_NEWS:
            text = event.error if is_peer else f"{event.op}: {event.error}"
            lane = event.serial if is_peer else TIMERS
            yield replace(plain, sign=Sign.BROKE, lane=lane, text=text)
        elif event.op == "shutdown" and event.how != "r":  # of which the peer learns nothing
            yield replace(plain, sign=Sign.ENDS)
        elif event.op == "connect" and self._kinds.get(event.serial) == "stream":
            yield replace(plain, sign=Sign.CONNECTS)
        elif event.op == "recv" and not event.error and is_peer:
            if moved or self._kinds[event.serial] != "stream":
                yield replace(plain, data=event.data, size=event.size)
            elif event.serial not in self._ended:
                # Who asks again is told again; the peer has said it once.
                self._ended.add(event.serial)
                yield replace(plain, sign=Sign.ENDED)
        elif event.op in _OUTWARD and is_peer:
            if moved or not event.asked:
                yield replace(plain, sign=Sign.WENT, data=event.data, size=event.size)
            if event.asked > event.size:
                yield replace(plain, sign=Sign.QUEUED, size=event.asked - event.size)

    def _is_peer(self, serial: int) -> bool:
        return self._kinds.get(serial) not in ("listener", "wakeup")


def _time_of(row: Message) -> float:
    return row.time


def _joined(rows: Iterable[Message]) -> Iterator[Message]:
    """Equal pieces in a row of which not all bytes are known are told once."""
    last: Message | None = None
    for row in rows:
        is_bulk = row.sign in (Sign.CAME, Sign.WENT) and row.size > len(row.data)
        if last is not None and is_bulk and _shape(row) == _shape(last):
            last = replace(last, times=last.times + 1)
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last


def _shape(row: Message) -> tuple[object, ...]:
    return row.sign, row.lane, row.size, row.text


def _put_busy(rows: list[Message], turn: Turn, slot: Slot) -> None:
    """Where a slow callback was silent for longest, it was at work."""
    times = [slot.began, *(row.time for row in rows), slot.ended]
    gaps = [after - before for before, after in pairwise(times)]
    place = gaps.index(max(gaps))
    busy = Message(Sign.BUSY, turn, times[place], seconds=slot.seconds, text=slot.name)
    rows.insert(place, busy)


def _put_kept(rows: list[Message], turn: Turn) -> None:
    """After the last piece that brought some of it."""
    kept = dict(turn.kept)
    for at, row in reversed(list(enumerate(rows))):
        if row.sign is Sign.CAME and row.lane in kept:
            data = kept.pop(row.lane)
            rows.insert(at + 1, replace(row, sign=Sign.KEPT, data=data, size=len(data), times=1))


def _put_waits(rows: list[Message], turn: Turn) -> None:
    waits = dict(turn.waited)
    for at, row in enumerate(rows):
        if row.lane in waits:
            rows[at] = replace(row, wait=waits.pop(row.lane))
