"""Who waited while somebody else was served: the price of a callback that takes long.

Whoever was ready together with the slow one, and came later in order, has waited from the
moment when the loop woke: that is exact. Who is ready in the next turn, and the loop did not
sleep before it, became so at some time meanwhile: that is "up to". A timer knows how late it
is. The slow one itself has not waited for itself.
"""

from collections.abc import Iterator
from typing import Final

from .events import Io, Watch
from .turns import AT_ONCE, TIMERS, Run, Slot, Stage, Turn, Wait

__all__ = ["HEAVY", "find_waits"]

HEAVY: Final = 0.010
"""Seconds; from here on a callback is said to keep the others waiting."""


def find_waits(run: Run) -> None:
    """Work out `waited` of all turns."""
    before: Turn | None = None
    for turn in run.turns:
        if turn.stage is not Stage.TURN or turn.times > 1:
            before = None
            continue
        for serial, wait in _waits(turn, before):
            known = turn.waited.get(serial)
            if known is None or known.seconds < wait.seconds:
                turn.waited[serial] = wait
        before = turn


def _waits(turn: Turn, before: Turn | None) -> Iterator[tuple[int, Wait]]:
    slots = [*before.slots, *turn.slots] if before is not None else turn.slots
    heavy = [slot for slot in slots if slot.seconds >= HEAVY]
    if not heavy:
        return
    for slot, since, exact in _victims(turn, before):
        seconds = slot.began - since
        guilty = [other for other in heavy if _kept_waiting(slot, since, other)]
        if seconds >= HEAVY and guilty:
            worst = max(guilty, key=lambda other: other.seconds)
            name = worst.name if worst.serial == TIMERS else ""
            yield slot.serial, Wait(seconds, exact, worst.serial, name)


def _kept_waiting(slot: Slot, since: float, other: Slot) -> bool:
    """Whether it was `other` that was served meanwhile. Timers are many, in one lane."""
    is_another = other.serial != slot.serial or slot.serial == TIMERS
    return is_another and since < other.ended and other.began < slot.began


def _victims(turn: Turn, before: Turn | None) -> Iterator[tuple[Slot, float, bool]]:
    """Each slot that had to be waited for: from when on, and whether that is exact."""
    ready = dict(turn.ready)
    written: dict[int, float] = {}
    for slot in turn.slots:
        if slot.kind == "timer":
            yield slot, *_since_due(slot, turn, before)
        elif slot.kind == "call":
            yield slot, turn.woke, True
        elif slot.kind == "flush":
            yield slot, written.get(slot.serial, slot.began), True
        elif _answers(slot, ready.get(slot.serial, "")):
            del ready[slot.serial]
            yield slot, *_since_ready(slot.serial, turn, before)
        written[slot.serial] = slot.ended


def _since_due(timer: Slot, turn: Turn, before: Turn | None) -> tuple[float, bool]:
    """A timer is late by no more than the turn before: else that would have served it."""
    if not timer.late:  # perhaps not known
        return turn.woke, False
    return max(timer.began - timer.late, (before or turn).began), True


def _since_ready(serial: int, turn: Turn, before: Turn | None) -> tuple[float, bool]:
    slept = turn.timeout != 0 and turn.slept >= AT_ONCE
    if slept or before is None:
        return turn.woke, True
    since = before.woke
    readiness = dict(before.ready).get(serial, "")
    for slot in before.slots:
        if slot.serial == serial and _answers(slot, readiness):
            since = slot.ended
        if serial not in before.watched:
            begun = (e.time for e in slot.events if isinstance(e, Watch) and e.serial == serial)
            since = max(since, *begun, 0.0)
    return since, False


def _answers(slot: Slot, readiness: str) -> bool:
    """Whether that is what a descriptor was ready for; of a callback that is taken for granted."""
    if slot.name or slot.kind:
        return bool(readiness)
    receives = {event.op in ("accept", "recv") for event in slot.events if isinstance(event, Io)}
    return ("r" in readiness and True in receives) or ("w" in readiness and False in receives)
