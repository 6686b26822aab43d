"""What came without a line end, and had to be kept until more came: "CONECTAR 50".

Said only of lanes that speak in lines as far as anybody can see. Video, TLS and HTTP do not;
nor does a program that answers to half a line, or with half a line.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from .events import Io
from .turns import Run

__all__ = ["keep_unfinished_lines"]

_LONGEST: Final = 1024
"""Bytes; who sends more without a line end sends no lines."""

_CONTROLS: Final = bytes({*range(32), 127} - set(b"\t\n\r"))


def keep_unfinished_lines(run: Run) -> None:
    """Work out `kept` of all turns."""
    in_lines = _lanes_in_lines(run)
    kept: dict[int, bytes | None] = {}
    for turn in run.turns:
        for event in turn.events:
            if isinstance(event, Io) and event.op == "recv" and event.serial in in_lines:
                line = kept[event.serial] = _rest_of_line(kept.get(event.serial, b""), event)
                turn.kept.pop(event.serial, None)
                if line and event.size:
                    turn.kept[event.serial] = line


def _rest_of_line(before: bytes | None, event: Io) -> bytes | None:
    """What is kept after `event`; None if the record does not have all of it."""
    if event.size > len(event.data):
        return None
    _, end, rest = event.data.rpartition(b"\n")
    if end:
        return rest
    return None if before is None else before + rest


def _lanes_in_lines(run: Run) -> set[int]:
    talks: dict[int, _Talk] = defaultdict(_Talk)
    fragment: tuple[int, int] | None = None
    for number, turn in enumerate(run.turns):
        for event in turn.events:
            if isinstance(event, Io) and event.op == "recv":
                talks[event.serial].hear(event)
                # What follows, before anybody else is heard, is the answer to it.
                is_fragment = event.data and b"\n" not in event.data
                fragment = (event.serial, number) if is_fragment else None
            elif isinstance(event, Io) and event.op in ("send", "sendall"):
                is_answer = fragment in ((event.serial, number), (event.serial, number - 1))
                talks[event.serial].say(event, is_answer=is_answer)
        for event in turn.elsewhere:
            if isinstance(event, Io):  # in which order is not known
                talks[event.serial].is_other = True
    return {
        serial
        for serial, lane in run.lanes.items()
        if lane.kind != "datagram" and talks[serial].has_ends and not talks[serial].is_other
    }


@dataclass(slots=True)
class _Talk:
    """What is known of a lane: does it speak in lines, or in another way?"""

    has_ends: bool = False
    is_other: bool = False
    _unfinished: int = 0

    def hear(self, event: Io) -> None:
        data = event.data
        _, end, rest = data.rpartition(b"\n")
        self.has_ends |= bool(end)
        self._unfinished = len(rest) if end else self._unfinished + event.size
        if not _is_text(data) or b"HTTP/" in data or self._unfinished > _LONGEST:
            self.is_other = True

    def say(self, event: Io, *, is_answer: bool) -> None:
        is_half = event.asked == len(event.data) and not event.data.endswith(b"\n")
        if event.size and (is_answer or is_half):
            self.is_other = True


def _is_text(data: bytes) -> bool:
    """UTF-8 without control characters; the first and last one may be cut."""
    whole = data.decode("utf-8", "ignore").encode()
    return len(data) - len(whole) <= 6 and len(data.translate(None, _CONTROLS)) == len(data)
