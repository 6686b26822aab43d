"""Turns in which nothing is done, one after the other: spins with their cause, and busy polls.

A loop that is told that somebody is ready comes back at once for as long as he is. So whoever
is not served, or can't be, makes it go round.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from ..run.events import Blocked, Close, Event, Io, Queue, Watch
from ..run.run import TIMERS, Run, Stage, Turn
from ..run.turns import AT_ONCE
from .finding import Finding, Id
from .operations import SENDING, is_end, is_not_now, is_refused_accept

__all__ = ["ENDS", "find_spins"]

IN_A_ROW: Final = 50
"""Turns for nothing that are a spin. asyncio has some 10 of its own when it starts or ends, and a
real spin has thousands before anybody has noticed."""
BRISK: Final = 0.01
"""Seconds of such a turn, at most, on average; of a poll that sleeps, from nap to nap. Games and
video wake 60 times a second, and asyncio may go round twice for each time."""
LOOK: Final = 0.1
"""Seconds of a single one: what takes longer has slept, and begins anew."""
WORK: Final = 0.001
"""Seconds of the callbacks in a turn, from which on the loop goes round in order to compute."""
ENDS: Final = 10
"""So often nobody reads the end of one stream; once is enough."""

_SERVING: Final = SENDING | {"recv", "accept"}

_Key = tuple[Id, int]


@dataclass(slots=True)
class _Spell:
    """Turns in which the same was wrong with the same lane, without a break."""

    turns: list[Turn] = field(default_factory=list)
    times: int = 0
    naps: int = 0
    seconds: float = 0.0
    slept: float = 0.0

    def add(self, turn: Turn) -> None:
        self.turns.append(turn)
        self.times += turn.times
        self.seconds += turn.ended - turn.began
        # Who is ready lets nobody sleep; that it looks like it, a busy machine may do.
        if not turn.ready and turn.timeout != 0 and turn.slept >= turn.times * AT_ONCE:
            self.naps += turn.times
            self.slept += turn.slept

    @property
    def is_spin(self) -> bool:
        times = self.naps if self.slept >= self.seconds / 2 else self.times
        return self.times >= IN_A_ROW and self.seconds <= times * BRISK


def find_spins(run: Run) -> Iterator[Finding]:
    """One finding for each cause, with all its lanes and turns."""
    if ends := _ends(run):
        yield _finding(Id.SPIN_END_OF_STREAM, ends)
    found: defaultdict[Id, list[tuple[int, _Spell]]] = defaultdict(list)
    for (cause, serial), spell in _spells(run):
        if spell.is_spin:
            found[cause].append((serial, spell))
    for cause, spells in found.items():
        yield _poll(spells) if cause is Id.BUSY_POLL else _finding(cause, spells)


def _finding(cause: Id, spells: list[tuple[int, _Spell]]) -> Finding:
    turns = {turn.number: turn for _, spell in spells for turn in spell.turns}
    ends = sum(spell.times for _, spell in spells)
    times = ends if cause is Id.SPIN_END_OF_STREAM else sum(t.times for t in turns.values())
    return Finding(
        cause,
        turn=min(turns),
        last=max(turn.last for turn in turns.values()),
        serial=spells[0][0],
        others=len({serial for serial, _ in spells}) - 1,
        times=times,
        seconds=sum(turn.ended - turn.began for turn in turns.values()),
    )


# -- the end of a stream ---------------------------------------------------------------------


def _ends(run: Run) -> list[tuple[int, _Spell]]:
    """Each stream whose end was read again and again; `times` are the reads."""
    spells: defaultdict[int, _Spell] = defaultdict(_Spell)
    for turn in run.turns:
        for event in _all_of(turn):
            if isinstance(event, Io) and is_end(event, run.lanes.get(event.serial)):
                spell = spells[event.serial]
                if not spell.turns or spell.turns[-1] is not turn:
                    spell.turns.append(turn)
                spell.times += turn.times
    return [(serial, spell) for serial, spell in spells.items() if spell.times >= ENDS]


# -- everybody else --------------------------------------------------------------------------


def _spells(run: Run) -> Iterator[tuple[_Key, _Spell]]:
    spells: dict[_Key, _Spell] = {}
    seen = _seen(run)
    for turn in run.turns:
        # In their order: the first of them is named.
        wrong = dict.fromkeys(_wrong(turn, seen) if turn.stage is Stage.TURN else ())
        for key in [key for key in spells if key not in wrong]:
            yield key, spells.pop(key)
        # Who is still waiting while somebody else is served costs no turn.
        for key in wrong if _is_idle(turn) else ():
            spells.setdefault(key, _Spell()).add(turn)
    yield from spells.items()


def _seen(run: Run) -> set[int]:
    """The lanes of which a record tells what is done with them.

    A pipe is read by os.read, a TLS socket by its own library, a socket that was made before
    the record began by itself: whoever serves these does nothing that can be seen.
    """
    used = {
        event.serial
        for turn in run.turns
        for event in _all_of(turn)
        if isinstance(event, Io) and event.op in _SERVING
    }
    kinds = ("listener", "wakeup")
    return used | {s for s, lane in run.lanes.items() if lane.by or lane.kind in kinds}


def _wrong(turn: Turn, seen: set[int]) -> Iterator[_Key]:
    refused, touched = set(), set()
    for event in _all_of(turn):
        if isinstance(event, Io) and is_refused_accept(event):
            refused.add(event.serial)
        elif isinstance(event, Watch | Close):
            if not _is_behind(turn, event):
                touched.add(event.serial)
        elif isinstance(event, Io) and not _is_in_vain(event):
            touched.add(event.serial)
    for serial in refused:
        yield Id.SPIN_ACCEPT, serial
    for serial, events in turn.ready:
        if serial in seen and serial not in touched | refused:
            yield (Id.SPIN_UNSERVED if "r" in events else Id.SPIN_WRITE_INTEREST), serial
    if not turn.ready and not refused and _is_poll(turn):
        yield Id.BUSY_POLL, TIMERS


def _is_behind(turn: Turn, event: Event) -> bool:
    """Turns that are counted changed nothing: a change with the last one's number ended them, as
    one with the next number does.
    """
    return isinstance(event, Watch | Close) and turn.times > 1 and event.turn >= turn.last


def _is_in_vain(event: Io) -> bool:
    """A look at what stays there, a read of what is not. But processes may share a listener."""
    return event.op == "peek" or (event.op == "recv" and is_not_now(event))


def _is_poll(turn: Turn) -> bool:
    work = sum(slot.seconds for slot in turn.slots if slot.name)
    return (
        _is_idle(turn)
        and turn.ended - turn.began <= turn.times * LOOK
        and min(work, turn.busy / turn.times) <= WORK
    )


def _poll(spells: list[tuple[int, _Spell]]) -> Finding:
    """With those who were asked: all of them in vain, or one for room."""
    turns = (turn for _, spell in spells for turn in spell.turns)
    asked = {e.serial: e.op for turn in turns for e in turn.events if isinstance(e, Io)}
    name = "send" if set(asked.values()) == {"send"} else "recv" if asked else "select"
    first, others = next(iter(asked), TIMERS), max(0, len(asked) - 1)
    return replace(_finding(Id.BUSY_POLL, spells), serial=first, others=others, name=name)


def _is_idle(turn: Turn) -> bool:
    """A signal that comes as a turn begins is told of before its wait, with its number."""
    events = (event for event in turn.events if event.turn <= turn.last)
    return all(_is_nothing(event) or _is_behind(turn, event) for event in events)


def _is_nothing(event: Event) -> bool:
    if not isinstance(event, Io):
        return isinstance(event, Queue | Blocked)
    if event.error:
        return is_not_now(event) or is_refused_accept(event)
    is_still_there = event.op == "peek" or not event.size
    return is_still_there and event.op not in ("accept", "connect", "shutdown")


def _all_of(turn: Turn) -> Iterable[Event]:
    yield from turn.events
    yield from turn.elsewhere
