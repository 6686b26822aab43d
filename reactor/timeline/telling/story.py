"""A turn in plain words, for those who can't see the picture and those who want to be sure.

How a turn began, then a line for each who was served, in the order in which they were. What a
language says stands in its Words; here is only what is said, and when it is left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from ..run.events import Event, Io, Open
from ..run.turns import Run, Slot, Stage, Turn, Wait
from ..run.waits import HEAVY
from ..words.lanes import Lanes, left_alone
from ..words.printable import printable
from ..words.spans import Line, Span, Style, fill, joined, listed
from ..words.words import Words
from .clauses import Clauses

__all__ = ["AWAKE", "NAMED", "Line", "Span", "Style", "tell", "tell_end"]

AWAKE: Final = 0.0001
"""Seconds; who waits less has not slept: it takes that long to look."""
_LATE: Final = 0.001
_MANY: Final = 100
"""From so many turns on in which nothing was done, the loop is said to run for nothing."""
NAMED: Final = 8
"""As many are called by their names, where the same is told of more."""
_LISTED: Final = 12
"""As many things are told of one lane in a row."""


def tell(turn: Turn, lanes: Lanes, words: Words) -> list[Line]:
    """What happened in a turn: how it began, then a line for each who was served."""
    story = _Story(turn, lanes, words)
    return [joined(line) for line in (story.beginning(), *story.slots(), *story.rest()) if line]


def tell_end(run: Run, words: Words) -> list[Line]:
    """What the record as a whole leaves open; nothing if it is whole."""
    lines = []
    if not run.is_whole:
        lines.append(words.told_cut_short)
    if run.turns_left_out or run.events_left_out:
        turns = words.count(run.turns_left_out, words.turns)
        events = words.count(run.events_left_out, words.events)
        lines.append(words.told_left_out.format(turns=turns, events=events))
    if run.unreadable:
        lines.append(words.count(run.unreadable, words.told_unreadable))
    return [(Span(line),) for line in lines]


class _Clause(NamedTuple):
    """What is told of a lane, with the bytes that are told of there."""

    serial: int
    spans: Line
    came: int = 0
    went: int = 0


class _Story:
    def __init__(self, turn: Turn, lanes: Lanes, words: Words) -> None:
        self._turn, self._lanes, self._words = turn, lanes, words
        self._tell = Clauses(turn, lanes, words).of
        self._waiting = dict(turn.waited)

    # -- how it began ----------------------------------------------------------------

    def beginning(self) -> list[Span]:
        words, turn = self._words, self._turn
        if turn.stage is Stage.BEFORE:
            return [Span(words.told_before, Style.STRONG)]
        if turn.stage is Stage.AFTER:
            return [Span(words.told_after, Style.STRONG)]
        if turn.times > 1:
            return list(self._folded())
        number = words.number(turn.number)
        head = Span(words.told_turn.format(number=number), Style.STRONG)
        if turn.has_no_selector:
            return [head, Span(f" {words.told_without_selector}")]
        return [*listed([head, Span(self._wait())], " "), Span(" "), *self._woken()]

    def _wait(self) -> str:
        words, turn = self._words, self._turn
        if turn.timeout == 0:
            return words.told_calls_waited if turn.calls else words.told_only_looked
        if turn.slept < AWAKE:
            return words.told_did_not_sleep
        return words.told_slept.format(time=words.duration(turn.slept))

    def _woken(self) -> list[Span]:
        words, turn = self._words, self._turn
        if turn.ready:
            return fill(words.told_ready[len(turn.ready) != 1], who=self._ready())
        # A microsecond for the record's rounding.
        if turn.timeout and turn.slept + 1e-6 >= turn.timeout:
            return [Span(words.told_time_was_up.format(time=words.duration(turn.timeout)))]
        return [Span(words.told_nobody_ready)]

    def _ready(self) -> list[Span]:
        """Who was ready, those together who were ready for the same."""
        spans: list[Span] = []
        for what, pairs in groupby(self._turn.ready, key=self._readiness):
            spans += [Span(", " if spans else ""), *self._names(s for s, _ in pairs)]
            spans.append(Span(f" ({what})"))
        return spans

    def _readiness(self, pair: tuple[int, str]) -> str:
        serial, events = pair
        words = self._words
        reading = {
            "listener": words.ready_to_accept,
            "datagram": words.ready_datagram,
            "wakeup": words.ready_rung,
        }.get(self._lanes.kind(serial), words.ready_to_read)
        texts = [reading] * ("r" in events) + [words.ready_room] * ("w" in events)
        return f" {words.and_} ".join(texts)

    def _folded(self) -> Iterator[Span]:
        words, turn = self._words, self._turn
        first, last = words.number(turn.number), words.number(turn.last)
        count = words.number(turn.times)
        called = any(slot.kind in ("timer", "call") for slot in turn.slots)
        template = words.told_again_calls if called else words.told_again
        head = words.told_turns.format(first=first, last=last)
        yield Span(f"{head} {template.format(count=count)} ", Style.STRONG)
        if turn.ready:
            yield from fill(words.told_again_ready[len(turn.ready) != 1], who=self._ready())
        else:
            asked = words.told_without_selector
            yield Span(asked if turn.has_no_selector else words.told_again_nobody)
        yield Span(" ")
        yield self._pace()

    def _pace(self) -> Span:
        """Whether turns that are folded were waits, or a loop that runs for nothing."""
        words, turn = self._words, self._turn
        whole = turn.ended - turn.began
        if turn.slept >= AWAKE * turn.times:
            slept = words.duration(turn.slept)
            return Span(words.told_again_slept.format(time=slept, whole=words.duration(whole)))
        if turn.times < _MANY or not whole:
            return Span(words.told_did_not_sleep)
        rate = words.number(round(turn.times / whole))
        return Span(words.told_again_rate.format(rate=rate), Style.BAD)

    # -- who was served --------------------------------------------------------------

    def slots(self) -> Iterator[list[Span]]:
        """A line each; neighbours of whom the same is told share one."""
        told = [(slot, *self._slot(slot)) for slot in self._turn.slots]
        for (_, _, name), alike in groupby(told, key=self._alike):
            slots, clauses = list[Slot](), list[_Clause]()
            for slot, some, _ in alike:
                slots.append(slot)
                clauses += some
            if clauses:
                text = self._sentences(clauses)
                yield [*self._number(slots), *text, *self._times(slots, name)]

    def _alike(self, told: tuple[Slot, list[_Clause], str]) -> tuple[int, list[Line], str]:
        """What those have in common who share a line: their lane too, if more depends on it."""
        slot, clauses, name = told
        is_alone = slot.serial in self._waiting or slot.seconds >= HEAVY
        is_alone = is_alone or any(clause.serial != slot.serial for clause in clauses)
        return slot.serial if is_alone else -1, [clause.spans for clause in clauses], name

    def _number(self, slots: list[Slot]) -> Iterator[Span]:
        """Their places, between which others may have been left out."""
        if self._turn.stage is Stage.TURN:
            first, last = slots[0].place, slots[-1].place
            number = ", ".join(str(slot.place) for slot in slots)
            if slots[1:] and last - first == len(slots) - 1:
                number = self._words.told_to.format(first=first, last=last)
            yield Span(f"{number}. ")

    def _times(self, slots: list[Slot], name: str) -> Iterator[Span]:
        """How long they took, and who pays for it; of folded turns only one is known."""
        words, turn = self._words, self._turn
        if turn.stage is not Stage.TURN or turn.times > 1:
            return
        took = words.duration(sum(slot.seconds for slot in slots))
        took = words.told_in_all.format(time=took) if slots[1:] else took
        yield Span(f" ({', '.join(filter(None, [name, took]))})", Style.SMALL)
        longest = max(slot.seconds for slot in slots)
        if longest >= HEAVY:
            yield Span(f" {words.told_alone.format(time=words.duration(longest))}", Style.BAD)
        for serial in dict.fromkeys(slot.serial for slot in slots):
            if serial in self._waiting:
                yield Span(f" {self._waited(self._waiting.pop(serial))}", Style.BAD)

    def _waited(self, wait: Wait) -> str:
        words = self._words
        template = words.told_waited if wait.exact else words.told_waited_up_to
        behind = printable(wait.callback) or self._lanes.title(wait.behind)
        return template.format(time=words.duration(wait.seconds), lane=behind)

    def _slot(self, slot: Slot) -> tuple[list[_Clause], str]:
        """What was done, and the name of the callback if it was not told with it."""
        clauses = [_Clause(slot.serial, tuple(spans)) for spans in self._call(slot)]
        name = "" if clauses else printable(slot.name)
        for event in slot.events:
            clauses += self._told(event, slot.serial)
        clauses += [_Clause(slot.serial, tuple(spans)) for spans in self._outcome(slot)]
        if not clauses and slot.name:
            clauses.append(_Clause(slot.serial, (Span(self._words.told_nothing),)))
        return clauses, name

    def _call(self, slot: Slot) -> Iterator[list[Span]]:
        words = self._words
        template = {"timer": words.told_timer, "call": words.told_call}.get(slot.kind)
        if template:
            yield fill(template, name=[Span(printable(slot.name), Style.CODE)])
        if template and slot.late >= _LATE:
            yield [Span(words.told_late.format(time=words.duration(slot.late)))]

    def _outcome(self, slot: Slot) -> Iterator[list[Span]]:
        words = self._words
        if slot.raised:
            error = [Span(printable(slot.raised), Style.CODE)]
            yield fill(words.told_raised, Style.BAD, error=error)
        if not slot.finished:
            yield [Span(words.told_unfinished, Style.BAD)]

    # -- what is left ----------------------------------------------------------------

    def rest(self) -> Iterator[list[Span]]:
        """What other threads did, and who was left alone."""
        words = self._words
        for thread, events in groupby(self._turn.elsewhere, key=lambda event: event.thread):
            told = self._sentences([told for event in events for told in self._told(event, 0)])
            if told:
                name = Span(printable(thread), Style.CODE)
                yield [*fill(words.told_thread, thread=[name]), Span(" "), *told]
        left = left_alone(self._turn)
        if left:
            yield fill(words.told_not_served[len(left) != 1], who=self._names(left))

    # -- sentences -------------------------------------------------------------------

    def _told(self, event: Event, serial: int) -> Iterator[_Clause]:
        """The clauses of an event with the lane that they are about; its bytes are the first's."""
        if isinstance(event, Open) and event.by:
            serial = event.by  # it is told of the listener that somebody came
        else:
            serial = getattr(event, "serial", serial)
        # Of a bell that is not in the picture, the story does not begin either.
        if self._lanes.kind(serial) == "wakeup" and self._lanes.heading(serial) is None:
            return
        came = went = 0
        if isinstance(event, Io):
            came, went = (event.size, 0) if event.op == "recv" else (0, event.size)
        for spans in self._tell(event):
            yield _Clause(serial, tuple(spans), came, went)
            came = went = 0

    def _sentences(self, clauses: list[_Clause]) -> list[Span]:
        """A sentence for each lane in its turn; neighbours of whom the same is told share one."""
        lanes = [
            (serial, [clause._replace(serial=0) for clause in group])
            for serial, group in groupby(clauses, key=lambda clause: clause.serial)
        ]
        spans: list[Span] = []
        for texts, alike in groupby(lanes, key=lambda lane: lane[1]):
            serials = [serial for serial, _ in alike]
            spans += [Span(" " if spans else ""), *self._names(serials)]
            spans.append(Span(f"{self._words.told_each if serials[1:] else ''}: "))
            spans += [*self._sentence(texts), Span(".")]
        return spans

    def _sentence(self, clauses: list[_Clause]) -> Iterator[Span]:
        """The clauses in a row: equal ones once, with how often, and no more than can be heard."""
        words, often = self._words, Counter(clauses)
        for place, (clause, times) in enumerate(often.items()):
            if place == _LISTED:
                yield Span(f"; {self._more([*often.items()][_LISTED:])}")
                return
            yield Span("; " if place else "")
            yield from clause.spans
            if times > 1:
                yield Span(f" {words.told_times.format(count=words.number(times))}")

    def _more(self, often: list[tuple[_Clause, int]]) -> str:
        """How many clauses are left out, and the bytes that these tell of."""
        words = self._words
        texts = [words.told_more.format(count=words.number(sum(times for _, times in often)))]
        came = sum(clause.came * times for clause, times in often)
        went = sum(clause.went * times for clause, times in often)
        texts += [words.count(came, words.told_came)] * bool(came)
        texts += [words.count(went, words.told_went)] * bool(went)
        return ", ".join(texts)

    def _names(self, serials: Iterable[int]) -> list[Span]:
        names = [Span(self._lanes.title(serial), Style.STRONG) for serial in serials]
        if len(names) > NAMED + 1:
            more = self._words.number(len(names) - NAMED)
            names[NAMED:] = [Span(self._words.told_more.format(count=more))]
        return listed(names)
