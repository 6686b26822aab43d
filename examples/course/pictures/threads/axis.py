"""Time from left to right, so that what took long has an end and what was over at once is seen.

Later is never further left; and whatever is written beside a moment has room before the next
text in its lane.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

__all__ = ["Axis", "Room"]

_LEAST: Final = 7.0
_MOST: Final = 84.0
"""Pixels from one moment to the next."""
_SECOND: Final = 300.0
"""Pixels, where nothing is widened or shortened."""


class Room(NamedTuple):
    """So many pixels are needed between two moments."""

    begin: float
    end: float
    pixels: float


class Axis:
    """Where each of the moments stands, in pixels from the left edge.

    >>> axis = Axis([0.0, 0.1, 9.0, 9.00001], [Room(0.0, 9.0, 130)])
    >>> [axis.x(time) for time in axis.moments]
    [0.0, 30.0, 130.0, 137.0]
    >>> axis.cuts
    [(0.1, 9.0)]
    """

    def __init__(self, moments: Iterable[float], rooms: Iterable[Room]) -> None:
        self.moments = sorted(set(moments))
        self._wide = [_wide(begin, end) for begin, end in pairwise(self.moments)]
        for room in rooms:
            self._make(room)
        self._x = [0.0, *accumulate(self._wide)]

    def _make(self, room: Room) -> None:
        """The longest piece of time in between is the one to be widened."""
        begin, end = self._place(room.begin), self._place(room.end)
        if begin < end:
            longest = max(range(begin, end), key=self._lasts)
            self._wide[longest] += max(0.0, room.pixels - sum(self._wide[begin:end]))

    def _lasts(self, place: int) -> float:
        return self.moments[place + 1] - self.moments[place]

    def _place(self, time: float) -> int:
        """Of the last moment that is not later."""
        return max(0, bisect_right(self.moments, time) - 1)

    def x(self, time: float) -> float:
        """Of a time between two moments: that of the earlier one."""
        return self._x[self._place(time)]

    @property
    def width(self) -> float:
        return self._x[-1]

    @property
    def cuts(self) -> list[tuple[float, float]]:
        """From when to when time is shortened."""
        pieces = zip(pairwise(self.moments), self._wide, strict=True)
        return [(begin, end) for (begin, end), wide in pieces if (end - begin) * _SECOND > wide]


def _wide(begin: float, end: float) -> float:
    return min(_MOST, max(_LEAST, (end - begin) * _SECOND))
