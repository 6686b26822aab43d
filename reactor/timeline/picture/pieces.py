"""A strip as SVG, in pieces with common coordinates.

A book shows them as one picture; a page scrolls them apart, so that the lanes' names and the
turns' numbers stay in sight.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from ..run.turns import Stage, Turn
from ..telling.cells import Ink
from ..words.lanes import Heading
from ..words.words import Words
from .columns import BAR, LINE, Cell, Column, Grade
from .layout import INTEREST, PADDING, QUEUE, RIBBON, TICKS, Layout, Row, Strip, spans
from .markup import Shapes, Texts, rect, text
from .measure import BOLD, fit, fit_end, fit_name, text_width

__all__ = ["Pieces", "definitions"]

_AWAKE: Final = {Grade.SHORT: "awake", Grade.LONG: "long", Grade.HEAVY: "heavy"}


def _hatch(name: str, paper: str, stripe: str, step: int) -> str:
    return (
        f'<pattern id="{name}" width="{step}" height="{step}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="{step}" height="{step}" '
        f'style="fill:var(--{paper})"/><rect width="{step // 2 - 1}" height="{step}" '
        f'style="fill:var(--{stripe})"/></pattern>'
    )


_HATCHES: Final = _hatch("hatch", "paper", "bad", 8) + _hatch("same", "hot", "stripe", 12)


def definitions(layout: Layout, slim: int = 0) -> str:
    """What the pieces of all strips refer to; once in a document.

    Names that have no room in `slim` pixels are there in a short form, too, unless it is 0.
    """
    names = "".join(_name(heading, layout.left, slim) for heading in layout.lanes.headings)
    return f"<defs>{_HATCHES}{names}</defs>"


def _name(heading: Heading, left: int, slim: int) -> str:
    title, below = heading.title, heading.subtitle
    shorten = fit_end if heading.kind else fit  # it is by their ends that addresses differ
    wide = fit_name(title, left - 16, 13, BOLD), shorten(below, left - 16, 11)
    short = fit_name(title, slim - 16, 13, BOLD), shorten(below, slim - 16, 11)
    if not slim or short == wide:
        texts = text("lane", 0, 17, wide[0]) + text("sub", 0, 31, wide[1])
    else:
        texts = "".join(
            text(f"lane {look}", 0, 17, name) + text(f"sub {look}", 0, 31, address)
            for look, (name, address) in (("wide", wide), ("slim", short))
        )
    return f'<g id="lane-{heading.serial}">{texts}</g>'


class Pieces:
    """A strip in four pieces with common coordinates, for whoever scrolls them apart."""

    def __init__(self, strip: Strip, layout: Layout, words: Words) -> None:
        self._strip, self._layout, self._words = strip, layout, words
        self._shades = [_shade(place, column) for place, column in enumerate(strip.columns)]

    # -- the ribbon of true time -----------------------------------------------------

    def ribbon(self) -> str:
        """True time, and wedges from there to the columns, one for each column."""
        strip, shapes = self._strip, Shapes()
        shapes.rect("asleep", strip.left + 0.5, TICKS, strip.right - strip.left - 1, RIBBON)
        for column in strip.columns:
            if column.turn.stage is Stage.TURN:
                self._draw_awake(column, shapes)
        wedges = "".join(map(self._wedge, strip.columns, self._shades))
        return f'<g class="wedges">{wedges}</g>{shapes}{"".join(self._ticks())}'

    def _wedge(self, column: Column, shade: str) -> str:
        strip, turn = self._strip, column.turn
        if turn.stage is not Stage.TURN:
            return "<path/>"
        began, ended = strip.at(turn.began), max(strip.at(turn.ended), strip.at(turn.began) + 0.8)
        path = f"M{began:.1f} {TICKS + RIBBON}H{ended:.1f}L{column.right} {strip.top}H{column.x}z"
        look = f' class="{shade}"' if shade in ("hot", "spin") else ""
        return f'<path{look} d="{path}"/>'

    def _draw_awake(self, column: Column, shapes: Shapes) -> None:
        turn, strip = column.turn, self._strip
        x = strip.at(turn.ended - turn.busy)
        width = max(1.5, strip.at(turn.ended) - x)
        # Long ones are taller, too: colours are not seen by all.
        height = {Grade.SHORT: 14, Grade.LONG: 18, Grade.HEAVY: RIBBON - 1}[column.grade]
        x = min(x, strip.right - width)
        y, kind = TICKS + RIBBON - height, _AWAKE[column.grade]
        shapes.rect(kind, round(x, 1), y, round(width, 1), height)

    def _ticks(self) -> Iterator[str]:
        strip, lines = self._strip, ""
        step = strip.step()
        for time in strip.ticks():
            x = strip.at(strip.start + time)
            label = self._words.moment(time, step)
            lines += f"M{x:.1f} {TICKS - 5}v5"
            if x + 4 + text_width(label, 11) <= strip.right:
                yield text("sub", x + 3, TICKS - 4, label)
        yield f'<path class="tick" d="{lines}"/>'

    # -- the columns' headings -------------------------------------------------------

    def numbers(self) -> str:
        """Which turn it is, and how long it slept."""
        numbers = map(self._number, self._strip.columns, self._shades)
        return f'<g class="heads">{"".join(numbers)}</g>'

    def links(self) -> str:
        """The same, each a link to its turn."""
        numbers = map(self._number, self._strip.columns, self._shades)
        links = "".join(
            f'<a href="#{column.anchor}">{number}</a>'
            for column, number in zip(self._strip.columns, numbers, strict=True)
        )
        return f'<g class="heads">{links}</g>'

    def _number(self, column: Column, shade: str) -> str:
        strip, middle = self._strip, column.x + column.width / 2
        kind = "many" if column.spins else "num"
        texts = [text(kind, middle, strip.top + 19, column.title)]
        for place, note in enumerate(column.notes):
            texts.append(text("", middle, strip.top + 34 + 15 * place, note))
        back = rect(shade, column.x, strip.top, column.width, strip.head)
        return back + "".join(texts) + (self._flag(column) if column.flag else "")

    def _flag(self, column: Column) -> str:
        width, y = column.flag_width, self._strip.top + 3
        flag = rect("mark", column.right - width - 2, y, width, 15)
        return flag + text("flag", column.right - 2 - width / 2, y + 11.5, column.flag)

    # -- the lanes -------------------------------------------------------------------

    def names(self) -> str:
        """What the lanes are called, and what the ribbon is."""
        strip, words, shapes = self._strip, self._words, Shapes()
        whole = words.duration(self._layout.seconds)
        here = words.duration(strip.ended - strip.began)
        below = words.time_in_all if whole == here else words.time_of_all
        texts = [
            text("lane", 0, TICKS + 11, words.true_time),
            text("sub", 0, TICKS + 24, below.format(time=here, whole=whole)),
        ]
        for row in strip.rows:
            shapes.line("rule", 0, row.y + 0.5, strip.left)
            texts.append(f'<use href="#lane-{row.heading.serial}" y="{row.y}"/>')
            if row.queue:
                label = words.queue_up_to.format(size=words.size(row.queue))
                texts.append(text("sub room", 0, row.bottom - INTEREST - QUEUE + 17, label))
        return (
            f'{shapes}<g class="far" transform="translate({strip.left - 8})">{"".join(texts)}</g>'
        )

    def lanes(self) -> str:
        """What came and went."""
        strip, shapes = self._strip, Shapes()
        top = strip.top + strip.head
        for column, shade in zip(strip.columns, self._shades, strict=True):
            shapes.rect(shade, column.x, top, column.width, strip.bottom - top)
        for row in strip.rows:
            self._draw_life(row, shapes)
        texts = [self._cells(column, shapes) for column in strip.columns]
        for row in strip.rows:
            shapes.line("rule", strip.left, row.y + 0.5, strip.right)
        return f'{shapes}<g class="cells">{"".join(texts)}</g>'

    def _draw_life(self, row: Row, shapes: Shapes) -> None:
        """From where to where it is there, and what it is watched for."""
        heading, columns = row.heading, self._strip.columns
        for x, end in spans(columns, lambda turn: not self._layout.is_alive(heading, turn)):
            shapes.rect("gone", x, row.y + 1, end - x, row.height - 1)
        for x, end in spans(columns, partial(_is_watched, row, "r")):
            shapes.line("reading", x, row.bottom - 3.5, end)
        for x, end in spans(columns, partial(_is_watched, row, "w")):
            shapes.line("writing", x, row.bottom - 8.5, end)

    def _cells(self, column: Column, shapes: Shapes) -> str:
        """What all lanes say in a turn: the texts; their bars are among the shapes."""
        texts = Texts()
        for row in self._strip.rows:
            if row.queue:
                self._draw_queue(row, column, shapes, texts)
            if cell := column.cells.get(row.heading.serial):
                _draw_cell(cell, column, row.y + PADDING, shapes, texts)
        inside = str(texts)
        return f'<g transform="translate({column.x + 4})">{inside}</g>' if inside else ""

    def _draw_queue(self, row: Row, column: Column, shapes: Shapes, texts: Texts) -> None:
        """How full the queue is, in a frame that is as high as it ever was."""
        size = sum(column.turn.queues.get(serial, 0) for serial in row.heading.serials)
        if size:
            bottom, tall = row.bottom - INTEREST, QUEUE - 16
            height = max(2, round(tall * min(1, size / row.queue)))
            shapes.rect("most", column.x + 4.5, bottom - tall, column.width - 9, tall)
            shapes.rect("queue", column.x + 4, bottom - height, column.width - 8, height)
            texts.add("sub room", 0, bottom - tall - 3, self._words.size(size))


def _draw_cell(cell: Cell, column: Column, y: int, shapes: Shapes, texts: Texts) -> None:
    x, width = column.x + 4, column.width - 8
    if cell.waited:
        plate = min(width - 1, round(text_width(cell.waited, 11)) + 6)
        shapes.rect("hatch", x, y, width, BAR - 4)
        shapes.rect("paper", x + 0.5, y, plate, BAR - 4)
        texts.add("late", 4, y + 10.5, cell.waited)
        y += BAR
    if cell.bar:
        shapes.rect(cell.grade.value, x, y, width, BAR - 3)
        look = "bar" if cell.grade is Grade.SHORT else f"bar on-{cell.grade.value}"
        texts.add(look, 4, y + 11, cell.bar)
        if cell.grade is Grade.HEAVY:
            texts.add("bar on-heavy far", width - 5, y + 11, "!")
        y += BAR
    for place, line in enumerate(cell.lines, 1):
        look = "" if line.ink is Ink.PLAIN else line.ink.value
        texts.add(look, 0, y + LINE * place - 3, line.text)


def _shade(place: int, column: Column) -> str:
    """The class of a column's background."""
    if column.spins:
        return "spin"
    if column.turn.stage is Stage.TURN and column.grade is Grade.HEAVY:
        return "hot"
    return "zebra" if place % 2 else "col"


def _is_watched(row: Row, letter: str, turn: Turn) -> bool:
    return any(letter in turn.watched.get(serial, "") for serial in row.heading.serials)
