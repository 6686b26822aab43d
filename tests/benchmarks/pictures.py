"""Draws two pictures of a results file, with nothing but the standard library.

python3 -m tests.benchmarks.pictures results.json docs/

Cost per datagram against the number of clients, and the core's load against the bit rate.
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

_WIDTH: Final = 760
_HEIGHT: Final = 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 150, 56, 64
_STEPS: Final = 6
_INK: Final = "#1f2933"
_GRID: Final = "#dde3e9"
# Told apart by shape of line as well: not everybody sees every colour.
_STYLES: Final = {
    "ours": ("#0b6bcb", ""),
    "asyncio": ("#d1495b", "7 4"),
    "GStreamer": ("#8a5a00", "2 4"),
    "C": ("#5c677d", "10 3 2 3"),
}
_OTHER_STYLE: Final = ("#6b4c9a", "4 4")


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    lossy: bool
    """Datagrams were lost: a cost per datagram that arrived flatters the one who lost the rest."""


@dataclass(frozen=True)
class Picture:
    """A set of curves over the same axes: x from 0; y from 0, or logarithmic."""

    title: str
    x_label: str
    y_label: str
    curves: dict[str, list[Point]]
    logarithmic: bool = False

    def svg(self) -> str:
        """The picture, on a background of its own: it is the same in the dark."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'font-family="sans-serif" font-size="13" fill="{_INK}" role="img">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="6" fill="#ffffff"/>',
            _text(_LEFT, 30, self.title, size=16),
            *self._axes(),
        ]
        for name, points in self.curves.items():
            parts += self._curve(name, points)
        return "\n".join([*parts, *self._names(), "</svg>", ""])

    @property
    def _x_end(self) -> float:
        return max(point.x for points in self.curves.values() for point in points)

    @property
    def _y_marks(self) -> list[float]:
        heights = [point.y for points in self.curves.values() for point in points]
        if self.logarithmic:
            return _logarithmic_marks(min(heights), max(heights))
        return _linear_marks(max(heights))

    def _at(self, x: float, share: float) -> tuple[float, float]:
        """Where `x` is, at a `share` of the picture's height."""
        return (
            _LEFT + x / self._x_end * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM),
        )

    def _share(self, y: float) -> float:
        """At which share of the height `y` is."""
        low, *_, high = self._y_marks
        if self.logarithmic:
            return math.log(y / low) / math.log(high / low)
        return (y - low) / (high - low)

    def _axes(self) -> list[str]:
        parts = []
        for value in self._y_marks:
            left, y = self._at(0, self._share(value))
            parts.append(_line((left, y), self._at(self._x_end, self._share(value)), _GRID))
            parts.append(_text(left - 8, y + 4, f"{value:g}", anchor="end"))
        for value in sorted({point.x for points in self.curves.values() for point in points}):
            x, bottom = self._at(value, 0)
            parts.append(_line((x, bottom), (x, bottom + 5), _INK))
            parts.append(_text(x, bottom + 20, f"{value:g}", anchor="middle"))
        parts.append(_line(self._at(0, 0), self._at(self._x_end, 0), _INK))
        parts.append(_line(self._at(0, 0), self._at(0, 1), _INK))
        middle, bottom = self._at(self._x_end / 2, 0)
        parts.append(_text(middle, bottom + 44, self.x_label, anchor="middle"))
        left, centre = self._at(0, 0.5)
        parts.append(_text(left - 52, centre, self.y_label, anchor="middle", turned=True))
        return parts

    def _curve(self, name: str, points: list[Point]) -> list[str]:
        colour, dashes = _STYLES.get(name, _OTHER_STYLE)
        corners = " ".join("{:.1f},{:.1f}".format(*self._at(p.x, self._share(p.y))) for p in points)
        parts = [
            f'<polyline points="{corners}" fill="none" stroke="{colour}" '
            f'stroke-width="2.5" stroke-dasharray="{dashes}"/>'
        ]
        for point in points:
            x, y = self._at(point.x, self._share(point.y))
            fill = "#ffffff" if point.lossy else colour
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
        return parts

    def _names(self) -> list[str]:
        """Each curve's name where it ends, moved apart where they would overlap."""
        lasts = {name: points[-1] for name, points in self.curves.items()}
        ends = [(self._at(p.x, self._share(p.y)), name) for name, p in lasts.items()]
        parts = []
        lowest_free = float("-inf")
        for (x, y), name in sorted(ends, key=lambda end: end[0][1]):
            y = max(y, lowest_free)
            lowest_free = y + 17
            colour, _ = _STYLES.get(name, _OTHER_STYLE)
            parts.append(_text(x + 12, y + 4, name, colour=colour, size=14))
        if any(point.lossy for points in self.curves.values() for point in points):
            note = "hollow: datagrams were lost"
            parts.append(_text(_WIDTH - 14, _HEIGHT - 14, note, anchor="end", size=12))
        return parts


def cost_by_clients(figures: list[dict[str, Any]]) -> Picture:
    """Microseconds a copy against the number of clients."""
    return Picture(
        f"CPU for one copy of a datagram, stream of {figures[0]['mbps']:g} Mbit/s",
        "active clients",
        "microseconds of CPU per delivered datagram",
        _curves(figures, "clients", lambda figure: figure["us_per_datagram"]),
        logarithmic=True,
    )


def load_by_rate(figures: list[dict[str, Any]]) -> Picture:
    """Share of the core against the bit rate."""
    return Picture(
        f"Load of the relay's core, {figures[0]['clients']} clients",
        "bit rate of the stream, Mbit/s",
        "share of one core, %",
        _curves(figures, "mbps", lambda figure: figure["core_share"] * 100),
    )


def _curves(
    figures: list[dict[str, Any]], x: str, y: Callable[[dict[str, Any]], float]
) -> dict[str, list[Point]]:
    curves: dict[str, list[Point]] = {}
    for figure in figures:
        point = Point(figure[x], y(figure), figure["loss"] > 0)
        curves.setdefault(figure["relay"], []).append(point)
    return curves


def _linear_marks(highest: float) -> list[float]:
    """From 0 to `highest` or a little more, in about six round steps."""
    rough = highest / _STEPS
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= rough)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def _logarithmic_marks(lowest: float, highest: float) -> list[float]:
    """1, 2, 5, 10 and so on, from just below `lowest` to just above `highest`."""
    decades = range(math.floor(math.log10(lowest)) - 1, math.ceil(math.log10(highest)) + 1)
    marks = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
    below = max(mark for mark in marks if mark < lowest)
    above = min(mark for mark in [*marks, 10 * marks[-1]] if mark > highest)
    return [mark for mark in [*marks, 10 * marks[-1]] if below <= mark <= above]


def _line(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 13,
    colour: str = _INK,
    turned: bool = False,
) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{colour}"{turn}>{escape(text)}</text>'
    )


def main(arguments: Sequence[str]) -> None:
    results, folder = map(Path, arguments)
    figures = json.loads(results.read_text())["fanout"]
    pictures = {
        "cost-by-clients.svg": cost_by_clients(figures["sweep_clients"]),
        "load-by-rate.svg": load_by_rate(figures["sweep_rates"]),
    }
    for name, picture in pictures.items():
        (folder / name).write_text(picture.svg())
        print(folder / name)


if __name__ == "__main__":
    main(sys.argv[1:])
