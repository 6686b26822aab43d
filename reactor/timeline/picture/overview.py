"""All of a long run as one ribbon: where it slept, where it was busy, and what to look at.

It is as wide as the page, and each of its pieces leads to the turn that was going on then.
"""

from itertools import groupby
from typing import Final

from ..run.turns import Stage
from .columns import Column, Grade
from .layout import Layout
from .markup import Shapes

__all__ = ["PIECES", "draw"]

PIECES: Final = 500
_HEIGHT: Final = 30
_KINDS: Final = ("", "awake", "long", "heavy")
"""From asleep to the worst that a piece has; the worse, the taller, too."""


def draw(layout: Layout) -> str:
    """The overview as an element of a page, with the places of turns for its script."""
    places, grades = list[int](), [0] * PIECES
    for place, column in enumerate(layout.columns):
        if column.turn.stage is Stage.TURN:
            first, after = _busy(column, layout)
            places += [place] * (after - len(places))
            worst = 1 + [*Grade].index(column.grade)
            grades[first:after] = [max(grade, worst) for grade in grades[first:after]]
    shapes = Shapes()
    for grade, run in groupby(range(PIECES), grades.__getitem__):
        pieces = list(run)
        if grade:
            shapes.rect(_KINDS[grade], pieces[0], _HEIGHT - 10 * grade, len(pieces), 10 * grade)
    for column in layout.columns:
        if column.flag:
            shapes.rect("mark", _piece(column.turn.began, layout), 0, 2, 10)
    return (
        f'<svg id="overview" viewBox="0 0 {PIECES} {_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true" data-places="{",".join(map(str, places))}">'
        f'<rect class="asleep" width="{PIECES}" height="{_HEIGHT}"/>{shapes}'
        f'<rect class="here" width="0" height="{_HEIGHT}"/></svg>'
    )


def _busy(column: Column, layout: Layout) -> tuple[int, int]:
    """The pieces in which it was awake: the first, and the one behind the last."""
    turn = column.turn
    return _piece(turn.ended - turn.busy, layout), _piece(turn.ended, layout) + 1


def _piece(time: float, layout: Layout) -> int:
    return min(PIECES - 1, int(layout.share(time) * PIECES))
