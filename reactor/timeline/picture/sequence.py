"""A run as a sequence diagram: the program in the middle, its peers at both sides, time downwards.

Each arrow is a call of the system, so that one sees where a stream of bytes was really cut.
Time is not to scale; when something happened stands at the left.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from typing import Final

from ..run.turns import TIMERS, Run, Turn
from ..words.lanes import Lanes
from ..words.languages import LANGUAGES
from ..words.printable import printable
from ..words.words import Words
from .captions import Captions
from .markup import escape, rect, text
from .measure import BOLD, MONO, fit, text_width
from .messages import Message, Sign, messages

__all__ = ["draw"]

_STYLE: Final = files(__package__).joinpath("sequence.css").read_text(encoding="utf-8")
_MOST_PEERS: Final = 6
_MOST_ROWS: Final = 400
"""A browser draws more of them, but nobody reads them."""

# All in pixels.
_MARGIN: Final = 178
_PITCHES: Final = {1: 300, 2: 230, 3: 190, 4: 180}
_NARROW: Final = 160
_HEAD: Final = 42
_GAP: Final = 8
_ROW: Final = 30
_ROWS: Final = {
    Sign.ASLEEP: 22, Sign.SILENT: 22, Sign.BUSY: 56, Sign.STUCK: 56, Sign.FOLDED: 64,
}  # fmt: skip
_SIZE: Final = 12
_SMALL: Final = 11
_MOMENT: Final = 1e-4
# What is not done so often may well have its reason.
_SPIN: Final = 100

_INWARD: Final = (Sign.CAME, Sign.CONNECTED, Sign.ENDED, Sign.BROKE)
_ARROWS: Final = {
    Sign.CAME: "in", Sign.CONNECTED: "in dashed", Sign.ENDED: "end dashed", Sign.BROKE: "bad",
    Sign.WENT: "out", Sign.CONNECTS: "out dashed", Sign.ENDS: "end dashed",
    Sign.CLOSED: "end dashed",
}  # fmt: skip
_GREETINGS: Final = (Sign.CONNECTED, Sign.CONNECTS)
_NOTES: Final = {
    Sign.KEPT: "kept", Sign.QUEUED: "room", Sign.RAISED: "bad", Sign.BROKE: "bad",
}  # fmt: skip
_SIGHTS: Final = {
    Sign.ASLEEP: "rest", Sign.SILENT: "rest", Sign.BUSY: "busy", Sign.STUCK: "stuck",
}  # fmt: skip


def draw(run: Run, *, language: str = "en", title: str = "") -> str:
    """The diagram as SVG that needs nothing from elsewhere. `language` is one of LANGUAGES."""
    return "\n".join(_Diagram(run, LANGUAGES[language], title).lines()) + "\n"


@dataclass(frozen=True, slots=True)
class _Row:
    message: Message
    top: int
    height: int

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def line(self) -> int:
        """Where its arrow is."""
        return self.bottom - 7

    @property
    def base(self) -> int:
        """Where its time stands."""
        return self.line + 4 if self.height == _ROW else self.top + 15


class _Diagram:
    def __init__(self, run: Run, words: Words, title: str) -> None:
        self._words, self._title = words, printable(title)
        self._captions = Captions(run, words)
        lanes = Lanes(run, words)
        told = messages(run)
        talk = {each.lane for each in told if each.sign is not Sign.CLOSED} - {TIMERS}
        heads = [each for each in lanes.headings if talk.intersection(each.serials)]
        peers = [each for each in heads if each.serials == (each.serial,)][:_MOST_PEERS]
        self._heads = {
            TIMERS: (self._captions.program, ""),
            **{each.serial: (each.title, each.subtitle.partition(" · ")[0]) for each in peers},
        }
        first = run.turns[0].number if run.turns else 0
        self._latecomers = {each.serial for each in run.lanes.values() if each.born > first}
        self._absent = [lanes.title(lane) for lane in sorted(talk - self._heads.keys())]
        self._pitch = _PITCHES.get(len(peers), _NARROW)
        self._x = {lane: self._place(at) for at, lane in enumerate(_seated(self._heads))}
        self._width = _MARGIN + len(self._x) * self._pitch + _GAP
        self._top = 40 if title else 12
        told = messages(run, without={each.lane for each in told} - self._heads.keys())
        self._is_cut = len(told) > _MOST_ROWS
        self._rows = list(self._placed(told[:_MOST_ROWS]))
        self._bottom = self._rows[-1].bottom if self._rows else self._top + _HEAD
        self._bottom += 2 * _GAP

    def _place(self, column: int) -> int:
        return _MARGIN + self._pitch * column + self._pitch // 2

    def _placed(self, told: Iterable[Message]) -> Iterator[_Row]:
        top = self._top + _HEAD + _GAP
        turn: Turn | None = None
        for message in told:
            top += _GAP * (message.turn is not turn)
            turn = message.turn
            has_two_lines = message.sign is Sign.SILENT and turn.times > 1
            row = _Row(message, top, _ROWS.get(message.sign, _ROW) + 14 * has_two_lines)
            top = row.bottom
            yield row

    def _turns(self) -> Iterator[tuple[str, list[_Row]]]:
        """The rows of each turn; every other one is shaded, so that they are told apart."""
        groups = groupby(self._rows, key=lambda row: id(row.message.turn))
        for at, (_, rows) in enumerate(groups):
            yield ("plain" if at % 2 else "shade"), list(rows)

    # -- from the back to the front ----------------------------------------------------

    def lines(self) -> Iterator[str]:
        """The parts of the picture."""
        foot = self._foot()
        height = self._bottom + _HEAD + 14 + 18 * len(foot)
        name = escape(self._title or self._words.sequence)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._width} {height}" '
            f'width="{self._width}" height="{height}" role="img" class="sequence" '
            f'lang="{self._words.code}">'
        )
        yield f"<title>{name}</title><style>{_STYLE}</style>{_HATCH}"
        yield rect("paper", 0, 0, self._width, height)
        if self._title:
            yield text("title", 12, 26, self._title)
        yield from self._margin()
        yield from self._lifelines()
        yield from self._activity()
        yield from self._waits()
        for shade, rows in self._turns():
            yield f'<g class="{shade}">'
            for row in rows:
                yield from self._row(row)
            yield "</g>"
        yield from self._all_heads(self._top)
        yield from self._all_heads(self._bottom)
        for at, line in enumerate(foot):
            yield text("quiet", 12, self._bottom + _HEAD + 20 + 18 * at, line)
        yield "</svg>"

    def _margin(self) -> Iterator[str]:
        """A turn is a band, with its number and the times of its rows at the left."""
        before = ""
        for shade, rows in self._turns():
            top, bottom = rows[0].top - 2, rows[-1].bottom + 4
            if shade == "shade":
                yield rect("band", 4, top, self._width - 8, bottom - top)
            for at, line in enumerate(self._captions.turn(rows[0].message.turn)):
                yield text("quiet" if at else "turn", 12, rows[0].top + 15 + 15 * at, line)
            for row in rows:
                time = self._captions.time(row.message.time)
                if time != before and row.message.sign is not Sign.ASLEEP:
                    yield text("quiet far", _MARGIN - 14, row.base, time)
                    before = time

    def _lifelines(self) -> Iterator[str]:
        for lane, x in self._x.items():
            born, died = self._top + _HEAD, self._bottom
            mine = [row for row in self._rows if row.message.lane == lane != TIMERS]
            if mine and (lane in self._latecomers or mine[0].message.sign in _GREETINGS):
                yield _line(x, born, x, mine[0].line, "unborn")
                born = mine[0].line
            if mine and mine[-1].message.sign is Sign.CLOSED:
                died = mine[-1].line
            yield _line(x, born, x, died, "life")

    def _activity(self) -> Iterator[str]:
        """Where the program is at work, and where it is not to be spoken to."""
        x = self._x[TIMERS]
        for (sight, _), group in groupby(self._rows, key=_sight_of):
            rows = list(group)
            top, height = rows[0].top, rows[-1].bottom - rows[0].top
            match sight:
                case "spin" | "nap":
                    zigzag = "".join(f"l{step} 8" for step in (7, -14, 14, -14, 14, -14, 7))
                    yield f'<path class="{sight}" d="M{x} {top + 4}{zigzag}"/>'
                case "work":
                    yield rect("work", x - 5, top, 10, height)
                case "busy" | "stuck":
                    yield rect(sight, x - 9, top, 18, height)

    def _waits(self) -> Iterator[str]:
        """Who waited meanwhile is hatched, until the program has turned to him."""
        for row in self._rows:
            message = row.message
            if message.wait is None or message.lane == TIMERS:
                continue
            since = message.time - message.wait.seconds
            began = next(each for each in self._rows if each is row or _lasts(each, since))
            x = self._x[message.lane]
            yield rect("wait", x - 6, began.top, 12, row.line - began.top)
            kind, side = ("bad halo", 12) if x > self._x[TIMERS] else ("bad halo far", -12)
            for at, line in enumerate(self._captions.wait(message.wait)):
                yield text(kind, x + side, began.top + 24 + 15 * at, line)

    # -- one row -----------------------------------------------------------------------

    def _row(self, row: _Row) -> Iterator[str]:
        message, x = row.message, self._x[TIMERS]
        match message.sign:
            case Sign.ASLEEP | Sign.SILENT:
                yield text("quiet halo mid", x, row.top + 15, self._captions.line(message))
            case Sign.BUSY | Sign.STUCK | Sign.FOLDED:
                ink = "quiet" if _sight_of(row)[0] == "nap" else "bad"
                for at, line in enumerate(self._captions.lines(message)):
                    yield text(f"{ink} halo", x + 16, row.top + 24 + 15 * at, line)
            case sign if sign in _ARROWS and message.lane != TIMERS:
                yield from self._arrow(row)
            case _:
                yield self._note(row)

    def _arrow(self, row: _Row) -> Iterator[str]:
        message, y, ink = row.message, row.line, _ARROWS[row.message.sign]
        program, peer = self._x[TIMERS], self._x[message.lane]
        side = 1 if peer > program else -1
        start, end = program + 5 * side, peer
        if message.sign in _INWARD:
            start, end = end, start
        if message.sign is Sign.CLOSED:
            yield f'<path class="end" d="M{peer - 6} {y - 6}l12 12m0 -12l-12 12"/>'
            end -= 8 * side
        ahead = 1 if end > start else -1
        yield _line(start, y, end - 7 * ahead, y, ink)
        yield f'<path class="head {ink}" d="M{end} {y}l{-9 * ahead} -4.5v9z"/>'
        label = fit(self._captions.line(message), abs(peer - program) - 24, _SIZE, MONO)
        kind = f"{ink} code halo"
        if text_width(label, _SIZE, MONO) <= self._pitch - 24:
            yield text(f"{kind} mid", peer - side * self._pitch // 2, y - 6, label)
        else:
            yield text(f"{kind} far" if side > 0 else kind, peer - side * 12, y - 6, label)

    def _note(self, row: _Row) -> str:
        message, x = row.message, self._x[TIMERS]
        ink = _NOTES.get(message.sign, "plain")
        label = fit(self._captions.line(message), 1.6 * self._pitch, _SIZE, MONO)
        half = round(text_width(label, _SIZE, MONO) / 2) + 8
        box = rect(f"note {ink}", x - half, row.top + 4, 2 * half, 22)
        return box + text(f"{ink} code mid", x, row.top + 19, label)

    def _all_heads(self, top: int) -> Iterator[str]:
        room = self._pitch - 32
        for lane, x in self._x.items():
            name, address = self._heads[lane]
            kind = "peer" if lane != TIMERS else "program"
            yield rect(kind, x - self._pitch // 2 + 12, top, self._pitch - 24, _HEAD)
            label = fit(name, room, _SIZE, BOLD)
            yield text("name mid", x, top + (19 if address else 26), label)
            if address:
                yield text("quiet mid", x, top + 34, fit(address, room, _SMALL))

    def _foot(self) -> list[str]:
        """What is not in the picture."""
        words, names = self._words, ", ".join(self._absent)
        line = fit(words.sequence_lanes_left_out.format(names=names), self._width - 24, _SMALL)
        lines = [line] * bool(names)
        return [*lines, *[words.sequence_rows_left_out] * self._is_cut]


def _seated(lanes: Iterable[int]) -> list[int]:
    """The program in the middle, those who came first at its left."""
    program, *peers = lanes
    half = (len(peers) + 1) // 2
    return [*peers[:half], program, *peers[half:]]


def _sight_of(row: _Row) -> tuple[str, int]:
    """How the program's lifeline looks there, and in which turn that is."""
    turn = row.message.turn
    sight = _SIGHTS.get(row.message.sign, "work")
    if row.message.sign is Sign.FOLDED:
        is_spin = turn.times >= _SPIN and turn.busy > turn.slept
        sight = "spin" if is_spin else "nap"
    return sight, id(turn)


def _lasts(row: _Row, since: float) -> bool:
    """Whether the program did not look at anybody at that time, or after it."""
    message = row.message
    ended = message.time + message.seconds
    return message.sign in (Sign.BUSY, Sign.STUCK) and ended > since + _MOMENT


def _line(x1: int, y1: int, x2: int, y2: int, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


_HATCH: Final = (
    '<defs><pattern id="sequence-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect class="paper" width="6" height="6"/>'
    '<rect class="stripe" width="3" height="6"/></pattern></defs>'
)
