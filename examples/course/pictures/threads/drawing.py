"""Threads as lanes, the lock as a lane of its own: one sees who keeps whom waiting.

Time runs to the right. A bar of a lane says what its thread is at, the line below it when that
has the lock; red is a thread that waits for a lock, and an arrow leads to the one that has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

from reactor.timeline.picture.markup import escape, rect, text
from reactor.timeline.picture.measure import MONO, SANS, fit, text_width
from reactor.timeline.picture.svg import STYLE
from reactor.timeline.words.printable import printable

from ...grade.numbers import written
from .axis import Axis, Room
from .lanes import Kind, Lane, Run, Saying, Span
from .words import WORDS

__all__ = ["draw"]

_MOST_LANES: Final = 8
_LEFT: Final = 122
_RIGHT: Final = 14
_LANE: Final = 62
_BAR: Final = 20
_TOP: Final = 22
"""From the top of a lane to its bar: what was heard and said stands there."""
_SIZE: Final = 11
_GAP: Final = 8
_AFTER: Final = 1e-6
"""Seconds: what was said last has room behind it."""
_SHORTEST_TOLD: Final = 0.05
"""Seconds: of what is shorter, nobody has to be told how long it took."""
_LOOK: Final = files(__package__).joinpath("threads.css").read_text("utf-8")
_HATCH: Final = (
    '<defs><pattern id="waits" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect class="hot" width="7" height="7"/>'
    '<rect class="stripes" width="2.5" height="7"/></pattern></defs>'
)


def draw(run: Run, language: str, settings: Mapping[str, Any]) -> str:
    """SVG of the commands from `first` to `last`, counted from 1; `names` are those of
    the clients, in the order in which they came.
    """
    return "\n".join(_Picture(run, language, settings).lines()) + "\n"


class _Picture:
    def __init__(self, run: Run, language: str, settings: Mapping[str, Any]) -> None:
        self._language, self._words = language, WORDS[language]
        self._title = settings.get("title", {}).get(language, "")
        self._names = settings.get("names", ())
        self._run = run
        self._begin, self._end = _window(run, settings.get("first", 0), settings.get("last"))
        lanes = [lane for lane in map(self._clipped, run.lanes.values()) if lane.spans]
        self._lanes, self._left_out = lanes[:_MOST_LANES], len(lanes[_MOST_LANES:])
        self._locks = sorted({hold.whom for lane in run.lanes.values() for hold in lane.holds})
        self._axis = Axis(self._moments(), self._rooms())
        self._width = round(_LEFT + self._axis.width + _RIGHT)
        self._top = 44 if self._title else 10

    # -- which part, and how wide --------------------------------------------------------

    def _clipped(self, lane: Lane) -> Lane:
        def inside(spans: list[Span]) -> list[Span]:
            return [
                replace(span, begin=max(span.begin, self._begin), end=min(span.end, self._end))
                for span in spans
                if span.begin < self._end and span.end > self._begin
            ]

        says = [said for said in lane.says if self._begin <= said.time < self._end]
        return replace(lane, spans=inside(lane.spans), holds=inside(lane.holds), says=says)

    def _moments(self) -> Iterator[float]:
        yield from (self._begin, self._end)
        for lane in self._lanes:
            for span in (*lane.spans, *lane.holds):
                yield from (span.begin, span.end)
            yield from (said.time for said in lane.says)

    def _rooms(self) -> Iterator[Room]:
        for lane in self._lanes:
            ends = [*(said.time for said in lane.says[1:]), self._end]
            for said, end in zip(lane.says, ends, strict=False):
                wide = text_width(self._said(said), _SIZE, MONO)
                yield Room(said.time, end, wide + _GAP)
            for span in lane.spans:
                if span.kind in (Kind.LOCK, Kind.SEND) and _is_long(span):
                    wide = text_width(self._on_bar(span), _SIZE)
                    yield Room(span.begin, span.end, wide + 2 * _GAP)

    # -- words -----------------------------------------------------------------------------

    def _name(self, thread: int) -> str:
        lane = self._run.lanes[thread]
        if thread == min(self._run.lanes):
            return self._words.main
        if lane.client not in self._run.clients:
            return printable(lane.name)
        place = self._run.clients.index(lane.client)
        if place < len(self._names):
            return str(self._names[place])
        return self._words.client.format(place + 1)

    def _below(self, lane: Lane) -> str:
        if any(span.kind is Kind.ACCEPT for span in lane.spans):
            return self._words.accepts
        return self._words.serves if lane.client else ""

    def _said(self, said: Saying) -> str:
        line, end, more = said.data.partition("\n")
        word = printable(line) + "↵" * bool(end)
        if more or said.size > len(said.data):
            word = f"{printable(line[:14])}… {self._words.size.format(self._number(said.size))}"
        return ("▸ " if said.is_heard else "◂ ") + (word or self._words.end)

    def _number(self, number: float, places: int = 0) -> str:
        return written(number, f",.{places}f", self._language)

    def _on_bar(self, span: Span) -> str:
        words = {Kind.SEND: self._words.send, Kind.LOCK: self._words.wait}[span.kind]
        name = self._name(span.whom) if span.kind is Kind.LOCK else ""
        return f"{words.format(name)} · {self._lasted(span)}"

    def _lasted(self, span: Span) -> str:
        seconds = span.end - span.begin
        return f"{self._number(seconds, 2)} s" if seconds < 10 else f"{self._number(seconds, 0)} s"

    # -- from the back to the front --------------------------------------------------------

    def lines(self) -> Iterator[str]:
        legend, height = self._legend(self._top + _LANE * self._rows + 24)
        name = escape(self._title or self._words.lock)
        width = max(self._width, 560)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="run" role="img" '
            f'lang="{self._language}" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}"><title>{name}</title><style>{STYLE}{_LOOK}</style>'
        )
        yield _HATCH + rect("paper", 0, 0, width, height)
        if self._title:
            yield text("title", 8, 26, self._title)
        for row in range(self._rows):
            if row % 2 == 0:
                yield rect("zebra", 0, self._y(row), width, _LANE)
        yield from self._cuts()
        for row, lane in enumerate(self._lanes):
            yield f'<g class="{"band" if row % 2 == 0 else "plain"}">'
            yield from self._lane(row, lane)
            yield "</g>"
        for row, lock in enumerate(self._locks, len(self._lanes)):
            yield from self._lock(row, lock)
        for row, lane in enumerate(self._lanes):
            yield from self._arrows(row, lane)
        yield from legend
        yield "</svg>"

    @property
    def _rows(self) -> int:
        return len(self._lanes) + len(self._locks)

    def _y(self, row: int) -> int:
        return self._top + _LANE * row

    def _x(self, time: float) -> float:
        return round(_LEFT + self._axis.x(time), 1)

    def _heading(self, row: int, name: str, below: str) -> Iterator[str]:
        yield text("lane", 8, self._y(row) + _TOP + 9, fit(name, _LEFT - 14, 13))
        yield text("sub", 8, self._y(row) + _TOP + 25, fit(below, _LEFT - 14, _SIZE))

    def _cuts(self) -> Iterator[str]:
        """Two short strokes, and how long it was, where time is shortened."""
        bottom = self._y(self._rows)
        for begin, end in self._axis.cuts:
            x = (self._x(begin) + self._x(end)) / 2
            yield f'<path class="tick" stroke-dasharray="2 4" d="M{x:.1f} {self._top}V{bottom}"/>'
            yield f'<path class="cut" d="M{x - 5:.1f} {bottom + 8}l4 -8m2 8l4 -8"/>'
            lasted = self._lasted(Span(begin, end, Kind.WORK))
            yield text("sub mid", x, bottom + 20, lasted)

    def _lane(self, row: int, lane: Lane) -> Iterator[str]:
        yield from self._heading(row, self._name(lane.thread), self._below(lane))
        y = self._y(row) + _TOP
        for span in lane.spans:
            yield self._bar(span, y)
        for hold in lane.holds:
            yield rect("has", self._x(hold.begin), y + _BAR + 2, self._long(hold), 4)
        for span in lane.spans:
            yield from self._told(span, y)
        for said in lane.says:
            kind = "in" if said.is_heard else "out"
            yield text(f"says {kind}", self._x(said.time), y - 6, self._said(said))

    def _long(self, span: Span) -> float:
        return round(max(1.5, self._x(span.end) - self._x(span.begin)), 1)

    def _bar(self, span: Span, y: float) -> str:
        return rect(f"bar-{span.kind.value}", self._x(span.begin), y, self._long(span), _BAR)

    def _told(self, span: Span, y: float) -> Iterator[str]:
        """What stands on a bar, if there is room."""
        if span.kind in (Kind.LOCK, Kind.SEND):
            words = self._on_bar(span) if _is_long(span) else ""
        else:
            words = {Kind.ACCEPT: "accept()", Kind.HEAR: "recv()"}.get(span.kind, "")
        if words and text_width(words, _SIZE, SANS) + _GAP <= self._long(span):
            yield text(f"on on-{span.kind.value}", self._x(span.begin) + 6, y + 14, words)

    def _lock(self, row: int, lock: int) -> Iterator[str]:
        number = f" {self._locks.index(lock) + 1}" if len(self._locks) > 1 else ""
        yield from self._heading(row, self._words.lock + number, self._words.lock_below)
        y = self._y(row) + _TOP - 4
        yield rect("has-not", _LEFT, y + _BAR / 2 - 1, self._axis.width, 2)
        taken = 0.0
        for hold, name in self._holds(lock):
            x, wide, words = self._x(hold.begin), self._long(hold), self._words.has.format(name)
            yield rect("has", x, y, wide, _BAR)
            if text_width(words, _SIZE) + _GAP <= wide:
                yield text("on on-has", x + 6, y + 14, words)
            elif taken <= x:
                yield text("on held", x, y - 4, name)
                taken = x + text_width(name, _SIZE) + _GAP

    def _holds(self, lock: int) -> list[tuple[Span, str]]:
        """In their order, each with the name of who has it."""
        return sorted(
            ((hold, self._name(lane.thread)) for lane in self._lanes for hold in lane.holds
             if hold.whom == lock),
            key=lambda held: held[0].begin,
        )  # fmt: skip

    def _arrows(self, row: int, lane: Lane) -> Iterator[str]:
        """From who waits to who keeps him waiting."""
        places = {each.thread: place for place, each in enumerate(self._lanes)}
        for span in lane.spans:
            if span.kind is not Kind.LOCK or span.whom not in places or not _is_long(span):
                continue
            whose = places[span.whom]
            x = self._x(span.begin) + self._long(span) / 2
            start, end = self._y(row) + _TOP, self._y(whose) + _TOP + _BAR + 7
            ahead = -1
            if whose > row:
                start, end, ahead = start + _BAR, self._y(whose) + _TOP - 1, 1
            yield f'<path class="whom" d="M{x:.1f} {start}V{end - 6 * ahead}"/>'
            yield f'<path class="tip" d="M{x:.1f} {end}l-4.5 {-8 * ahead}h9z"/>'

    def _legend(self, y: int) -> tuple[list[str], int]:
        """What the signs mean, and how high all is."""
        signs = [
            (rect("bar-work", 0, 0, 22, 11), self._words.work),
            (rect("bar-hear", 0, 0, 22, 11), f"{self._words.accept}, {self._words.hear}"),
            (rect("bar-send", 0, 0, 22, 11), self._words.send),
            *[(rect("has", 0, 4, 22, 4), self._words.has_it)] * bool(self._locks),
            ('<path class="cut" d="M6 10l4 -8m2 8l4 -8"/>', self._words.cut),
        ]
        x, drawn, width = 8.0, [], max(self._width, 560)
        y += 14
        for sign, meaning in signs:
            wide = 30 + text_width(meaning, _SIZE)
            if x > 8 and x + wide > width:
                x, y = 8.0, y + 20
            inside = sign + text("sub", 30, 10, meaning)
            drawn.append(f'<g transform="translate({x:.0f} {y})">{inside}</g>')
            x += wide + 12
        if self._left_out:
            y += 20
            drawn.append(text("sub", 8, y + 10, self._words.more.format(self._left_out)))
        return drawn, y + 22


def _is_long(span: Span) -> bool:
    return span.end - span.begin >= _SHORTEST_TOLD


def _window(run: Run, first: int, last: int | None) -> tuple[float, float]:
    """From when the command `first` was heard until `last` has been answered, and its thread is
    about to hear the next one.
    """
    heard = sorted(
        ((said.time, lane) for lane in run.lanes.values() for said in lane.says
         if said.is_heard and said.size),
        key=lambda each: each[0],
    )  # fmt: skip
    begin = heard[first - 1][0] if 0 < first <= len(heard) else 0.0
    end = run.end
    if last is not None and last <= len(heard):
        time, lane = heard[last - 1]
        waits = (span.begin for span in lane.spans if span.kind is Kind.HEAR)
        end = min((wait for wait in waits if wait >= time), default=run.end)
    return begin, end + _AFTER
