"""The lines of a record, as formats: what happened in a turn becomes text in one step.

A turn is a list of formats and one list of all that they take. Those of most turns have been
seen before, and are joined already. Each format takes the time, then what tells turns apart in
which nothing was done, two values at most, then the rest. Times are whole nanoseconds, written as
JSON's numbers of seconds are (`25000e-9`): to make decimals of them takes three times as long. The
format of the lines is described in docs/timeline.md.
"""

from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

__all__ = ["Lines", "Shape", "said"]


class Lines:
    """One format for each event, or several where it may say more."""

    START: Final = '{"e": "start", "t": 0, "i": @, "version": %d, "program": %s, "python": %s}\n'
    OPEN: Final = '{"e": "open", "t": %de-9, "i": @, "s": %d, "fd": %d, "kind": %s%s}\n'
    NAMED: Final = '{"e": "named", "t": %de-9, "i": @, "s": %d%s}\n'
    LABEL: Final = '{"e": "label", "t": %de-9, "i": @, "s": %d, "label": %s}\n'
    SELECT: Final = (
        '{"e": "select", "t": %de-9, "i": @, "timers": %d, "calls": %d, "timeout": %s}\n'
    )
    SELECT_LATE: Final = SELECT.replace("}", ', "missed": %de-9}')
    READY: Final = '{"e": "ready", "t": %de-9, "i": @, "ready": [%s]}\n'
    READY_ONE: Final = READY.replace("%s", '[%d, "%s"]')
    WATCH: Final = '{"e": "watch", "t": %de-9, "i": @, "s": %d, "before": "%s", "after": "%s"}\n'
    CALLBACK: Final = '{"e": "callback", "t": %de-9, "i": @, "s": %d, "name": %s, "kind": "%s"}\n'
    TIMER: Final = CALLBACK.replace("}", ', "late": %.7f}')
    RETURNED: Final = '{"e": "returned", "t": %de-9, "i": @}\n'
    RAISED: Final = RETURNED.replace("}", ', "raised": %s}')
    QUEUE: Final = '{"e": "queue", "t": %de-9, "i": @, "s": %d, "n": %d}\n'
    DROP: Final = '{"e": "drop", "t": %de-9, "i": @, "s": %d, "n": %d, "reason": %s}\n'
    BLOCKED: Final = (
        '{"e": "blocked", "t": %de-9, "i": @, "what": %s, "about": %s, "took": %de-9}\n'
    )
    DONE: Final = '{"e": "io", "t": %de-9, "i": @, "s": %d, "op": "%s", "took": %de-9}\n'
    CAME: Final = DONE.replace("}", ', "n": %d, "asked": %d, "data": %s}')
    CAME_FROM: Final = CAME.replace("}", ', "from": %s}')
    WENT: Final = CAME.replace("}", "%s}")
    SHUTDOWN: Final = DONE.replace("}", ', "how": "%s"}')
    FAILED: Final = DONE.replace("}", ', "err": "%s", "asked": %d%s}')
    CLOSE: Final = '{"e": "close", "t": %de-9, "i": @, "s": %d, "how": "%s"}\n'
    LEAVE: Final = '{"e": "leave", "t": %de-9, "i": @%s}\n'
    AGAIN: Final = '{"e": "again", "t": %de-9, "i": @, "to": %d, "until": %de-9, "slept": %de-9}\n'
    END: Final = '{"e": "end", "t": %de-9, "i": @, "turns_left_out": %d, "events_left_out": %d%s}\n'
    WHOLE: Final = "%s"
    """Of lines that are text already."""


class Shape:
    """The formats of a turn, one after the other."""

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = formats
        self._joined = "".join(formats)

    def text(self, turn: int, values: Sequence[Any]) -> str:
        """The lines of a turn.

        >>> Shape([Lines.QUEUE]).text(3, [5_000_000, 7, 100])
        '{"e": "queue", "t": 5000000e-9, "i": 3, "s": 7, "n": 100}\\n'
        """
        return self._joined.replace("@", str(turn)) % tuple(values)

    def alike(self, values: Sequence[Any]) -> Any:
        """What is equal in two turns of this shape if nothing was done in either, and both are
        alike.

        >>> Shape([Lines.QUEUE, Lines.RETURNED]).alike([5_000_000, 7, 100, 6_000_000])
        (7, 100)
        """
        return self._pick(values)

    @cached_property
    def _pick(self) -> "itemgetter[Any]":
        places: list[int] = []
        begin = 0
        for text in self._formats:
            end = begin + text.count("%")
            places += range(begin + 1, min(begin + 3, end))
            begin = end
        return itemgetter(*places)


def said(turn: int, line: str, *values: Any) -> str:
    """One line by itself.

    >>> said(3, Lines.QUEUE, 5_000_000, 7, 100)
    '{"e": "queue", "t": 5000000e-9, "i": 3, "s": 7, "n": 100}\\n'
    """
    return line.replace("@", str(turn)) % values
