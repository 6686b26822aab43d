"""States as boxes, words as arrows: those that lead on from left to right, the end below them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, pi, sin
from typing import Final

from reactor.timeline.picture.markup import rect, text
from reactor.timeline.picture.measure import SANS, text_width

from ..frame import framed
from .moves import Move

__all__ = ["draw"]

# All in pixels.
_WIDTH: Final = 720
_BOX: Final = 112
_HIGH: Final = 44
_TOP: Final = 44
_LINE: Final = 15
_LOOP: Final = 30
_BELOW: Final = 104
_SIDE: Final = 9
"""From the middle of a box to the arrow there, and to the one back."""
_LEGEND: Final = 34
_LOOK: Final = """
.state{fill:var(--zebra);stroke:var(--ink);stroke-width:1.6}
.run .name{font-size:14px;font-weight:700;text-anchor:middle}
.run .mid{text-anchor:middle}
.run .right{fill:var(--ink);stroke:var(--ink)}
.run .refused,.run .due{fill:var(--quiet);stroke:var(--quiet)}
.run .wrong{fill:var(--bad);stroke:var(--bad);font-weight:700}
.run .way{fill:none;stroke-width:1.8}
.run .way.wrong{stroke-width:2.6}
.run .way.due{stroke-dasharray:5 4}
.run .word{font:12px ui-monospace,monospace;paint-order:stroke;stroke:var(--paper);stroke-width:4px}
.run .word.wrong{font-weight:700}
"""
_LEGENDS: Final = {
    "en": {
        "right": "granted: OK",
        "refused": "refused: ERROR, nothing changes",
        "wrong": "what the program does",
        "due": "what it should do",
    },
    "es": {
        "right": "concedido: OK",
        "refused": "rechazado: ERROR, nada cambia",
        "wrong": "lo que hace",
        "due": "lo que debería",
    },
}


def draw(moves: Sequence[Move], language: str, title: str, notes: Mapping[str, str]) -> str:
    """The picture of at most five states, 720 pixels wide. `notes` stand below their names."""
    picture = _Picture(moves, notes)
    parts = "".join(picture.parts())
    legend = "".join(_legend(parts, language, picture.bottom + _LEGEND))
    height = picture.bottom + _LEGEND + 14
    return framed(parts + legend, title, language, _WIDTH, height, _LOOK)


@dataclass(frozen=True, slots=True)
class _Box:
    """Of a state; `x` and `y` are those of its middle."""

    x: float
    y: float
    is_end: bool = False

    @property
    def top(self) -> float:
        return self.y - _HIGH / 2

    @property
    def bottom(self) -> float:
        return self.y + _HIGH / 2


class _Picture:
    def __init__(self, moves: Sequence[Move], notes: Mapping[str, str]) -> None:
        self._moves = moves
        self._notes = notes
        row = list(dict.fromkeys(move.state for move in moves))
        ends = dict.fromkeys(
            state for move in moves for state in (move.due, move.following) if state
        )
        loops = [sum(move.following == state == move.state for move in moves) for state in row]
        y = _TOP + _LINE * max(loops) + _LOOP + _HIGH / 2
        self._pitch = (_WIDTH - 40) / len(row)
        self._boxes = {
            state: _Box(40 + self._pitch * (place + 0.5), y) for place, state in enumerate(row)
        }
        ends = {state: None for state in ends if state not in self._boxes}
        for place, state in enumerate(ends):
            x = _WIDTH / 2 + 20 + (place - (len(ends) - 1) / 2) * 2 * _BOX
            self._boxes[state] = _Box(x, y + _HIGH + _BELOW, is_end=True)
        self.bottom = max(box.bottom for box in self._boxes.values())

    def parts(self) -> Iterator[str]:
        first = next(iter(self._boxes.values()))
        yield f'<circle cx="{first.x - _BOX / 2 - 34:.6g}" cy="{first.y:.6g}" r="5"/>'
        yield _arrow("right", first.x - _BOX / 2 - 30, first.y, first.x - _BOX / 2, first.y)
        for state in self._boxes:
            yield from self._loop(state)
        for (kind, begin, end), words in self._arrows().items():
            yield from self._leads(kind, self._boxes[begin], self._boxes[end], ", ".join(words))
        for state, box in self._boxes.items():
            yield self._box(state, box)

    def _arrows(self) -> dict[tuple[str, str, str], list[str]]:
        """(kind, from, to) -> words. What should lead somewhere and does not is due."""
        arrows: dict[tuple[str, str, str], list[str]] = {}
        for move in self._moves:
            ways = {"right" if move.is_right else "wrong": move.following, "due": move.due}
            if move.due == move.following:
                del ways["due"]
            for kind, end in ways.items():
                if end not in ("", move.state):
                    arrows.setdefault((kind, move.state, end), []).append(move.word)
        return arrows

    def _loop(self, state: str) -> Iterator[str]:
        """What leaves the state as it is: one arrow back to it, and a line for each word."""
        box, stays = self._boxes[state], [
            move for move in self._moves if move.state == state == move.following
        ]  # fmt: skip
        if not stays:
            return
        kinds = ["refused" if move.is_right else "wrong" for move in stays]
        kind = "wrong" if "wrong" in kinds else "refused"
        yield f'<path class="way {kind}" d="M{box.x - 13:.6g} {box.top:.6g}c-12 -30 38 -30 27 -7"/>'
        yield _head(kind, box.x + 13, box.top, 1.75)
        for place, (move, each) in enumerate(zip(stays, kinds, strict=True)):
            answer = move.answer.removeprefix("ERROR ") or "—"
            y = box.top - _LOOP - _LINE * (len(stays) - 1 - place)
            yield text(f"word mid {each}", box.x, y, f"{move.word}: {answer}")

    def _leads(self, kind: str, begin: _Box, end: _Box, words: str) -> Iterator[str]:
        ahead = 1 if end.x > begin.x else -1
        if end.is_end:
            x = end.x + (begin.x - end.x) * 0.13
            yield _arrow(kind, begin.x, begin.bottom, x, end.top)
            side = "far" if begin.x < end.x - 1 else ""
            middle = (begin.x + x) / 2 + (-26 if side else 12 + 14 * (begin.x > end.x + 1))
            yield text(f"word {kind} {side}".strip(), middle, begin.bottom + _BELOW * 0.5, words)
            return
        if abs(end.x - begin.x) > 1.5 * self._pitch:
            yield from _bow(kind, begin, end, words)
            return
        y = begin.y - _SIDE * ahead
        yield _arrow(kind, begin.x + ahead * _BOX / 2, y, end.x - ahead * _BOX / 2, y)
        base = y - 7 if ahead > 0 else y + 17
        yield text(f"word mid {kind}", (begin.x + end.x) / 2, base, words)

    def _box(self, state: str, box: _Box) -> str:
        note = self._notes.get(state)
        name = text("name", box.x, box.y - 2 if note else box.y + 5, state)
        below = text("sub mid", box.x, box.y + 14, note) if note else ""
        return rect("state", box.x - _BOX / 2, box.top, _BOX, _HIGH) + name + below


def _bow(kind: str, begin: _Box, end: _Box, words: str) -> Iterator[str]:
    """Below the boxes between the two."""
    ahead = 1 if end.x > begin.x else -1
    start, tip, middle = begin.x + 30 * ahead, end.x - 30 * ahead, (begin.x + end.x) / 2
    way = f"M{start:.6g} {begin.bottom:.6g}Q{middle:.6g} {begin.bottom + 76} {tip:.6g} {end.bottom}"
    yield f'<path class="way {kind}" d="{way}"/>'
    yield _head(kind, tip, end.bottom, -pi / 2 + ahead * 1.1)
    yield text(f"word mid {kind}", middle, begin.bottom + 34, words)


def _arrow(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    line = f'<path class="way {kind}" d="M{x1:.6g} {y1:.6g}L{x2:.6g} {y2:.6g}"/>'
    return line + _head(kind, x2, y2, atan2(y2 - y1, x2 - x1))


def _head(kind: str, x: float, y: float, angle: float) -> str:
    """Its tip is at `x`, `y`; 0 is to the right, and the angle grows clockwise."""
    corners = ((0, 0), (-10, -4.5), (-10, 4.5))
    turned = (
        f"{x + a * cos(angle) - b * sin(angle):.1f} {y + a * sin(angle) + b * cos(angle):.1f}"
        for a, b in corners
    )
    return f'<polygon class="{kind}" points="{",".join(turned)}"/>'


def _legend(drawn: str, language: str, y: float) -> Iterable[str]:
    """What the looks mean that are in the picture."""
    x = 8.0
    for kind, meaning in _LEGENDS[language].items():
        if f' {kind}"' in drawn:
            yield _arrow(kind, x, y - 4, x + 30, y - 4)
            yield text("sub", x + 36, y, meaning)
            x += 54 + text_width(meaning, 11, SANS * 0.9)
