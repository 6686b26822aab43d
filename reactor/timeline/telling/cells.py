"""What the lanes of one column say: a few short lines each, as they fit into a picture."""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from ..run.turns import TIMERS, Turn
from ..words.lanes import Lanes, left_alone
from ..words.words import Words
from .notes import CellLine, Ink, Notes

__all__ = ["COLUMNS", "MOST", "CellLine", "Ink", "joined", "lines_of"]

COLUMNS: Final = 16
"""The room in a cell; a sign before the text takes two more."""
MOST: Final = 6
"""Lines in a cell, the one that says how many more there are included."""


def lines_of(turn: Turn, lanes: Lanes, words: Words) -> dict[int, list[CellLine]]:
    """The lines of the cells of a column, by the serial number of their heading."""
    cells: dict[int, list[CellLine]] = {}
    for serial, line in _lines(turn, lanes, words):
        heading = lanes.heading(serial)
        if heading is not None:
            cells.setdefault(heading.serial, []).append(line)
    return {serial: _fitting(lines, words) for serial, lines in cells.items()}


def joined(lines: list[CellLine]) -> list[CellLine]:
    """Equal neighbours as one line, with how many they are."""
    return [
        CellLine(f"{line.text} ×{times}", line.ink) if times > 1 else line
        for line, times in ((line, len(list(alike))) for line, alike in groupby(lines))
    ]


def _lines(turn: Turn, lanes: Lanes, words: Words) -> Iterator[tuple[int, CellLine]]:
    notes = Notes(turn, lanes, words, COLUMNS)
    if turn.times > 1:
        for serial, _ in turn.ready:
            yield serial, CellLine(words.cell_ready_again, Ink.ERROR)
    for slot in turn.slots:
        yield from notes.of_slot(slot)
    for event in turn.elsewhere:
        # What blocks another thread is no matter of the loop's own lane: it harms nobody.
        if serial := getattr(event, "serial", TIMERS):
            for line in notes.of(event):
                yield serial, line
    yield from _ready(turn, words)


def _ready(turn: Turn, words: Words) -> Iterator[tuple[int, CellLine]]:
    """How often the ready were ready in vain, or that nobody cared."""
    seconds = turn.ended - turn.began
    if turn.times == 1:
        for serial in left_alone(turn):
            yield serial, CellLine(words.cell_not_served, Ink.QUIET)
    elif seconds:
        rate = words.number(round(turn.times / seconds))
        for serial, _ in turn.ready:
            yield serial, CellLine(words.cell_per_second.format(rate=rate), Ink.QUIET)


def _fitting(lines: list[CellLine], words: Words) -> list[CellLine]:
    lines = joined(lines)
    if len(lines) > MOST:
        more = words.cell_more.format(count=words.number(len(lines) - MOST + 1))
        lines[MOST - 1 :] = [CellLine(more, Ink.QUIET)]
    return lines
