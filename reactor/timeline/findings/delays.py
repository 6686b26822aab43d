"""Who kept the loop: slow callbacks, calls that block, and the timers that had to wait for them.

A record knows how long something took, not whether the machine was busy with something else.
So nothing is a finding that a scheduler may well do to a good program.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile, zip_longest
from math import inf
from operator import attrgetter, itemgetter
from typing import Final

from ..run.events import Blocked, Io
from ..run.run import TIMERS, Run, Slot, Stage, Turn
from .finding import Finding, Id
from .operations import SENDING, is_broken_off, is_not_now, is_refused_accept

__all__ = ["find_delays"]

SLOW: Final = 0.1
"""Seconds that nobody may keep the loop: as SlowCallbackMonitor and asyncio's debug mode have it.
A busy machine stops a process for some 10 ms at a time, seldom for 100."""
OWN: Final = 0.05
"""Seconds that are left of it, at least, without what the turn missed for the machine was busy."""
SLEEP: Final = 0.002
"""Seconds of a sleep in the loop that somebody may notice, where there are many of them."""
NAP: Final = 0.01
"""The same, where the loop does not wait in its selector: shorter ones are polls."""

_LOOK_UPS: Final = ("socket.getaddrinfo", "socket.gethostby", "socket.getnameinfo")
"""Of these, each is one too many: in a millisecond today, and in 5 s when the resolver is away."""
_WAITING: Final = SENDING | {"recv", "accept", "connect"}
_NUMBERED: Final = re.compile(r" \(Task-\d+\)$")


@dataclass(frozen=True, slots=True)
class _Case:
    """So many seconds of a turn were spent in a slot."""

    turn: Turn
    slot: Slot
    serial: int
    seconds: float


def find_delays(run: Run) -> Iterator[Finding]:
    """One finding for each callback that is slow, call that blocks, and callback that delays."""
    blocking: defaultdict[tuple[str, str], list[_Case]] = defaultdict(list)
    slow: defaultdict[tuple[str, str], list[_Case]] = defaultdict(list)
    for case in _work(run):
        kept = 0.0
        for what, took in _waits(case, _missed(run, case.turn)):
            blocking[what, _cause(case.slot)].append(replace(case, seconds=took))
            kept += took
        own = case.seconds - kept
        if _is_slow(own, _missed(run, case.turn)) and _is_anybody_kept(run, case.turn):
            serial = TIMERS if _is_between(run, case) else case.serial
            # Without a name, what is done with one client is the same as with the next.
            kind = "" if case.slot.name else getattr(run.lanes.get(serial), "kind", "")
            slow[_cause(case.slot), kind].append(replace(case, serial=serial, seconds=own))
    for (what, _), cases in blocking.items():
        yield _worst(Id.BLOCKING_CALL, cases, what)
    for cases in slow.values():
        yield _worst(Id.SLOW_CALLBACK, cases)
    yield from _late_timers(run)


def _cause(slot: Slot) -> str:
    """The callback's name. asyncio numbers the tasks that have none: all clients' are one."""
    return _NUMBERED.sub("", slot.name)


def _is_between(run: Run, case: _Case) -> bool:
    """Whether somebody came, and it may have been the next whose service took so long."""
    lane, others = run.lanes.get(case.slot.serial), case.turn.slots
    is_arrival = lane is not None and lane.kind == "listener" and not _is_callback(case.slot)
    return is_arrival and any(other.began > case.slot.began for other in others)


def _worst(cause: Id, cases: list[_Case], by: str = "") -> Finding:
    worst = max(cases, key=attrgetter("seconds"))
    return Finding(
        cause,
        turn=worst.turn.number,
        last=max(case.turn.last for case in cases),
        serial=worst.serial,
        times=sum(case.turn.times for case in cases),
        seconds=worst.seconds,
        name=worst.slot.name,
        cause=by,
    )


def _missed(run: Run, turn: Turn) -> float:
    """As the turn says; of what a record ends in that was cut short nobody has said it."""
    is_told = run.is_whole or turn is not run.turns[-1]
    return turn.missed if is_told else inf


def _is_slow(seconds: float, missed: float) -> bool:
    return seconds >= SLOW and seconds - missed >= OWN


# -- what a turn was spent on ----------------------------------------------------------------


def _work(run: Run) -> Iterator[_Case]:
    has_gaps = not any(map(_is_callback, _slots(run)))
    for turn, follower in zip_longest(run.turns, run.turns[1:]):
        if turn.stage is not Stage.TURN:
            continue
        goes_on = follower is not None and follower.stage is Stage.TURN
        serial = TIMERS
        slots = _with_gap(turn) if has_gaps else turn.slots
        for slot in slots if goes_on else _sure(run, turn):
            # In a loop written by hand, a sleep belongs to who was served before it.
            serial = slot.serial if slot.serial or _is_callback(slot) else serial
            yield _Case(turn, slot, serial, min(slot.seconds, turn.busy / turn.times))


def _with_gap(turn: Turn) -> list[Slot]:
    """With what was done between the wait and the first operation, which no slot tells of."""
    first = turn.slots[0].began if turn.slots else turn.ended
    return [Slot(TIMERS, turn.woke, first), *turn.slots]


def _sure(run: Run, turn: Turn) -> Iterator[Slot]:
    """What certainly belongs to the loop's last turn, of which nothing tells where it ended."""
    end = _end_of_service(run, turn)
    for slot in turn.slots:
        if _is_callback(slot):
            yield slot
        elif slot.began <= end:
            events = [event for event in slot.events if event.time <= end]
            yield replace(slot, ended=min(slot.ended, end), events=events)


def _end_of_service(run: Run, turn: Turn) -> float:
    """When the last of those who were ready had been served, as far as that is certain.

    Who sleeps as soon as a client has said something does it before the answer, in the loop.
    """
    served = {serial for serial, _ in turn.ready}
    end, owes_answer = turn.began, False
    for event in turn.events:
        match event:
            case Io() if event.serial in served:
                owes_answer = event.op == "recv" and _is_from_client(run, event)
            case Blocked(what="time.sleep") if owes_answer:
                pass
            case _:
                owes_answer = False
                continue
        end = max(end, event.time + event.took)
    return end


def _is_from_client(run: Run, event: Io) -> bool:
    return event.size > 0 and bool(run.lanes[event.serial].by)


def _slots(run: Run) -> Iterator[Slot]:
    return (slot for turn in run.turns for slot in turn.slots)


def _is_callback(slot: Slot) -> bool:
    return bool(slot.name or slot.kind)


def _is_anybody_kept(run: Run, turn: Turn) -> bool:
    """Before anybody is waited for or served, a program prepares itself, and may take its time."""
    watched = [run.lanes[serial].kind for serial in turn.watched if serial in run.lanes]
    served = any(slot.serial for slot in turn.slots)
    return served or bool(turn.timers) or any(kind != "wakeup" for kind in watched)


# -- what blocks -----------------------------------------------------------------------------


def _waits(case: _Case, missed: float) -> Iterator[tuple[str, float]]:
    for event in case.slot.events:
        if isinstance(event, Blocked) and _is_too_long(event, case, missed):
            yield event.what, event.took
        elif isinstance(event, Io) and _has_waited(event) and _is_slow(event.took, missed):
            yield f"socket.{event.op}", event.took


def _has_waited(event: Io) -> bool:
    """Whether it can have. Who is told at once that there is nothing has not."""
    is_told_at_once = is_not_now(event) or is_refused_accept(event)
    return event.op in _WAITING and (is_broken_off(event) or not is_told_at_once)


def _is_too_long(event: Blocked, case: _Case, missed: float) -> bool:
    if event.what.startswith(_LOOK_UPS):
        return True
    if event.what != "time.sleep":
        return _is_slow(event.took, missed)
    is_poll = case.turn.timeout == 0 and not _is_callback(case.slot)
    least = NAP if is_poll else SLEEP
    return min(event.took, _seconds(event.about, event.took)) >= least


def _seconds(about: str, otherwise: float) -> float:
    try:
        return float(about)
    except ValueError:
        return otherwise


# -- timers ----------------------------------------------------------------------------------


def _late_timers(run: Run) -> Iterator[Finding]:
    """Those that were due while callbacks ran; a machine that was asleep is nobody's fault."""
    cases: defaultdict[str, list[_Case]] = defaultdict(list)
    past: list[tuple[Turn, Slot]] = []
    for turn in run.turns:
        for slot in turn.slots if turn.times == 1 else ():
            if slot.kind == "timer" and slot.late >= SLOW:
                culprit = _culprit(run, past, slot)
                if culprit is not None:
                    cases[culprit].append(_Case(turn, slot, slot.serial, slot.late))
            if _is_callback(slot):
                past.append((turn, slot))
    for cause, late in cases.items():
        yield _worst(Id.LATE_TIMER, late, cause)


def _culprit(run: Run, past: list[tuple[Turn, Slot]], timer: Slot) -> str | None:
    """The name of the callback that had most of the time for which the timer was due.

    Where many had a little of it each, the loop has too much to do, and no one is to blame.
    """
    due = timer.began - timer.late
    shares: defaultdict[str, float] = defaultdict(float)
    own: defaultdict[str, float] = defaultdict(float)
    for earlier, slot in takewhile(lambda pair: pair[1].ended > due, reversed(past)):
        share = min(slot.ended, timer.began) - max(slot.began, due)
        shares[_cause(slot)] += share
        own[_cause(slot)] += share * (1 - min(1.0, _missed(run, earlier) / max(earlier.busy, 1e-9)))
    name, share = max(shares.items(), key=itemgetter(1), default=("", 0.0))
    return name if share >= timer.late / 2 and own[name] >= SLOW else None
