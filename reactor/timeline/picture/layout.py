"""Where everything of the picture lies: columns, lanes and spans as numbers, in pixels.

A run is broken into strips as music is into systems: each has as many turns as the width has
room for, the lanes that matter there, and its own piece of true time above them.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

from ..findings.diagnosis import diagnose
from ..run.turns import Lane, Run, Slot, Stage, Turn
from ..telling.cells import lines_of
from ..telling.story import AWAKE
from ..words.lanes import Heading, Lanes
from ..words.words import Words
from .columns import Cell, Column, grade_of
from .measure import BOLD, text_width

__all__ = ["INTEREST", "PADDING", "QUEUE", "RIBBON", "TICKS", "Layout", "Row", "Strip", "spans"]

TICKS: Final = 16
"""Pixels above the ribbon, for the labels of time."""
RIBBON: Final = 24
WEDGES: Final = 34
QUEUE: Final = 38
"""Pixels of the bar chart of a send queue, with its figures."""
INTEREST: Final = 13
"""Pixels of the two lines at a lane's bottom: what it is watched for."""
PADDING: Final = 5

_LONGEST_NAME: Final = 190
"""Pixels: an address with its port, and what is there."""
_STRETCH: Final = 1.6
"""Strips that would be narrower than the page are made so much wider, at most."""
_MANY_LANES: Final = 12
"""With more lanes than these, a strip leaves out those that are silent in it."""


@dataclass(slots=True)
class Row:
    """A lane's place in a strip."""

    heading: Heading
    queue: int
    """The largest send queue it ever had in the run, in bytes; 0 if it never had one."""
    y: int
    height: int = 0

    @property
    def bottom(self) -> int:
        return self.y + self.height


@dataclass(slots=True)
class Strip:
    """Some turns in a row, with their piece of true time."""

    columns: list[Column]
    rows: list[Row]
    left: int
    """Where the columns begin, right of the lanes' names."""
    start: float
    """When the first turn of the run began."""
    began: float
    ended: float
    top: int = TICKS + RIBBON + WEDGES
    """Where the columns' headings begin, below the wedges."""

    @property
    def right(self) -> int:
        return self.columns[-1].right

    @property
    def head(self) -> int:
        """Pixels of the columns' headings."""
        return 24 + 15 * max(len(column.notes) for column in self.columns)

    @property
    def bottom(self) -> int:
        return self.rows[-1].bottom if self.rows else self.top + self.head

    def at(self, time: float) -> float:
        """Where a moment lies in the ribbon."""
        share = (time - self.began) / (self.ended - self.began) if self.ended > self.began else 0.0
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def step(self) -> float:
        """Seconds between two ticks: 1, 2 or 5, with as many zeros as there is room for."""
        least = (self.ended - self.began) * 90 / max(90, self.right - self.left)
        power = 10.0 ** math.floor(math.log10(max(least, 1e-9)))
        return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)

    def ticks(self) -> Iterator[float]:
        """Round times since the start, with room for a label at each."""
        step = self.step()
        first = math.ceil((self.began - self.start) / step)
        for count in range(first, math.floor((self.ended - self.start) / step) + 1):
            yield count * step


def spans(columns: Sequence[Column], holds: Callable[[Turn], bool]) -> Iterator[tuple[int, int]]:
    """Where a line goes on from column to column: from x to x."""
    for there, run in groupby(columns, lambda column: holds(column.turn)):
        if there:
            stretch = list(run)
            yield stretch[0].x, stretch[-1].right


class Layout:
    """A run's columns and lanes, of which strips are made."""

    def __init__(self, run: Run, words: Words) -> None:
        self.lanes = Lanes(run, words)
        self._words = words
        self._queues = _largest_queues(run)
        looping = [turn for turn in run.turns if turn.stage is Stage.TURN]
        self._start = looping[0].began if looping else 0.0
        self.seconds = looping[-1].ended - self._start if looping else 0.0
        self.columns = [*map(self._column, run.turns, _anchors(run.turns))]
        self.findings = diagnose(run)
        self._set_flags()
        self.left = 16 + math.ceil(max([80.0, *self._widths_of_names()]))

    def _set_flags(self) -> None:
        numbers = defaultdict[str, list[str]](list)
        for place, finding in enumerate(self.findings, 1):
            numbers[self.column_of(finding.turn).anchor].append(str(place))
        for column in self.columns:
            if places := numbers[column.anchor]:
                column.flag = "!" + ",".join(places if len(places) <= 3 else [*places[:2], "…"])

    def _widths_of_names(self) -> Iterator[float]:
        """Pixels of what stands left of the columns; names that are too long will be cut."""
        words, whole = self._words, self._words.duration(self.seconds)
        for heading in self.lanes.headings:
            yield min(_LONGEST_NAME, text_width(heading.title, 13, BOLD))
            yield min(_LONGEST_NAME, text_width(heading.subtitle, 11))
        for size in self._queues.values():
            yield text_width(words.queue_up_to.format(size=words.size(size)), 11)
        yield text_width(words.time_of_all.format(time=whole, whole=whole), 11)

    def column_of(self, number: int) -> Column:
        """The column of a turn, or of those into which it was folded."""
        return next(c for c in self.columns if c.turn.number <= number <= c.turn.last)

    def share(self, time: float) -> float:
        """How much of the run is over at a moment, 0 to 1."""
        return min(1.0, max(0.0, (time - self._start) / self.seconds)) if self.seconds else 0.0

    def strips(self, columns: Sequence[Column], width: int) -> list[Strip]:
        """The columns in strips that are at most so many pixels wide, unless a column is wider."""
        broken = _break_evenly(columns, width - self.left - 1)
        widest = max((_natural_width(strip) for strip in broken), default=0.0)
        if len(broken) > 1:
            widest = max(widest, min(width - self.left - 1, widest * _STRETCH))
        return [self._strip(strip, widest) for strip in broken]

    def _strip(self, columns: list[Column], width: float) -> Strip:
        _place(columns, self.left, width)
        turns = [column.turn for column in columns]
        looping = [turn for turn in turns if turn.stage is Stage.TURN] or turns
        strip = Strip(columns, [], self.left, self._start, looping[0].began, looping[-1].ended)
        y = strip.top + strip.head
        for heading in self._headings(columns):
            row = Row(heading, max(self._queues.get(serial, 0) for serial in heading.serials), y)
            cells = [
                column.cells[heading.serial] for column in columns if heading.serial in column.cells
            ]
            row.height = PADDING + max((cell.height for cell in cells), default=0) + INTEREST
            row.height = max(42, row.height) + (QUEUE if row.queue else 0)
            strip.rows.append(row)
            y = row.bottom
        return strip

    def _headings(self, columns: Sequence[Column]) -> list[Heading]:
        """The lanes that a strip has: those which live in it; of many, those which do something."""
        alive = [
            heading
            for heading in self.lanes.headings
            if any(self.is_alive(heading, column.turn) for column in columns)
        ]
        if len(alive) <= _MANY_LANES:
            return alive
        return [h for h in alive if any(h.serial in column.cells for column in columns)]

    def is_alive(self, heading: Heading, turn: Turn) -> bool:
        """Whether one of the descriptors of a lane is there in a turn."""
        return any(map(partial(_is_alive, turn), map(self.lanes.lane, heading.serials)))

    def _column(self, turn: Turn, anchor: str) -> Column:
        words, notes = self._words, list[str]()
        if turn.stage is not Stage.TURN:
            title = words.before if turn.stage is Stage.BEFORE else words.after
        else:
            title = words.number(turn.number)
            if turn.times > 1:
                title = words.times.format(count=words.number(turn.times))
            if turn.slept >= AWAKE * turn.times:
                notes = [words.slept.format(time=words.duration(turn.slept))]
            elif turn.times > 1:
                rate = words.number(_rate(turn))
                notes = [words.nothing_done, words.per_second.format(rate=rate)]
            else:
                notes = [words.did_not_sleep]
        return Column(turn, anchor, title, notes, self._cells(turn))

    def _cells(self, turn: Turn) -> dict[int, Cell]:
        cells = defaultdict[int, Cell](Cell)
        for serial, lines in lines_of(turn, self.lanes, self._words).items():
            cells[serial].lines = lines
        for serial, wait in turn.waited.items():
            sentence = self._words.waited if wait.exact else self._words.waited_up_to
            cells[self._home(serial)].waited = sentence.format(
                time=self._words.duration(wait.seconds)
            )
        if turn.stage is Stage.TURN and turn.times == 1:
            served = defaultdict[int, list[Slot]](list)
            for slot in turn.slots:
                served[self._home(slot.serial)].append(slot)
            for serial, slots in served.items():
                seconds = sum(slot.seconds for slot in slots)
                order = _order([slot.place for slot in slots])
                cells[serial].bar = f"{order} {self._words.duration(seconds)}"
                cells[serial].grade = grade_of(seconds)
        return cells

    def _home(self, serial: int) -> int:
        heading = self.lanes.heading(serial)
        return heading.serial if heading else serial


def _order(places: Sequence[int]) -> str:
    """Who came first and second: circled, as far as there are circled figures."""
    signs = [chr(ord("①") + place - 1) if place <= 20 else f"({place})" for place in places]
    return "".join(signs if len(signs) <= 4 else [*signs[:2], "…", signs[-1]])


def _rate(turn: Turn) -> int:
    """Turns a second; 0 where time stood still."""
    seconds = turn.ended - turn.began
    return round(turn.times / seconds) if seconds > 1e-9 else 0


def _anchors(turns: Sequence[Turn]) -> list[str]:
    """A name for each column, for its address; what follows a loop has the last turn's number."""
    anchors, taken = list[str](), Counter[int]()
    for turn in turns:
        taken[turn.number] += 1
        again = f"-{taken[turn.number]}" if taken[turn.number] > 1 else ""
        anchors.append(f"turn-{turn.number}{again}")
    return anchors


def _largest_queues(run: Run) -> dict[int, int]:
    largest = Counter[int]()
    for turn in run.turns:
        largest |= Counter(turn.queues)
    return largest


def _is_alive(turn: Turn, lane: Lane | None) -> bool:
    if lane is None:  # timers and calls are always there
        return True
    return lane.born <= turn.last and (lane.died is None or turn.number <= lane.died)


def _break_evenly(columns: Sequence[Column], room: float) -> list[list[Column]]:
    """As few strips as possible, and as equal as possible, for the last one to be no widow."""
    strips = _break(columns, room)
    share = _natural_width(columns) / max(1, len(strips))
    while share < room and len(even := _break(columns, share)) > len(strips):
        share += 8
    return even if share < room else strips


def _break(columns: Sequence[Column], room: float) -> list[list[Column]]:
    strips: list[list[Column]] = []
    left = 0.0
    for column in columns:
        if not strips or column.natural_width > left:
            strips.append([])
            left = room
        strips[-1].append(column)
        left -= column.natural_width
    return strips


def _natural_width(columns: Sequence[Column]) -> float:
    return sum(column.natural_width for column in columns)


def _place(columns: Sequence[Column], left: int, width: float) -> None:
    """Side by side in so many pixels; what is too much is shared equally."""
    extra = (width - _natural_width(columns)) / len(columns)
    x = float(left)
    for column in columns:
        column.x = round(x)
        x += column.natural_width + extra
        column.width = round(x) - column.x
