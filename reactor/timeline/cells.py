"""What the lanes of one column say: a few short lines each, as they fit into a picture."""

from dataclasses import dataclass
from enum import Enum
from functools import singledispatchmethod
from itertools import groupby
from typing import Final

from .events import Blocked, Close, Drop, Event, Io, Open, Watch
from .lanes import Lanes
from .printable import LINE_END, clip, is_text, printable, shown, width
from .run import TIMERS, Slot, Stage, Turn
from .words import Words

__all__ = ["MOST", "CellLine", "Ink", "lines_of"]

MOST: Final = 6
"""Lines in a cell, the one that says how many more there are included."""

_ROOM: Final = 15
_LARGE: Final = 200
_LATE: Final = 0.010


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
    """A line of a cell: about 16 columns, safe to look at, not yet escaped for any output."""

    text: str
    ink: Ink


def lines_of(turn: Turn, lanes: Lanes, words: Words) -> dict[int, list[CellLine]]:
    """The lines of all cells of a column, at most MOST each, by the heading's serial number."""
    writer = _Writer(turn, lanes, words)
    for slot in turn.slots:
        writer.write_slot(slot)
    for event in turn.elsewhere:
        writer.write(event)
    writer.write_ready()
    return {serial: _fitting(lines, words) for serial, lines in writer.cells.items()}


class _Writer:
    def __init__(self, turn: Turn, lanes: Lanes, words: Words) -> None:
        self.cells: dict[int, list[CellLine]] = {}
        self._turn, self._lanes, self._words = turn, lanes, words
        self._touched = {slot.serial for slot in turn.slots}
        self._closed = {event.serial for event in turn.events if isinstance(event, Close)}
        self._last_reads = {
            event.serial: event for event in turn.events if isinstance(event, Io) and event.size
            if event.op == "recv"
        }  # fmt: skip

    def write_slot(self, slot: Slot) -> None:
        if slot.serial == TIMERS and slot.name:
            name = printable(slot.name).rpartition(".")[2]
            self._add(TIMERS, clip(name, _ROOM + 1), Ink.QUIET)
        if slot.late >= _LATE:
            late = self._words.cell_late.format(time=self._words.duration(slot.late))
            self._add(slot.serial, late, Ink.ERROR)
        for event in slot.events:
            if isinstance(event, Blocked):
                self._write_blocked(event, slot.serial)
            else:
                self.write(event)
        if slot.raised:
            self._add(slot.serial, clip(f"✗ {printable(slot.raised)}", _ROOM + 1), Ink.ERROR)

    def write_ready(self) -> None:
        """Who was ready, and nothing came of it."""
        words, turn = self._words, self._turn
        for serial, _ in turn.ready:
            if turn.times > 1:
                rate = turn.times / max(turn.ended - turn.began, 1e-9)
                lines = self.cells.setdefault(self._home(serial), [])
                lines.insert(0, CellLine(words.cell_ready_again, Ink.ERROR))
                text = words.cell_per_second.format(rate=words.number(round(rate)))
                self._add(serial, text, Ink.QUIET)
            elif serial not in self._touched:
                self._add(serial, words.cell_not_served, Ink.QUIET)

    @singledispatchmethod
    def write(self, event: Event) -> None:
        """The lines of one event."""

    @write.register
    def _(self, event: Io) -> None:
        self._touched.add(event.serial)
        if event.error:
            if (event.op, event.error) not in (("accept", "EAGAIN"), ("accept", "EWOULDBLOCK")):
                quiet = event.error in ("EAGAIN", "EWOULDBLOCK", "EINPROGRESS", "EINTR")
                ink = Ink.QUIET if quiet else Ink.ERROR
                self._add(event.serial, f"{printable(event.op)}: {printable(event.error)}", ink)
        elif event.op == "recv":
            self._write_received(event)
        elif event.op in ("send", "sendall", "sendfile"):
            self._write_sent(event)
        elif event.op == "accept":
            self._add(event.serial, self._words.cell_accepted, Ink.PLAIN)
        elif event.op == "connect":
            self._add(event.serial, self._words.cell_connected, Ink.PLAIN)
        elif event.op == "shutdown":
            self._add(event.serial, f"■ {self._words.cell_shutdown}", Ink.END)

    @write.register
    def _(self, event: Open) -> None:
        if event.by:
            here = self._words.cell_here.format(lane=self._lanes.title(event.serial))
            self._add(event.serial, here, Ink.PLAIN)

    @write.register
    def _(self, event: Watch) -> None:
        words, lane = self._words, self._lanes.lane(event.serial)
        if event.serial in self._closed:
            return
        if self._turn.stage is Stage.BEFORE:
            if event.after:
                self._add(event.serial, words.cell_watched, Ink.QUIET)
            return
        is_first = not event.before and lane is not None and lane.born == self._turn.number
        for sign, texts, gained in (
            ("+", (words.cell_wait_bytes, words.cell_wait_room), event.after),
            ("−", (words.cell_stop_bytes, words.cell_stop_room), event.before),
        ):
            other = event.before if sign == "+" else event.after
            for letter, text in zip("rw", texts, strict=True):
                if letter in gained and letter not in other and not (is_first and letter == "r"):
                    self._add(event.serial, f"{sign} {text}", Ink.ROOM)

    @write.register
    def _(self, event: Drop) -> None:
        count = self._words.number(event.count)
        self._add(event.serial, f"✕ {self._words.cell_dropped.format(count=count)}", Ink.ERROR)

    @write.register
    def _(self, event: Close) -> None:
        words = self._words
        text = {"detached": words.cell_detached, "collected": words.cell_collected}
        self._add(event.serial, f"✕ {text.get(event.how, words.cell_closed)}", Ink.QUIET)

    def _write_received(self, event: Io) -> None:
        serial, words = event.serial, self._words
        if event.size:
            self._add_data("◀", event, Ink.IN)
        elif self._lanes.kind(serial) == "datagram":
            self._add(serial, f"◀ {words.size(0)}", Ink.IN)
        else:
            self._add(serial, f"◀ {words.cell_end}", Ink.END)
        if self._last_reads.get(serial) is event and serial in self._turn.kept:
            self._add(serial, words.cell_kept, Ink.KEPT)
            self._wrap(serial, "✎", shown(self._turn.kept[serial]), Ink.KEPT)

    def _write_sent(self, event: Io) -> None:
        words = self._words
        if event.to:
            port = printable(event.to).rpartition(":")[2]
            text = words.cell_to.format(size=words.size(event.size), port=port)
            self._add(event.serial, f"▶ {text}", Ink.OUT)
        elif event.asked > event.size:
            text = words.cell_partly.format(
                sent=words.size(event.size), asked=words.size(event.asked)
            )
            self._add(event.serial, f"▶ {text}", Ink.OUT)
        else:
            self._add_data("▶", event, Ink.OUT)

    def _write_blocked(self, event: Blocked, serial: int) -> None:
        took = self._words.duration(event.took)
        self._add(serial, clip(f"{printable(event.what)}", _ROOM + 1), Ink.ERROR)
        self._add(serial, f"  {took}", Ink.ERROR)

    def _add_data(self, sign: str, event: Io, ink: Ink) -> None:
        whole = event.size <= len(event.data)
        if event.size > _LARGE or not event.data or not is_text(event.data):
            self._add(event.serial, f"{sign} {self._words.size(event.size)}", ink)
        else:
            text = shown(event.data, whole=whole)
            self._wrap(event.serial, sign, text if whole else text + "…", ink)

    def _wrap(self, serial: int, sign: str, text: str, ink: Ink) -> None:
        """One line, or two: broken after the end of a line if there is one."""
        if width(text) <= _ROOM:
            self._add(serial, f"{sign} {text}", ink)
            return
        first = clip(text, _ROOM + 1).removesuffix("…")
        first = first[: first.rfind(LINE_END) + 1] or first
        self._add(serial, f"{sign} {first}", ink)
        self._add(serial, f"  {clip(text[len(first) :], _ROOM)}", ink)

    def _add(self, serial: int, text: str, ink: Ink) -> None:
        self.cells.setdefault(self._home(serial), []).append(CellLine(text, ink))

    def _home(self, serial: int) -> int:
        heading = self._lanes.heading(serial)
        return heading.serial if heading else serial


def _fitting(lines: list[CellLine], words: Words) -> list[CellLine]:
    """Equal neighbours as one line, and no more lines than a cell has."""
    joined = []
    for line, alike in groupby(lines):
        times = len(list(alike))
        joined.append(CellLine(f"{line.text} ×{times}", line.ink) if times > 1 else line)
    if len(joined) > MOST:
        more = words.cell_more.format(count=words.number(len(joined) - MOST + 1))
        joined[MOST - 1 :] = [CellLine(more, Ink.QUIET)]
    return joined
