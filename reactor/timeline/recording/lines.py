"""The lines of a record, as formats: what happened in a turn becomes text in one step.

A turn is a list of formats and one list of all that they take. Those of most turns have been
seen before, and are joined already. Each format takes the time, then what tells turns apart in
which nothing was done, two values at most, then the rest. The format of the lines is described
in docs/timeline.md.
"""

from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

__all__ = ["Lines", "Shape", "said"]


class Lines:
    """One format for each event, or several where it may say more."""

    START: Final = '{"e": "start", "t": 0, "i": @, "version": %d, "program": %s, "python": %s}\n'
    OPEN: Final = '{"e": "open", "t": %.7f, "i": @, "s": %d, "fd": %d, "kind": %s%s}\n'
    NAMED: Final = '{"e": "named", "t": %.7f, "i": @, "s": %d%s}\n'
    LABEL: Final = '{"e": "label", "t": %.7f, "i": @, "s": %d, "label": %s}\n'
    SELECT: Final = '{"e": "select", "t": %.7f, "i": @, "timers": %d, "calls": %d, "timeout": %s}\n'
    SELECT_LATE: Final = SELECT.replace("}", ', "missed": %.7f}')
    READY: Final = '{"e": "ready", "t": %.7f, "i": @, "ready": [%s]}\n'
    READY_ONE: Final = READY.replace("%s", '[%d, "%s"]')
    WATCH: Final = '{"e": "watch", "t": %.7f, "i": @, "s": %d, "before": "%s", "after": "%s"}\n'
    CALLBACK: Final = '{"e": "callback", "t": %.7f, "i": @, "s": %d, "name": %s, "kind": "%s"}\n'
    TIMER: Final = CALLBACK.replace("}", ', "late": %.7f}')
    RETURNED: Final = '{"e": "returned", "t": %.7f, "i": @}\n'
    RAISED: Final = RETURNED.replace("}", ', "raised": %s}')
    QUEUE: Final = '{"e": "queue", "t": %.7f, "i": @, "s": %d, "n": %d}\n'
    DROP: Final = '{"e": "drop", "t": %.7f, "i": @, "s": %d, "n": %d, "reason": %s}\n'
    BLOCKED: Final = '{"e": "blocked", "t": %.7f, "i": @, "what": %s, "about": %s, "took": %.7f}\n'
    DONE: Final = '{"e": "io", "t": %.7f, "i": @, "s": %d, "op": "%s", "took": %.7f}\n'
    CAME: Final = DONE.replace("}", ', "n": %d, "asked": %d, "data": %s}')
    WENT: Final = CAME.replace("}", "%s}")
    FAILED: Final = DONE.replace("}", ', "err": "%s", "asked": %d%s}')
    CLOSE: Final = '{"e": "close", "t": %.7f, "i": @, "s": %d, "how": "%s"}\n'
    LEAVE: Final = '{"e": "leave", "t": %.7f, "i": @}\n'
    AGAIN: Final = '{"e": "again", "t": %.7f, "i": @, "to": %d, "until": %.7f, "slept": %.7f}\n'
    END: Final = '{"e": "end", "t": %.7f, "i": @, "turns_left_out": %d, "events_left_out": %d}\n'
    WHOLE: Final = "%s"
    """Of lines that are text already."""


class Shape:
    """The formats of a turn, one after the other."""

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = formats
        self._joined = "".join(formats)

    def text(self, turn: int, values: Sequence[Any]) -> str:
        """The lines of a turn.

        >>> Shape([Lines.QUEUE, Lines.RETURNED]).text(3, [0.5, 7, 100, 0.6]).splitlines()[0]
        '{"e": "queue", "t": 0.5000000, "i": 3, "s": 7, "n": 100}'
        """
        return self._joined.replace("@", str(turn)) % tuple(values)

    def alike(self, values: Sequence[Any]) -> Any:
        """What is equal in two turns of this shape if nothing was done in either, and both are
        alike.

        >>> Shape([Lines.QUEUE, Lines.RETURNED]).alike([0.5, 7, 100, 0.6])
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

    >>> said(3, Lines.QUEUE, 0.5, 7, 100)
    '{"e": "queue", "t": 0.5000000, "i": 3, "s": 7, "n": 100}\\n'
    """
    return line.replace("@", str(turn)) % values
