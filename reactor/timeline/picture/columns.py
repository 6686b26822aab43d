"""The columns of a picture: what each turn says, lane by lane, and how wide that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from ..run.turns import Turn
from ..run.waits import HEAVY
from ..telling.cells import CellLine
from .measure import BOLD, MONO, text_width

__all__ = ["BAR", "LINE", "Cell", "Column", "Grade", "grade_of"]

BAR: Final = 17
"""Pixels of a callback's bar, and of a victim's, with the gap below."""
LINE: Final = 15
"""Pixels of a line of a cell."""
_LONG: Final = 0.001
"""Seconds from which on a callback is more than what one expects."""
_OFTEN: Final = 100
"""Turns without sleep and without anything done; a few are how some loops begin and end."""
_NARROWEST: Final = 60


class Grade(Enum):
    """How long somebody kept the loop."""

    SHORT = "short"
    LONG = "long"
    HEAVY = "heavy"


def grade_of(seconds: float) -> Grade:
    """The colour of so many seconds.

    >>> [grade_of(seconds).value for seconds in (0.0005, 0.005, 0.25)]
    ['short', 'long', 'heavy']
    """
    if seconds >= HEAVY:
        return Grade.HEAVY
    return Grade.LONG if seconds >= _LONG else Grade.SHORT


@dataclass(slots=True)
class Cell:
    """What a lane says in a turn, from top to bottom."""

    waited: str = ""
    """How long a victim waited."""
    bar: str = ""
    """The order of its callbacks and their duration; "" if it was not served."""
    grade: Grade = Grade.SHORT
    lines: Sequence[CellLine] = ()

    @property
    def height(self) -> int:
        return BAR * (bool(self.waited) + bool(self.bar)) + LINE * len(self.lines)

    @property
    def width(self) -> float:
        """Pixels that its widest text takes."""
        return max(
            [text_width(line.text, 12, MONO) for line in self.lines]
            + [text_width(text, 11) + 12 for text in (self.waited, self.bar)]
        )


@dataclass
class Column:
    """A turn's place in a strip."""

    turn: Turn
    anchor: str
    """What addresses of the page call it: unique in a run."""
    title: str
    notes: list[str]
    cells: dict[int, Cell]
    flag: str = ""
    """The numbers of the findings that point to it."""
    x: int = 0
    width: int = 0

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def flag_width(self) -> int:
        """Pixels of the flag, which stands beside the title."""
        return round(text_width(self.flag, 11, BOLD)) + 8 if self.flag else 0

    @property
    def spins(self) -> bool:
        """Whether it stands for many turns that kept the processor busy with nothing."""
        turn = self.turn
        is_much = turn.times >= _OFTEN or turn.busy >= HEAVY
        return turn.times > 1 and turn.slept < turn.busy and is_much

    @property
    def grade(self) -> Grade:
        """How long it kept the loop; each of many turns by itself, unless they spin."""
        return Grade.HEAVY if self.spins else grade_of(self.turn.busy / self.turn.times)

    @cached_property
    def natural_width(self) -> float:
        """Pixels that its texts need."""
        cells = max((cell.width for cell in self.cells.values()), default=0)
        notes = max((text_width(note, 11) for note in self.notes), default=0)
        title = text_width(self.title, 18 if self.spins else 13, BOLD)
        title += 2 * self.flag_width
        return 9 + max(_NARROWEST, cells, notes, title)
