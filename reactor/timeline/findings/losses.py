"""What is lost for good: sockets that nobody closes, and bytes that nobody sends.

Both are known for certain only at the end, so a record that was cut short tells of neither,
unless it has seen Python close a socket, or other bytes go out than those that were due.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from ..run.events import Close, Event, Io, Queue, Watch
from ..run.run import Run, Stage, Turn
from .finding import Finding, Id
from .operations import SENDING, is_broken, is_broken_off, is_end, is_not_now
from .spins import ENDS

__all__ = ["find_losses"]

FORGOTTEN: Final = 0.5
"""Seconds after which who has gone might have been closed. A peer that only sends no more may be
owed an answer: who works on one for longer, and is stopped meanwhile, is accused wrongly."""

ASLEEP: Final = 0.1
"""Seconds of a wait that is more than a look."""


def find_losses(run: Run) -> Iterator[Finding]:
    """At most three: sockets left open, sockets left to Python, and bytes never sent."""
    if _is_complete(run):
        yield from _left_open(run)
    yield from _collected(run)
    yield from _ShortWrites(run).find()


def _is_complete(run: Run) -> bool:
    return run.is_whole and not (run.turns_left_out or run.events_left_out or run.unreadable)


def _moments(run: Run) -> Iterator[tuple[Turn, Event]]:
    """What all threads did, in order of time."""
    for turn in run.turns:
        events = turn.events
        if turn.elsewhere:
            events = iter(sorted([*events, *turn.elsewhere], key=attrgetter("time")))
        yield from ((turn, event) for event in events)


def _last_turn(run: Run) -> Turn | None:
    return next((turn for turn in reversed(run.turns) if turn.stage is Stage.TURN), None)


def _last_that_went_by(run: Run) -> int:
    """The number of the last turn that was over, or slept on, before the program was stopped."""
    last = _last_turn(run)
    turns = (turn for turn in reversed(run.turns) if turn.stage is Stage.TURN)
    return next((t.number for t in turns if t is not last or t.slept >= ASLEEP), 0)


# -- descriptors -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Gone:
    """Whose end, or error, was read in a turn."""

    turn: Turn
    touched: float
    """When anything was done with it for the last time."""
    times: int


def _left_open(run: Run) -> Iterator[Finding]:
    gone, watched = _gone(run)
    last = _last_turn(run)
    leaks = {
        serial: run.turns[-1].ended - lane.touched
        for serial, lane in gone.items()
        # What is due to be sent to it is not forgotten; what spins has a name of its own.
        if "w" not in watched.get(serial, "") and serial not in run.turns[-1].queues
        if lane.times < ENDS and last is not None and last.began >= lane.touched
    }
    found = [serial for serial, seconds in leaks.items() if seconds >= FORGOTTEN]
    if found:
        turns = [gone[serial].turn for serial in found]
        yield _leak(found, turns, max(leaks[serial] for serial in found))


def _gone(run: Run) -> tuple[dict[int, _Gone], dict[int, str]]:
    """Streams whose peers have gone, and that are open; and what is waited for at the end."""
    gone: dict[int, _Gone] = {}
    watched: dict[int, str] = {}
    for turn, event in _moments(run):
        if isinstance(event, Watch):
            watched[event.serial] = event.after
        elif isinstance(event, Close):
            gone.pop(event.serial, None)
        elif isinstance(event, Io) and _is_stream(run, event.serial):
            if event.serial in gone:
                gone[event.serial].touched = event.time
                gone[event.serial].times += turn.times
            elif is_end(event, run.lanes[event.serial]) or is_broken(event):
                gone[event.serial] = _Gone(turn, event.time, turn.times)
    return gone, watched


def _is_stream(run: Run, serial: int) -> bool:
    return serial in run.lanes and run.lanes[serial].kind == "stream"


def _collected(run: Run) -> Iterator[Finding]:
    """Sockets that Python closed while the loop went on: at the end, all are collected."""
    last = _last_turn(run)
    found = {
        event.serial: turn
        for turn, event in _moments(run)
        if isinstance(event, Close) and event.how == "collected" and turn.stage is Stage.TURN
        if turn is not last
    }
    if found:
        yield _leak(list(found), list(found.values()), 0.0, "collected")


def _leak(serials: list[int], turns: list[Turn], seconds: float, name: str = "") -> Finding:
    return Finding(
        Id.DESCRIPTOR_LEAK,
        turn=turns[0].number,
        last=max(turn.last for turn in turns),
        serial=serials[0],
        others=len(serials) - 1,
        times=len(serials),
        seconds=seconds,
        name=name,
    )


# -- bytes -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rest:
    """What the system did not take of a send."""

    turn: Turn
    serial: int
    size: int
    begins: bytes
    is_waited_for: bool
    """Whether the loop is to say when there is room, or the program says that it has a queue."""


class _ShortWrites:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._is_complete = _is_complete(run)
        self._watched: dict[int, str] = {}
        self._owed: dict[int, _Rest] = {}
        self._lost: list[_Rest] = []

    def find(self) -> Iterator[Finding]:
        for turn, event in _moments(self._run):
            self._take(turn, event)
        last = _last_that_went_by(self._run)
        self._give_up(rest for rest in self._owed.values() if rest.turn.number < last)
        if self._lost:
            self._lost.sort(key=lambda rest: rest.turn.number)
            first = self._lost[0]
            yield Finding(
                Id.SHORT_WRITE,
                turn=first.turn.number,
                last=self._lost[-1].turn.last,
                serial=first.serial,
                others=len({rest.serial for rest in self._lost}) - 1,
                times=len(self._lost),
                size=sum(rest.size for rest in self._lost),
            )

    def _take(self, turn: Turn, event: Event) -> None:
        if isinstance(event, Watch):
            self._watched[event.serial] = event.after
            self._wait(event.serial, "w" in event.after)
        elif isinstance(event, Queue):
            self._wait(event.serial, event.size > 0)
        elif isinstance(event, Close):
            rest = self._owed.pop(event.serial, None)
            if rest is not None and event.how != "detached":
                self._give_up([rest])
        elif isinstance(event, Io) and _is_stream(self._run, event.serial):
            self._do(turn, event)

    def _do(self, turn: Turn, event: Io) -> None:
        rest = self._owed.get(event.serial)
        if event.op in SENDING:
            self._send(turn, event)
        elif rest is not None and rest.turn is turn and _is_over(self._run, event):
            del self._owed[event.serial]  # there is nobody left to send it to

    def _send(self, turn: Turn, event: Io) -> None:
        before = self._owed.pop(event.serial, None)
        if before is not None and not self._run.unreadable and not _goes_on(before, event):
            self._lost.append(before)
        missing = event.asked - event.size
        if missing <= 0 or (event.error and not is_not_now(event)) or event.op == "sendfile":
            return
        if event.op == "sendall" and is_broken_off(event):
            return  # it was under way, and the program is to end
        is_waited_for = "w" in self._watched.get(event.serial, "")
        rest = _Rest(turn, event.serial, missing, event.rest, is_waited_for)
        if event.op == "sendall":
            self._lost.append(rest)  # how much of it went, nobody knows
        else:
            self._owed[event.serial] = rest

    def _wait(self, serial: int, is_waited_for: bool) -> None:
        if is_waited_for and serial in self._owed:
            self._owed[serial].is_waited_for = True

    def _give_up(self, rests: Iterable[_Rest]) -> None:
        """Nothing comes any more, if this record tells of all that came."""
        if self._is_complete:
            self._lost.extend(rest for rest in rests if not rest.is_waited_for)


def _is_over(run: Run, event: Io) -> bool:
    return is_end(event, run.lanes.get(event.serial)) or is_broken(event)


def _goes_on(rest: _Rest, event: Io) -> bool:
    """Whether what is sent may be the rest, as far as the record tells of both."""
    data = event.data
    if len(data) == event.size:
        data += event.rest
    return rest.begins.startswith(data[: len(rest.begins)]) or event.op == "sendfile"
