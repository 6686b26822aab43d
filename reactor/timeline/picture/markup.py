"""Elements of SVG and of a page as text, and the one way by which foreign text gets into them.

Texts come from records that strangers had a hand in: each goes through `escape`, at the
moment at which it is written.
"""

from collections import defaultdict
from functools import lru_cache
from html import escape as escape_markup

from ..words.printable import LINE_END, isolated, printable

__all__ = ["Shapes", "Texts", "escape", "rect", "text"]


@lru_cache(10_000)
def escape(foreign: str) -> str:
    r"""The text for the inside of an element or of a quoted attribute.

    >>> escape('</style>"\x07\u202e↵')
    '&lt;/style&gt;&quot;\\x07\\u202e↵'
    """
    if not foreign.isprintable():
        foreign = LINE_END.join(map(printable, foreign.split(LINE_END)))
    return escape_markup(isolated(foreign))


def rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A rectangle; `kind` is its class."""
    return (
        f'<rect class="{kind}" x="{x:.6g}" y="{y:.6g}" width="{width:.6g}" height="{height:.6g}"/>'
    )


def text(kind: str, x: float, y: float, foreign: str) -> str:
    """A line of text on a baseline; `kind` is its class, if it needs one.

    >>> text("", 0, 12.5, "a < b")
    '<text y="12.5">a &lt; b</text>'
    """
    look = f' class="{kind}"' if kind else ""
    place = f' x="{x:.6g}"' if x else ""
    return f'<text{look}{place} y="{y:.6g}">{escape(foreign)}</text>'


class Shapes:
    """Rectangles and lines; those of equal look are one path, so that a picture stays small.

    >>> shapes = Shapes()
    >>> shapes.rect("bar", 0, 0, 9, 5)
    >>> shapes.line("rule", 0, 7.5, 9)
    >>> shapes.rect("bar", 9, 0, 9, 5)
    >>> str(shapes)
    '<path class="bar" d="M0 0h9v5h-9zM9 0h9v5h-9z"/><path class="rule" d="M0 7.5H9"/>'
    """

    def __init__(self) -> None:
        self._paths = defaultdict[str, list[str]](list)

    def rect(self, kind: str, x: float, y: float, width: float, height: float) -> None:
        """A rectangle, drawn when the first of its kind is."""
        self._paths[kind].append(f"M{x:.6g} {y:.6g}h{width:.6g}v{height:.6g}h{-width:.6g}z")

    def line(self, kind: str, x: float, y: float, end: float) -> None:
        """A level line."""
        self._paths[kind].append(f"M{x:.6g} {y:.6g}H{end:.6g}")

    def __str__(self) -> str:
        return "".join(
            f'<path class="{kind}" d="{"".join(d)}"/>' for kind, d in self._paths.items()
        )


class Texts:
    """Lines of text; those of equal look and place from the left are one group, for the same.

    >>> texts = Texts()
    >>> texts.add("out", 0, 12, "OK")
    >>> texts.add("", 4, 24, "closed")
    >>> texts.add("out", 0, 36, "a < b")
    >>> print(str(texts).replace("<g", "\\n<g").strip())
    <g class="out"><text y="12">OK</text><text y="36">a &lt; b</text></g>
    <g transform="translate(4)"><text y="24">closed</text></g>
    """

    def __init__(self) -> None:
        self._groups = defaultdict[tuple[str, float], list[str]](list)

    def add(self, kind: str, x: float, y: float, foreign: str) -> None:
        """A line on a baseline, drawn when the first of its kind is."""
        self._groups[kind, x].append(text("", 0, y, foreign))

    def __str__(self) -> str:
        return "".join(
            f"<g{look * bool(kind)}{place * bool(x)}>{''.join(lines)}</g>"
            for (kind, x), lines in self._groups.items()
            for look, place in [(f' class="{kind}"', f' transform="translate({x:.6g})"')]
        )
