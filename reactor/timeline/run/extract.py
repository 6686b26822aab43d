"""A part of a run, as a run: some of its turns, or some of its lanes.

What came before is forgotten, what it led to is not: lanes keep their names and lives, and
turns say what was watched and queued. The column of what was done before the loop belongs
to number 0.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import TypeVar

from .events import Event
from .turns import TIMERS, Run, Slot, Turn

__all__ = ["part"]

_Value = TypeVar("_Value")


def part(
    run: Run, first: int = 0, last: int | None = None, lanes: Collection[int] | None = None
) -> Run:
    """The turns with numbers from `first` to `last`, both included, and of them these `lanes`.

    Folded turns are there if one of them is. TIMERS is a lane like others. The slots that are
    left are those in which one of the lanes took part, with what was done with that; who was
    ready is left as it was: why the loop woke is no matter of lanes.
    """
    turns = [
        turn for turn in run.turns if turn.last >= first and (last is None or turn.number <= last)
    ]
    alive = {TIMERS} | {
        lane.serial
        for lane in run.lanes.values()
        if turns and lane.born <= turns[-1].last
        and (lane.died is None or lane.died >= turns[0].number)
    }  # fmt: skip
    only = alive if lanes is None else alive.intersection(lanes)
    return replace(
        run,
        turns=turns if lanes is None else [_with_lanes(turn, only) for turn in turns],
        only=frozenset(only),
        whole=run.whole or run,
    )


def _with_lanes(turn: Turn, only: Collection[int]) -> Turn:
    return replace(
        turn,
        only=only,
        slots=[left for slot in turn.slots if (left := _with_lanes_of_slot(slot, only))],
        elsewhere=[event for event in turn.elsewhere if _serial(event) in only],
        watched=_of(only, turn.watched),
        queues=_of(only, turn.queues),
        kept=_of(only, turn.kept),
        waited=_of(only, turn.waited),
    )


def _with_lanes_of_slot(slot: Slot, only: Collection[int]) -> Slot | None:
    """Somebody else's slot becomes that of the first who took part in it, if anybody did."""
    if slot.serial in only:
        events = [event for event in slot.events if _serial(event) in {*only, TIMERS}]
        return replace(slot, events=events)
    events = [event for event in slot.events if _serial(event) in only and _serial(event)]
    return replace(slot, serial=_serial(events[0]), events=events) if events else None


def _serial(event: Event) -> int:
    return getattr(event, "serial", TIMERS)


def _of(only: Collection[int], by_lane: dict[int, _Value]) -> dict[int, _Value]:
    return {serial: value for serial, value in by_lane.items() if serial in only}
