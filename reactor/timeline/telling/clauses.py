"""What one event says, in a clause or two: the middle of a sentence that begins with its lane."""

from collections.abc import Iterator
from functools import singledispatchmethod
from typing import Final

from ..run.events import Blocked, Close, Drop, Event, Io, Label, Named, Open, Queue, Select, Watch
from ..run.turns import Stage, Turn
from ..words.lanes import Lanes
from ..words.printable import clip, is_text, printable, shown
from ..words.spans import Span, Style, fill
from ..words.words import Plural, Words

__all__ = ["Clauses"]

_BEGINNING: Final = 40
"""Columns of what was longer than the record keeps."""


class Clauses:
    """Tells the events of one turn."""

    def __init__(self, turn: Turn, lanes: Lanes, words: Words) -> None:
        self._turn, self._lanes, self._words = turn, lanes, words
        self._closed = {event.serial for event in turn.events if isinstance(event, Close)}
        self._last_reads = {
            event.serial: event
            for event in turn.events
            if isinstance(event, Io) and event.op == "recv" and event.size
        }

    @singledispatchmethod
    def of(self, event: Event) -> Iterator[list[Span]]:
        """The clauses of an event; none if it says nothing that its neighbours don't."""
        yield from ()

    # -- bytes -----------------------------------------------------------------------

    @of.register
    def _(self, event: Io) -> Iterator[list[Span]]:
        words = self._words
        if event.error:
            yield [self._failed(event)]
        elif event.op == "recv":
            yield from self._received(event)
        elif event.op in ("send", "sendall", "sendfile"):
            yield from self._sent(event)
        elif event.op == "connect":
            lane = self._lanes.lane(event.serial)
            address = printable(event.to or (lane.peer if lane else ""))
            told = words.told_connected.format(address=address)
            yield [Span(told if address else words.cell_connected)]
        elif event.op == "shutdown":
            yield [Span(words.told_shutdown_reading if event.how == "r" else words.told_shutdown)]
        elif event.op == "peek":
            yield fill(words.told_peeked, what=self._bytes(event, words.bytes))

    def _failed(self, event: Io) -> Span:
        words, op, error = self._words, printable(event.op), printable(event.error)
        if event.error in ("EAGAIN", "EWOULDBLOCK"):
            nothing = words.told_nothing_there
            texts = {"accept": words.told_nobody_waits, "recv": nothing, "peek": nothing}
            return Span(texts.get(event.op, words.told_no_room).format(error=error))
        if event.error == "EINPROGRESS":
            return Span(words.told_connecting.format(error=error))
        meaning = words.errors.get(event.error)
        template = words.told_error if meaning else words.told_error_unknown
        return Span(template.format(op=op, meaning=meaning, error=error), Style.BAD)

    def _received(self, event: Io) -> Iterator[list[Span]]:
        words = self._words
        if not event.size and self._lanes.kind(event.serial) != "datagram":
            yield [Span(words.told_end)]
        else:
            what = self._bytes(event, words.told_came)
            if event.sender:
                sender = [Span(printable(event.sender))]
                what = fill(words.told_data_from, address=sender, what=what)
            yield what
        if self._last_reads.get(event.serial) is event and event.serial in self._turn.kept:
            kept = Span(shown(self._turn.kept[event.serial]), Style.CODE)
            yield fill(words.told_kept, data=[kept])

    def _sent(self, event: Io) -> Iterator[list[Span]]:
        words = self._words
        what = self._bytes(event, words.told_went)
        if event.to:
            what = fill(words.told_data_to, address=[Span(printable(event.to))], what=what)
        yield what
        if event.asked > event.size:
            sent, asked = words.number(event.size), words.count(event.asked, words.bytes)
            yield [Span(words.told_partly.format(sent=sent, asked=asked))]

    def _bytes(self, event: Io, things: Plural) -> list[Span]:
        words, what = self._words, [Span(self._words.count(event.size, things))]
        if not event.data or not is_text(event.data):
            return what
        if event.size <= len(event.data):
            data = Span(shown(event.data), Style.CODE)
            return fill(words.told_data, what=what, data=[data])
        beginning = clip(shown(event.data, whole=False) + "…", _BEGINNING)
        return fill(words.told_data_beginning, what=what, data=[Span(beginning, Style.CODE)])

    # -- births, names, deaths -------------------------------------------------------

    @of.register
    def _(self, event: Open) -> Iterator[list[Span]]:
        words, lane = self._words, [self._name(event.serial)]
        if not event.by:
            yield [Span(words.told_made)]
        elif event.peer:
            address = [Span(printable(event.peer))]
            yield fill(words.told_accepted_from, lane=lane, address=address)
        else:
            yield fill(words.told_accepted, lane=lane)

    @of.register
    def _(self, event: Named) -> Iterator[list[Span]]:
        words = self._words
        # Of a listener it is told once, when it listens.
        if event.local and (event.kind or self._lanes.kind(event.serial) != "listener"):
            template = words.told_listens if event.kind == "listener" else words.told_bound
            yield [Span(template.format(address=printable(event.local)))]

    @of.register
    def _(self, event: Label) -> Iterator[list[Span]]:
        label = Span(printable(event.label), Style.STRONG)
        yield fill(self._words.told_called, label=[label])

    @of.register
    def _(self, event: Close) -> Iterator[list[Span]]:
        words = self._words
        texts = {"detached": words.told_detached, "collected": words.told_collected}
        yield [Span(texts.get(event.how, words.told_closed))]

    # -- what the loop waits for, and what waits for it ------------------------------

    @of.register
    def _(self, event: Watch) -> Iterator[list[Span]]:
        words, turn = self._words, self._turn
        lane = self._lanes.lane(event.serial)
        if event.serial in self._closed:
            return
        if event.before and not event.after:
            yield [Span(words.told_unwatched)]
            return
        reading = words.told_wait_bytes
        if lane is not None and lane.kind == "listener":
            reading = words.told_wait_clients
        is_newborn = lane is not None and lane.born == turn.number and turn.stage is Stage.TURN
        for letter, starts, stops in (
            ("r", reading, words.told_stop_bytes),
            ("w", words.told_wait_room, words.told_stop_room),
        ):
            has_changed = (letter in event.before) != (letter in event.after)
            # That it is listened to whoever was just accepted goes without saying.
            if has_changed and (letter == "w" or event.before or not is_newborn):
                yield [Span(starts if letter in event.after else stops)]

    @of.register
    def _(self, event: Queue) -> Iterator[list[Span]]:
        words = self._words
        size = words.count(event.size, words.told_queue)
        yield [Span(size if event.size else words.told_queue_empty)]

    @of.register
    def _(self, event: Drop) -> Iterator[list[Span]]:
        words, reason = self._words, printable(event.reason)
        template = words.told_dropped[event.count != 1]
        text = template.format(count=words.number(event.count), reason=reason)
        yield [Span(text, Style.BAD)]

    @of.register
    def _(self, event: Blocked) -> Iterator[list[Span]]:
        call = Span(printable(f"{event.what}({event.about})"), Style.CODE)
        time = Span(self._words.duration(event.took), Style.BAD)
        yield fill(self._words.told_blocked, Style.BAD, call=[call], time=[time])

    @of.register
    def _(self, event: Select) -> Iterator[list[Span]]:
        yield [Span(self._words.told_loop_within)]

    def _name(self, serial: int) -> Span:
        return Span(self._lanes.title(serial), Style.STRONG)
