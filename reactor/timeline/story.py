"""A turn in plain words, for those who can't see the picture and those who want to be sure.

Each line is a tuple of spans, so that whoever shows it gives each style its own look. What a
language says stands in its Words; here is only what is said, in which order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import singledispatchmethod
from itertools import groupby
from string import Formatter
from typing import Final, TypeAlias

from .events import Blocked, Close, Drop, Event, Io, Label, Named, Open, Queue, Watch
from .lanes import Lanes
from .printable import is_text, printable, shown
from .run import Run, Slot, Stage, Turn
from .words import Words

__all__ = ["HEAVY", "Line", "Span", "Style", "tell", "tell_end"]

HEAVY: Final = 0.010
"""Seconds of one callback, from which on others have waited for it."""
_AWAKE: Final = 0.0001
_LATE: Final = 0.001
_ENOUGH: Final = 200


class Style(Enum):
    """How a span looks."""

    PLAIN = "plain"
    CODE = "code"
    STRONG = "strong"
    BAD = "bad"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one look: safe to look at, not yet escaped for any output."""

    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = tuple[Span, ...]


def tell(turn: Turn, lanes: Lanes, words: Words) -> list[Line]:
    """What happened in a turn: how it began, then a line for each who was served."""
    teller = _Teller(turn, lanes, words)
    return [_joined(line) for line in (teller.beginning(), *teller.rest())]


def tell_end(run: Run, words: Words) -> list[Line]:
    """What the record as a whole leaves open; nothing if it is whole."""
    lines = []
    if not run.is_whole:
        lines.append(words.told_cut_short)
    if run.turns_left_out or run.events_left_out:
        lines.append(
            words.told_left_out.format(
                turns=words.count(run.turns_left_out, words.turns),
                events=words.count(run.events_left_out, words.events),
            )
        )
    if run.unreadable:
        lines.append(words.told_unreadable.format(lines=words.count(run.unreadable, words.lines)))
    return [(Span(line),) for line in lines]


class _Teller:
    def __init__(self, turn: Turn, lanes: Lanes, words: Words) -> None:
        self._turn, self._lanes, self._words = turn, lanes, words
        self._waiting = dict(turn.waited)
        self._closed = {event.serial for event in turn.events if isinstance(event, Close)}
        self._last_reads = {
            event.serial: event for event in turn.events if isinstance(event, Io) and event.size
            if event.op == "recv"
        }  # fmt: skip

    # -- how it began ----------------------------------------------------------------

    def beginning(self) -> list[Span]:
        words, turn = self._words, self._turn
        if turn.stage is Stage.BEFORE:
            return [Span(words.told_before, Style.STRONG)]
        if turn.stage is Stage.AFTER:
            return [Span(words.told_after, Style.STRONG)]
        if turn.times > 1:
            return [*self._folded()]
        number = words.number(turn.number)
        head = Span(words.told_turn.format(number=number), Style.STRONG)
        return [head, Span(f" {self._wait()} "), *self._woken()]

    def _wait(self) -> str:
        words, turn = self._words, self._turn
        if turn.timeout == 0:
            return words.told_only_looked
        if turn.slept < _AWAKE:
            return words.told_did_not_sleep
        return words.told_slept.format(time=words.duration(turn.slept))

    def _woken(self) -> Iterator[Span]:
        words, turn = self._words, self._turn
        if turn.ready:
            yield from _fill(words.told_ready, who=self._ready())
        elif turn.timeout and turn.slept >= turn.timeout:
            yield Span(words.told_time_was_up)
        else:
            yield Span(words.told_nobody_ready)

    def _ready(self) -> list[Span]:
        spans: list[Span] = []
        for serial, events in self._turn.ready:
            what = f" {self._words.and_} ".join(map(self._readiness, [serial] * 2, events))
            spans += [Span(", " if spans else ""), self._name(serial), Span(f" ({what})")]
        return spans

    def _readiness(self, serial: int, event: str) -> str:
        words = self._words
        if event != "r":
            return words.ready_room
        return {
            "listener": words.ready_to_accept,
            "datagram": words.ready_datagram,
            "wakeup": words.ready_rung,
        }.get(self._lanes.kind(serial), words.ready_to_read)

    def _folded(self) -> Iterator[Span]:
        words, turn = self._words, self._turn
        first, last = words.number(turn.number), words.number(turn.last)
        yield Span(words.told_turns.format(first=first, last=last), Style.STRONG)
        yield Span(" ")
        count = words.number(turn.times)
        yield Span(words.told_again.format(count=count), Style.STRONG)
        yield Span(" ")
        if turn.ready:
            yield from _fill(words.told_again_ready, who=self._ready())
        else:
            yield Span(words.told_again_nobody)
        yield Span(" ")
        whole = turn.ended - turn.began
        if turn.slept < _AWAKE * turn.times and whole > 0:
            rate = words.number(round(turn.times / whole))
            yield Span(words.told_again_rate.format(rate=rate), Style.BAD)
        else:
            slept = words.duration(turn.slept)
            text = words.told_again_slept.format(time=slept, whole=words.duration(whole))
            yield Span(text)

    # -- what was done ---------------------------------------------------------------

    def rest(self) -> Iterator[list[Span]]:
        for place, slot in enumerate(self._turn.slots, 1):
            number = f"{place}. " if self._turn.stage is Stage.TURN else ""
            yield [Span(number), *self._slot(slot)]
        for thread, events in groupby(self._turn.elsewhere, key=lambda event: event.thread):
            name = Span(printable(thread), Style.CODE)
            yield [
                *_fill(self._words.told_thread, thread=[name]),
                Span(" "),
                *self._segments(events),
            ]
        yield from self._left()

    def _slot(self, slot: Slot) -> Iterator[Span]:
        yield from self._segments(slot.events, slot)
        took = self._words.duration(slot.seconds)
        name = f", {printable(slot.name)}" if slot.name else ""
        yield Span(f" ({took}{name})", Style.SMALL)
        if slot.seconds >= HEAVY and self._turn.stage is Stage.TURN:
            yield Span(f" {self._words.told_alone.format(time=took)}", Style.BAD)
        waited = self._waiting.pop(slot.serial, None)
        if waited is not None:
            template = self._words.told_waited if waited.exact else self._words.told_waited_up_to
            time = self._words.duration(waited.seconds)
            yield Span(f" {template.format(time=time)}", Style.BAD)

    def _segments(self, events: Iterable[Event], slot: Slot | None = None) -> Iterator[Span]:
        """What was done, lane by lane in the order in which it was done."""
        told: list[tuple[int, list[Span]]] = []
        if slot is not None:
            told += ((slot.serial, bit) for bit in self._about(slot))
        for event in events:
            serial = self._whose(event, slot)
            told += ((serial, bit) for bit in self.bits(event) if bit)
        if slot is not None:
            told += ((slot.serial, bit) for bit in self._outcome(slot))
            told = told or [(slot.serial, [Span(self._words.told_nothing)])]
        separator = ""
        for serial, group in groupby(told, key=lambda pair: pair[0]):
            yield Span(separator)
            yield self._name(serial)
            yield Span(": ")
            yield from self._sentence([bit for _, bit in group])
            separator = " "

    def _sentence(self, bits: list[list[Span]]) -> Iterator[Span]:
        """Bits in a row; equal ones are said once, with how often."""
        keys = [tuple(bit) for bit in bits]
        for place, key in enumerate(dict.fromkeys(keys)):
            yield Span("; " if place else "")
            yield from key
            if keys.count(key) > 1:
                count = self._words.number(keys.count(key))
                yield Span(f" {self._words.told_times.format(count=count)}")
        yield Span(".")

    def _about(self, slot: Slot) -> Iterator[list[Span]]:
        words = self._words
        text = {"timer": words.told_timer, "call": words.told_call}.get(slot.kind, "")
        if text:
            yield [Span(text)]
        if slot.late >= _LATE:
            yield [Span(words.told_late.format(time=words.duration(slot.late)))]

    def _outcome(self, slot: Slot) -> Iterator[list[Span]]:
        words = self._words
        if slot.raised:
            error = Span(printable(slot.raised), Style.CODE)
            yield _fill(words.told_raised, Style.BAD, error=[error])
        if not slot.finished:
            yield [Span(words.told_unfinished, Style.BAD)]

    def _whose(self, event: Event, slot: Slot | None) -> int:
        if isinstance(event, Open) and event.by:
            return event.by
        own = slot.serial if slot is not None else 0
        return getattr(event, "serial", own)

    def _left(self) -> Iterator[list[Span]]:
        """Who was ready for nothing, and who waits still."""
        words, turn = self._words, self._turn
        touched = {slot.serial for slot in turn.slots}
        touched.update(event.serial for event in turn.events if isinstance(event, Io))
        left = [serial for serial, _ in turn.ready if serial not in touched]
        if left and turn.times == 1:
            names: list[Span] = []
            for serial in left:
                names += [Span(", " if names else ""), self._name(serial)]
            yield _fill(words.told_not_served, who=names)

    # -- one event -------------------------------------------------------------------

    @singledispatchmethod
    def bits(self, event: Event) -> Iterator[list[Span]]:
        """What one event says, a part of a sentence each."""
        yield from ()

    @bits.register
    def _(self, event: Io) -> Iterator[list[Span]]:
        words = self._words
        if event.error:
            yield self._failed(event)
        elif event.op == "recv":
            yield from self._received(event)
        elif event.op in ("send", "sendall", "sendfile"):
            yield from self._sent(event)
        elif event.op == "connect":
            lane = self._lanes.lane(event.serial)
            peer = printable(event.to or (lane.peer if lane else ""))
            yield [Span(words.told_connected.format(address=peer))]
        elif event.op == "shutdown":
            yield [Span(words.told_shutdown)]

    def _failed(self, event: Io) -> list[Span]:
        words, op, error = self._words, printable(event.op), printable(event.error)
        if event.error in ("EAGAIN", "EWOULDBLOCK"):
            text = {"accept": words.told_nobody_else, "recv": words.told_nothing_there}
            return [Span(text.get(event.op, words.told_no_room))]
        if event.op == "connect" and event.error == "EINPROGRESS":
            return [Span(words.told_connecting)]
        if event.error in words.errors:
            meaning = words.errors[event.error]
            return [Span(words.told_error.format(op=op, meaning=meaning, error=error), Style.BAD)]
        return [Span(words.told_error_unknown.format(op=op, error=error), Style.BAD)]

    def _received(self, event: Io) -> Iterator[list[Span]]:
        words = self._words
        if not event.size and self._lanes.kind(event.serial) != "datagram":
            yield [Span(words.told_end)]
        else:
            yield self._bytes(
                event, words.told_came, words.told_came_beginning, words.told_came_bare
            )
        if self._last_reads.get(event.serial) is event and event.serial in self._turn.kept:
            kept = Span(shown(self._turn.kept[event.serial]), Style.CODE)
            yield _fill(words.told_kept, data=[kept])

    def _sent(self, event: Io) -> Iterator[list[Span]]:
        words = self._words
        what = self._bytes(event, words.told_went, words.told_went_beginning, words.told_went_bare)
        if event.to:
            what = _fill(words.told_went_to, address=[Span(printable(event.to))], what=what)
        yield what
        if event.asked > event.size:
            sent, asked = words.number(event.size), words.count(event.asked, words.bytes)
            yield [Span(words.told_partly.format(sent=sent, asked=asked))]

    def _bytes(self, event: Io, template: str, beginning: str, bare: str) -> list[Span]:
        size = [Span(self._words.count(event.size, self._words.bytes))]
        if not event.data or not is_text(event.data):
            return _fill(bare, size=size)
        if event.size <= len(event.data):
            return _fill(template, size=size, data=[Span(shown(event.data), Style.CODE)])
        data = [Span(shown(event.data, whole=False) + "…", Style.CODE)]
        return _fill(beginning, size=size, data=data)

    @bits.register
    def _(self, event: Open) -> Iterator[list[Span]]:
        words = self._words
        if not event.by:
            yield [Span(words.told_made)]
            return
        lane = [self._name(event.serial)]
        if event.peer:
            address = [Span(printable(event.peer))]
            yield _fill(words.told_accepted_from, lane=lane, address=address)
        else:
            yield _fill(words.told_accepted, lane=lane)

    @bits.register
    def _(self, event: Named) -> Iterator[list[Span]]:
        words = self._words
        if event.local:
            template = words.told_listens if event.kind == "listener" else words.told_bound
            yield [Span(template.format(address=printable(event.local)))]

    @bits.register
    def _(self, event: Label) -> Iterator[list[Span]]:
        label = Span(printable(event.label), Style.STRONG)
        yield _fill(self._words.told_called, label=[label])

    @bits.register
    def _(self, event: Watch) -> Iterator[list[Span]]:
        words, lane = self._words, self._lanes.lane(event.serial)
        if event.serial in self._closed:
            return
        if not event.after:
            yield [Span(words.told_unwatched)]
            return
        is_first = not event.before and lane is not None and lane.born == self._turn.number
        for letter, starts, stops in (
            ("r", words.told_wait_bytes, words.told_stop_bytes),
            ("w", words.told_wait_room, words.told_stop_room),
        ):
            before, after = letter in event.before, letter in event.after
            known = is_first and letter == "r" and self._turn.stage is Stage.TURN
            if before != after and not known:
                yield [Span(starts if after else stops)]

    @bits.register
    def _(self, event: Queue) -> Iterator[list[Span]]:
        words = self._words
        if event.size:
            size = words.count(event.size, words.bytes)
            yield [Span(words.told_queue.format(size=size))]
        else:
            yield [Span(words.told_queue_empty)]

    @bits.register
    def _(self, event: Drop) -> Iterator[list[Span]]:
        count = self._words.count(event.count, self._words.datagrams)
        text = self._words.told_dropped.format(count=count, reason=printable(event.reason))
        yield [Span(text, Style.BAD)]

    @bits.register
    def _(self, event: Blocked) -> Iterator[list[Span]]:
        call = [Span(printable(f"{event.what}({event.about})"), Style.CODE)]
        took = [Span(self._words.duration(event.took), Style.BAD)]
        yield _fill(self._words.told_blocked, Style.BAD, call=call, time=took)

    @bits.register
    def _(self, event: Close) -> Iterator[list[Span]]:
        words = self._words
        text = {"detached": words.told_detached, "collected": words.told_collected}
        yield [Span(text.get(event.how, words.told_closed))]

    def _name(self, serial: int) -> Span:
        return Span(self._lanes.title(serial), Style.STRONG)


def _fill(template: str, style: Style = Style.PLAIN, **parts: list[Span]) -> list[Span]:
    """A sentence with its blanks filled in, each in its own style."""
    spans: list[Span] = []
    for text, name, _, _ in Formatter().parse(template):
        spans.append(Span(text, style))
        if name is not None:
            spans += parts[name]
    return spans


def _joined(spans: Iterable[Span]) -> Line:
    """Neighbours of one style as one span, empty ones left out."""
    return tuple(
        Span("".join(span.text for span in alike), style)
        for style, alike in groupby(filter(lambda span: span.text, spans), lambda s: s.style)
    )
