"""A record read as a run: events become lanes and turns, whatever is missing among them.

The run is that of the loop's thread: what others do, be it a loop of their own, is kept
beside it in `elsewhere`. Loops that follow each other are one run, with a column between
them if something was done there. Time never goes back: a turn begins where another ended.
"""

from collections.abc import Callable as Function
from collections.abc import Iterable
from typing import Any, Final

from .events import (
    Again,
    Callback,
    Close,
    Drop,
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
from .queues import Queues
from .turns import AT_ONCE, TIMERS, Lane, Run, Slot, Stage, Turn, Wait
from .unfinished_lines import keep_unfinished_lines
from .waits import find_waits

__all__ = ["TIMERS", "Lane", "Run", "Slot", "Stage", "Turn", "Wait", "read"]


def read(lines: Iterable[str | bytes]) -> Run:
    """The run that a record tells of, one JSON object a line.

    >>> run = read(['{"e": "select", "t": 1, "i": 1}', '{"e": "ready", "t": 3, "i": 1, "rea'])
    >>> run.turns[0].number, run.unreadable, run.is_whole
    (1, 1, False)
    """
    events = []
    unreadable = 0
    for line in lines:
        event = parse(line)
        if event is not None:
            events.append(event)
        elif line.strip():
            unreadable += 1
    builder = _Builder(_endless_callbacks(events), Run(unreadable=unreadable))
    for event in events:
        builder.add(event)
    return builder.finish()


def _endless_callbacks(events: list[Event]) -> set[int]:
    """The `id` of each callback whose end is not there."""
    begun: list[int] = []
    for event in events:
        if event.thread:
            continue
        if isinstance(event, Callback):
            begun.append(id(event))
        elif isinstance(event, Returned) and begun:
            begun.pop()
    return set(begun)


class _Builder:
    """Told of one event after the other; a few methods for turns, for slots, and for lanes."""

    def __init__(self, endless: set[int], run: Run) -> None:
        self._run = run
        self._endless = endless
        self._turn = Turn(0, Stage.BEFORE, 0.0, 0.0, 0.0)
        self._is_waiting = False
        self._folded: Turn | None = None
        self._slept = 0.0
        """Seconds, of all turns that are folded into that one."""
        self._watched: dict[int, str] = {}
        self._queues = Queues()
        self._callback: Slot | None = None
        self._is_endless = False
        self._within = 0
        """How many callbacks have begun within the callback."""
        self._loose: Slot | None = None
        self._now = 0.0

    def add(self, event: Event) -> None:
        self._now = max(self._now, event.time)
        kind = type(event)
        if kind in _NOTES:
            _NOTES[kind](self, event)
        if event.thread:
            self._turn.elsewhere.append(event)
        elif not (kind in _BOUNDARIES and self._is_within(event)):
            _TAKES.get(kind, _Builder._take)(self, event)

    def finish(self) -> Run:
        self._end_turn()
        keep_unfinished_lines(self._run)
        find_waits(self._run)
        return self._run

    # -- turns -----------------------------------------------------------------------

    def _start(self, event: Start) -> None:
        self._run.program, self._run.python = event.program, event.python

    def _end(self, event: End) -> None:
        self._run.is_whole = True
        self._run.turns_left_out = event.turns_left_out
        self._run.events_left_out = event.events_left_out
        self._turn.missed = event.missed

    def _select(self, event: Select) -> None:
        self._turn.missed = event.missed
        turn = self._begin_turn(event.turn)
        turn.timeout, turn.timers, turn.calls = event.timeout, event.timers, event.calls
        self._is_waiting = True

    def _ready(self, event: Ready) -> None:
        if self._turn.stage is not Stage.TURN or event.turn > self._turn.last:
            self._begin_turn(event.turn)  # the line that should have done it is lost
        self._wake()
        self._turn.selected = True
        self._turn.ready = tuple(pair for pair in event.ready if self._lane(pair[0]))

    def _leave(self, event: Leave) -> None:
        self._turn.missed = event.missed
        self._end_turn()
        self._turn = self._new_turn(self._turn.last, Stage.AFTER)

    def _again(self, event: Again) -> None:
        if self._turn is not self._folded:
            self._fold(event)
        # Else more of the same: what is counted is written from time to time.
        turn = self._turn
        turn.last = max(turn.number, event.last)
        self._now = max(self._now, event.until)
        self._slept += event.slept
        if self._slept >= AT_ONCE * turn.times:
            turn.slept = min(self._slept, self._now - turn.began)

    def _fold(self, event: Again) -> None:
        model = self._turn
        turn = self._folded = self._begin_turn(event.turn)
        self._slept = 0.0
        if model.stage is Stage.TURN:
            turn.timeout, turn.timers, turn.calls = model.timeout, model.timers, model.calls
            turn.ready, turn.selected = model.ready, model.selected
            turn.slots = model.slots[:] if model.did_nothing else []

    def _begin_turn(self, number: int) -> Turn:
        self._end_turn()
        self._turn = self._new_turn(max(number, self._turn.last + 1), Stage.TURN)
        return self._turn

    def _new_turn(self, number: int, stage: Stage) -> Turn:
        now = self._now
        return Turn(number, stage, now, now, now, last=number, watched=self._watched)

    def _wake(self) -> None:
        self._is_waiting = False
        self._turn.woke = self._now
        self._turn.slept = self._now - self._turn.began

    def _end_turn(self) -> None:
        turn = self._turn
        if self._is_waiting:
            self._wake()
        if self._callback is not None:
            self._end_callback(is_finished=False)
        if turn.stage is Stage.TURN:
            self._end_loose()
        self._loose = None
        turn.ended = self._now
        turn.queues = self._queues.sizes()
        if turn.stage is Stage.TURN or turn.slots or turn.elsewhere:
            self._run.turns.append(turn)

    # -- slots -----------------------------------------------------------------------

    def _is_within(self, event: Event) -> bool:
        """Whether what begins or ends here does so in a callback; then it is a part of that."""
        slot = self._callback
        if slot is not None and self._is_endless:
            # Were it more than a line that is lost, all that follows would be a part of it.
            self._end_callback(is_finished=False)
            slot = None
        if slot is not None:
            slot.events.append(event)
            self._within += isinstance(event, Callback)
        return slot is not None

    def _begin_callback(self, event: Callback) -> None:
        now = self._now
        slot = Slot(event.serial, now, now, event.name, event.kind, event.late)
        self._callback = self._begin_slot(slot)
        self._is_endless = id(event) in self._endless

    def _return(self, event: Returned) -> None:
        if self._callback is None:
            return
        if self._within:
            self._within -= 1
            self._callback.events.append(event)
        else:
            self._callback.raised = event.raised
            self._end_callback(is_finished=True)

    def _end_callback(self, *, is_finished: bool) -> None:
        slot, self._callback, self._within = self._callback, None, 0
        assert slot is not None
        slot.ended, slot.finished = self._now, is_finished
        if not slot.serial and slot.kind != "timer":
            used = {event.serial for event in slot.events if isinstance(event, Io)}
            slot.serial = used.pop() if len(used) == 1 else TIMERS

    def _take(self, event: Any) -> None:
        """Put an event into the slot that it belongs to."""
        if self._is_waiting:  # the wait was broken off
            self._wake()
        slot = self._callback or self._loose
        serial = getattr(event, "serial", TIMERS)
        is_another = slot is not None and slot is self._loose and slot.serial != serial
        if slot is None or (is_another and self._opens_slot(event)):
            slot = self._loose = self._begin_slot(Slot(serial, self._now, self._now))
        slot.events.append(event)
        self._now = slot.ended = max(self._now, event.time + getattr(event, "took", 0.0))

    def _opens_slot(self, event: Event) -> bool:
        """Whether somebody else is served from here on, in a loop written by hand."""
        if isinstance(event, Close) or (isinstance(event, Watch) and not event.after):
            # Who was ready, and is sent away without a word, has had his turn by that.
            turn, serial = self._turn, event.serial
            is_ready = any(serial == ready for ready, _ in turn.ready)
            return is_ready and all(slot.serial != serial for slot in turn.slots)
        return isinstance(event, Io) or (isinstance(event, Open) and not event.by)

    def _begin_slot(self, slot: Slot) -> Slot:
        if self._is_waiting:
            self._wake()
        self._end_loose()
        self._turn.slots.append(slot)
        slot.place = len(self._turn.slots)
        return slot

    def _end_loose(self) -> None:
        """In a loop written by hand, what lies between two operations belongs to the earlier."""
        if self._loose is not None:
            self._loose.ended, self._loose = self._now, None

    # -- lanes -----------------------------------------------------------------------

    def _lane(self, serial: int) -> Lane | None:
        """The lane, also if the line that told of its birth is lost; TIMERS has none."""
        lanes = self._run.lanes
        if serial not in lanes and serial != TIMERS:
            lanes[serial] = Lane(serial, -1, "other")
        return lanes.get(serial)

    def _note_use(self, event: Any) -> None:
        self._lane(event.serial)

    def _note_birth(self, event: Open) -> None:
        self._lane(event.by)
        if lane := self._lane(event.serial):
            lane.fd, lane.kind, lane.by = event.fd, event.kind, event.by
            lane.local, lane.peer, lane.born = event.local, event.peer, self._turn.number

    def _note_names(self, event: Named) -> None:
        if lane := self._lane(event.serial):
            lane.kind = event.kind or lane.kind
            lane.local = event.local or lane.local
            lane.peer = event.peer or lane.peer

    def _note_label(self, event: Label) -> None:
        if lane := self._lane(event.serial):
            lane.label = event.label

    def _note_death(self, event: Close) -> None:
        if lane := self._lane(event.serial):
            lane.died, lane.how = self._turn.number, event.how
            self._watch(event.serial, "")
            self._queues.close(event.serial)

    def _note_interest(self, event: Watch) -> None:
        if self._lane(event.serial) and not event.thread:
            self._watch(event.serial, event.after)

    def _note_queue(self, event: Queue) -> None:
        if self._lane(event.serial):
            self._queues.tell(event.serial, event.size)

    def _note_operation(self, event: Io) -> None:
        lane = self._lane(event.serial)
        if lane is not None and event.op == "send" and lane.kind != "datagram":
            self._queues.send(event)

    def _watch(self, serial: int, interest: str) -> None:
        if self._turn.watched is self._watched:
            self._watched = dict(self._watched)
        self._watched.pop(serial, None)
        if interest:
            self._watched[serial] = interest


_Handler = Function[[_Builder, Any], None]

_BOUNDARIES: Final = frozenset([Select, Ready, Leave, Again, Callback])

_TAKES: Final[dict[type[Event], _Handler]] = {
    Start: _Builder._start,
    End: _Builder._end,
    Select: _Builder._select,
    Ready: _Builder._ready,
    Leave: _Builder._leave,
    Again: _Builder._again,
    Callback: _Builder._begin_callback,
    Returned: _Builder._return,
}
_NOTES: Final[dict[type[Event], _Handler]] = {
    Open: _Builder._note_birth,
    Named: _Builder._note_names,
    Label: _Builder._note_label,
    Close: _Builder._note_death,
    Watch: _Builder._note_interest,
    Queue: _Builder._note_queue,
    Io: _Builder._note_operation,
    Callback: _Builder._note_use,
    Drop: _Builder._note_use,
}
