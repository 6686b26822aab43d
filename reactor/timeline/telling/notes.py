"""What one event says in a picture: a line or two of 16 columns, not yet in any cell.

`Clauses` says the same in whole sentences, for those who read instead of looking.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import singledispatchmethod
from typing import Final

from ..run.events import Blocked, Close, Drop, Event, Io, Open, Watch
from ..run.turns import TIMERS, Slot, Stage, Turn
from ..words.lanes import Lanes
from ..words.printable import LINE_END, clip, is_text, printable, shown, width
from ..words.words import Words

__all__ = ["CellLine", "Ink", "Notes"]

_LARGE: Final = 200
"""Bytes, from which on their number says more than they do."""
_SOME: Final = 4
"""Letters that a line has at least, to be broken after a word."""
_LATE: Final = 0.010
_SIGNS: Final = {"recv": "◀", "send": "▶", "sendall": "▶", "sendfile": "▶"}


class Ink(Enum):
    """What a line is about, for whoever gives it a colour."""

    IN = "in"
    OUT = "out"
    END = "end"
    KEPT = "kept"
    ROOM = "room"
    ERROR = "error"
    QUIET = "quiet"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class CellLine:
    """A line of a cell: safe to look at, not yet escaped for any output."""

    text: str
    ink: Ink


class Notes:
    """Notes the events of one turn, in lines of so many columns."""

    def __init__(self, turn: Turn, lanes: Lanes, words: Words, columns: int) -> None:
        self._turn, self._lanes, self._words = turn, lanes, words
        self._columns = columns
        self._closed = {event.serial for event in turn.events if isinstance(event, Close)}
        self._last_reads = {
            event.serial: event
            for event in turn.events
            if isinstance(event, Io) and event.op == "recv" and event.size
        }

    def of_slot(self, slot: Slot) -> Iterator[tuple[int, CellLine]]:
        """All that was done in a slot: the lane, and a line for it."""
        words = self._words
        if slot.serial == TIMERS and slot.name:
            yield TIMERS, CellLine(self._short(printable(slot.name)), Ink.QUIET)
        if slot.late >= _LATE:
            late = words.cell_late.format(time=words.duration(slot.late))
            yield slot.serial, CellLine(late, Ink.ERROR)
        of = self.of  # each look-up of it makes a function
        for event in slot.events:
            for line in of(event):
                yield getattr(event, "serial", slot.serial), line
        if slot.raised:
            text = clip(f"✗ {printable(slot.raised)}", self._columns)
            yield slot.serial, CellLine(text, Ink.ERROR)

    def _short(self, name: str) -> str:
        """A callback's name with what it is called on behalf of, if there is room for that."""
        if width(name) > self._columns:
            name = name.partition(" (")[0]
        if width(name) > self._columns:
            name = name.rpartition(".")[2]
        return clip(name, self._columns)

    @singledispatchmethod
    def of(self, event: Event) -> Iterator[CellLine]:
        """The lines of an event; none if it is seen otherwise, or not worth one."""
        yield from ()

    # -- bytes -----------------------------------------------------------------------

    @of.register
    def _(self, event: Io) -> Iterator[CellLine]:
        words = self._words
        if event.error:
            yield from self._failed(event)
        elif event.op == "recv":
            yield from self._received(event)
        elif event.op in ("send", "sendall", "sendfile"):
            yield from self._sent(event)
        elif event.op == "peek":
            text = words.cell_peeked.format(size=words.size(event.size))
            yield CellLine(clip(text, self._columns + 2), Ink.QUIET)
        elif event.op == "accept":
            yield CellLine(words.cell_accepted, Ink.PLAIN)
        elif event.op == "connect":
            yield CellLine(words.cell_connected, Ink.PLAIN)
        elif event.op == "shutdown":
            text = words.cell_shutdown_reading if event.how == "r" else words.cell_shutdown
            yield CellLine(f"■ {text}", Ink.END)

    def _failed(self, event: Io) -> Iterator[CellLine]:
        is_quiet = event.error in ("EAGAIN", "EWOULDBLOCK", "EINPROGRESS", "EINTR")
        # That nobody else is there is how each round of accepting ends.
        if not (is_quiet and event.op == "accept"):
            text = clip(f"{printable(event.op)}: {printable(event.error)}", self._columns + 2)
            yield CellLine(text, Ink.QUIET if is_quiet else Ink.ERROR)

    def _received(self, event: Io) -> Iterator[CellLine]:
        words = self._words
        if event.size or self._lanes.kind(event.serial) == "datagram":
            yield from self._data(event, Ink.IN)
        else:
            yield CellLine(f"◀ {words.cell_end}", Ink.END)
        if self._last_reads.get(event.serial) is event and event.serial in self._turn.kept:
            yield CellLine(words.cell_kept, Ink.KEPT)
            yield from self._wrapped("✎", shown(self._turn.kept[event.serial]), Ink.KEPT)

    def _sent(self, event: Io) -> Iterator[CellLine]:
        words, size = self._words, self._words.size(event.size)
        if event.to:
            port = printable(event.to).rpartition(":")[2]
            text = clip(words.cell_to.format(size=size, port=port), self._columns)
            yield CellLine(f"▶ {text}", Ink.OUT)
        elif event.asked > event.size:
            text = words.cell_partly.format(sent=size, asked=words.size(event.asked))
            yield CellLine(f"▶ {text}", Ink.OUT)
        else:
            yield from self._data(event, Ink.OUT)

    def _data(self, event: Io, ink: Ink) -> Iterator[CellLine]:
        sign, whole = _SIGNS[event.op], event.size <= len(event.data)
        if event.size > _LARGE or not event.data or not is_text(event.data):
            yield CellLine(f"{sign} {self._words.size(event.size)}", ink)
        else:
            text = shown(event.data, whole=whole)
            yield from self._wrapped(sign, text if whole else text + "…", ink)

    def _wrapped(self, sign: str, text: str, ink: Ink) -> Iterator[CellLine]:
        """One line, or two: broken after the end of a line, else after a word, if there is one."""
        if width(text) <= self._columns - 1:
            yield CellLine(f"{sign} {text}", ink)
            return
        first = clip(text, self._columns).removesuffix("…")
        ends = [first.rfind(LINE_END) + 1, first.rfind(" ", _SOME) + 1, len(first)]
        # An address is broken before its port, unless what follows has no room then.
        colon = first.rfind(":", _SOME) + 1
        if width(text[colon:]) < self._columns:
            ends.insert(2, colon)
        first = first[: next(filter(None, ends))]
        yield CellLine(f"{sign} {first}", ink)
        yield CellLine(f"  {clip(text[len(first) :], self._columns - 1)}", ink)

    # -- all else --------------------------------------------------------------------

    @of.register
    def _(self, event: Open) -> Iterator[CellLine]:
        if event.by:
            here = self._words.cell_here.format(lane=self._lanes.title(event.serial))
            yield CellLine(clip(here, self._columns + 2), Ink.PLAIN)

    @of.register
    def _(self, event: Close) -> Iterator[CellLine]:
        words = self._words
        texts = {"detached": words.cell_detached, "collected": words.cell_collected}
        yield CellLine(f"✕ {texts.get(event.how, words.cell_closed)}", Ink.QUIET)

    @of.register
    def _(self, event: Watch) -> Iterator[CellLine]:
        words, turn = self._words, self._turn
        lane = self._lanes.lane(event.serial)
        if event.serial in self._closed:
            return
        if turn.stage is Stage.BEFORE:
            if event.after:
                yield CellLine(words.cell_watched, Ink.QUIET)
            return
        is_newborn = lane is not None and lane.born == turn.number
        for letter, text in (("r", words.cell_wait_bytes), ("w", words.cell_wait_room)):
            before, after = letter in event.before, letter in event.after
            if before != after and (letter == "w" or event.before or not is_newborn):
                yield CellLine(f"{'+' if after else '−'} {text}", Ink.ROOM)

    @of.register
    def _(self, event: Drop) -> Iterator[CellLine]:
        count = self._words.number(event.count)
        yield CellLine(f"✕ {self._words.cell_dropped.format(count=count)}", Ink.ERROR)

    @of.register
    def _(self, event: Blocked) -> Iterator[CellLine]:
        yield CellLine(clip(f"■ {printable(event.what)}", self._columns + 1), Ink.ERROR)
        yield CellLine(f"  {self._words.duration(event.took)}", Ink.ERROR)
