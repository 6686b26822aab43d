"""A strip of bytes, cut where each recv ended, and what the program answered to each piece."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from reactor.timeline.picture.markup import Shapes, text
from reactor.timeline.picture.measure import MONO, SANS, text_width
from reactor.timeline.run.events import Close, Event, Io

__all__ = ["Piece", "Strip", "Words", "pieces"]

# All in pixels.
_CELL: Final = 16
_HIGH: Final = 22
_BASE: Final = 15
_LINE: Final = 16
_LEFT: Final = 84
_GAP: Final = 14
_SAID: Final = 4
_CAME: Final = 62
_ANSWERS: Final = 120
_SIZE: Final = 12
_SMALL: Final = 11

_END: Final = ord("\n")


@dataclass(slots=True)
class Piece:
    """What one recv brought, and what the program said before the next one."""

    data: bytes
    said: bytes = b""
    is_closed: bool = False
    lines: int = 0
    """How many had come to their end by then, in all."""
    answers: int = 0
    """How many had been given by then, in all."""

    @property
    def is_right(self) -> bool:
        """Whether each line that was whole had its answer, and nothing else had one."""
        return self.answers == self.lines and not self.is_closed


def pieces(events: Iterable[Event]) -> list[Piece]:
    """Of the events of one client, the first of which is a recv."""
    found = list[Piece]()
    for event in events:
        if isinstance(event, Io) and event.op == "recv":
            found.append(Piece(event.data))
        elif isinstance(event, Io):
            found[-1].said += event.data
        elif isinstance(event, Close):
            found[-1].is_closed = True
    lines = accumulate(piece.data.count(b"\n") for piece in found)
    answers = accumulate(piece.said.count(b"\n") for piece in found)
    for piece, line_count, answer_count in zip(found, lines, answers, strict=True):
        piece.lines, piece.answers = line_count, answer_count
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """What stands beside it, in one language."""

    says: str
    recv: str
    answers: str
    waits: str
    closed: str
    count: Callable[[int], str]
    """Of a number of bytes."""
    wrong: Callable[[int, int], str]
    """Of a number of lines, and of another one of answers."""


class Strip:
    """What a client said, as one strip; below it what each recv brought, and what was answered.

    After `draw`, `width` and `height` are those of all.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._cells = Shapes()
        self._wedges: list[str] = []
        self._texts: list[str] = []
        self.width = self.height = 0

    def draw(self, pieces: Sequence[Piece]) -> str:
        for y, label in ((_SAID, self._words.says), (_CAME, self._words.recv)):
            self._texts.append(text("lane", 0, y + _BASE, label))
        self._texts.append(text("lane", 0, _ANSWERS, self._words.answers))
        left = column = _LEFT
        for piece in pieces:
            if left > _LEFT:
                self._texts.append(f'<path class="cut" d="M{left} {_SAID - 4}v{_HIGH + 8}"/>')
            self._bytes(piece.data, left, _SAID)
            wide = _CELL * len(piece.data)
            self._wedges.append(f"M{left} {_SAID + _HIGH}h{wide}L{column + wide} {_CAME}H{column}z")
            column += self._column(piece, column) + _GAP
            left += wide
        self.width = max(left, column - _GAP)
        wedges = f'<path class="wedge" d="{"".join(self._wedges)}"/>'
        return wedges + str(self._cells) + "".join(self._texts)

    def _bytes(self, data: bytes, x: int, y: int) -> None:
        for byte in data:
            self._cells.rect("cell", x, y, _CELL, _HIGH)
            self._texts.append(text(_look(byte), x + _CELL / 2, y + _BASE, _letter(byte)))
            x += _CELL

    def _column(self, piece: Piece, x: int) -> int:
        """What one recv brought, and what came of it. Returns how wide that is."""
        self._bytes(piece.data, x, _CAME)
        count = self._words.count(len(piece.data))
        self._texts.append(text("sub", x, _CAME + _HIGH + _LINE - 3, count))
        lines = list(self._told(piece))
        for place, (kind, line) in enumerate(lines):
            self._texts.append(text(kind, x, _ANSWERS + _LINE * place, line))
        self.height = max(self.height, _ANSWERS + _LINE * len(lines))
        wide = [text_width(line, _SIZE, MONO if "code" in kind else SANS) for kind, line in lines]
        return round(max(_CELL * len(piece.data), text_width(count, _SMALL), *wide))

    def _told(self, piece: Piece) -> Iterator[tuple[str, str]]:
        """Lines below a piece, each with its class."""
        for answer in piece.said.splitlines():
            look = "out" if piece.is_right else "error"
            yield f"code {look}", f"▶ {answer.decode(errors='replace')}↵"
        if piece.is_closed:
            yield "error", self._words.closed
        elif not piece.is_right:
            yield "error", self._words.wrong(piece.lines, piece.answers)
        elif not piece.data.endswith(b"\n"):
            yield "kept", self._words.waits


def _look(byte: int) -> str:
    if byte == _END:
        return "letter kept"
    return "letter" if _is_letter(byte) else "letter hex"


def _letter(byte: int) -> str:
    if byte == _END:
        return "↵"
    return chr(byte) if _is_letter(byte) else f"{byte:02x}"


def _is_letter(byte: int) -> bool:
    return 0x20 <= byte < 0x7F
