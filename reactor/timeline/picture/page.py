"""The picture and the story as one page that needs nothing else, and asks nobody for anything.

A long run lies in the page in parts: the first one is there at once, the others are inert text
until the script is asked for them. The story is there once, as text, and the script shows it.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final

from ..findings import advice
from ..findings.finding import Finding
from ..run.turns import Run
from ..telling.story import tell, tell_end
from ..words.languages import LANGUAGES
from ..words.spans import Line, Span, Style
from . import overview
from .columns import Column
from .layout import Layout, Strip
from .legend import signs
from .markup import escape
from .pieces import Pieces, definitions
from .svg import STYLE

__all__ = ["PART", "draw"]

PART: Final = 200
"""Columns that are drawn at once."""
_MANY: Final = 60
"""With more columns than these, an overview helps."""
_WIDTH: Final = 1360
"""Pixels of a strip: what has room in a window of 1400."""
_NARROW: Final = 120
"""Pixels of the lanes' names where the window is narrow; page.css knows them too."""


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


_CSS: Final = STYLE + _read("page.css")
_SCRIPT: Final = _read("page.js")
_HASH: Final = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'"
)
_TAGS: Final = {
    Style.PLAIN: ("", ""),
    Style.CODE: ("<code>", "</code>"),
    Style.STRONG: ("<b>", "</b>"),
    Style.BAD: ('<b class="bad">', "</b>"),
    Style.SMALL: ("<small>", "</small>"),
}


def draw(run: Run, *, language: str = "en", title: str = "", lead: str = "") -> str:
    """The page; `title` is its heading, and `lead` a sentence or two below it."""
    page = _Page(run, language)
    first, *later = page.parts()
    words = page.words
    title = escape(title or " ".join(run.program) or words.page_title)
    return f"""<!doctype html>
<html lang="{words.code}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>{_CSS}</style>
<script>{_SCRIPT}</script>
</head>
<body class="run">
<h1>{title}</h1>
<p class="lead">{escape(lead)}</p>
<p class="key">{escape(words.key_column)}</p>
{page.key([first, *later])}
{page.overview()}
{f"<noscript><p>{escape(words.page_scriptless)}</p></noscript>" if later else ""}
<div id="picture" role="group" aria-label="{escape(words.page_picture)}"
 data-size="{PART}" style="--left:{page.left}px">
{first}
</div>
{page.findings()}
{page.story()}
{page.definitions()}
{"".join(f'<script type="text/plain" class="part">{part}</script>' for part in later)}
</body>
</html>
"""


class _Page:
    """The parts of a page, each as text of its own."""

    def __init__(self, run: Run, language: str) -> None:
        self.words = LANGUAGES[language]
        self._run = run
        self._layout = Layout(run, self.words)
        self._columns = self._layout.columns
        self.left = self._layout.left
        """Pixels of the lanes' names."""

    def key(self, parts: Sequence[str]) -> str:
        """What the signs mean that some part has."""
        items = (
            f'<li><svg width="26" height="14" aria-hidden="true">{sign}</svg>{escape(meaning)}</li>'
            for sign, meaning in signs("".join(parts), self.words)
        )
        return f'<ul class="key">{"".join(items)}</ul>'

    def overview(self) -> str:
        """The whole run at a glance, if it is long."""
        return overview.draw(self._layout) if len(self._columns) > _MANY else ""

    def definitions(self) -> str:
        """What the strips of all parts refer to."""
        inside = definitions(self._layout, _NARROW)
        return f'<svg width="0" height="0" class="definitions" aria-hidden="true">{inside}</svg>'

    # -- the picture -----------------------------------------------------------------

    def parts(self) -> list[str]:
        """The picture, PART columns at a time."""
        return [*map(self._part, range(0, max(1, len(self._columns)), PART))]

    def _part(self, start: int) -> str:
        columns = self._columns[start : start + PART]
        strips = self._layout.strips(columns, _WIDTH)
        return "".join([*self._ways(start), *map(self._strip, strips)])

    def _ways(self, start: int) -> Iterator[str]:
        """Where a part of many lies, and the ways to its neighbours."""
        words, columns, end = self.words, self._columns, start + PART
        if len(columns) <= PART:
            return
        turns = columns[start].turn.number, columns[:end][-1].turn.last, columns[-1].turn.last
        first, last, count = map(words.number, turns)
        yield '<div class="ways">'
        yield f"<span>{escape(words.page_part.format(first=first, last=last, count=count))}</span>"
        if start:
            yield f'<a href="#{columns[start - 1].anchor}">← {escape(words.page_earlier)}</a>'
        if end < len(columns):
            yield f'<a href="#{columns[end].anchor}">{escape(words.page_later)} →</a>'
        yield "</div>"

    def _strip(self, strip: Strip) -> str:
        pieces = Pieces(strip, self._layout, self.words)
        width, below = strip.right - strip.left, strip.top + strip.head
        return (
            '<div class="strip"><div class="grid">'
            + _svg("names", 0, 0, strip.left, strip.bottom, pieces.names())
            + _svg("ribbon", strip.left, 0, width, strip.top, pieces.ribbon())
            + _svg("numbers", strip.left, strip.top, width, strip.head, pieces.links())
            + _svg("lanes", strip.left, below, width, strip.bottom - below, pieces.lanes())
            + "</div></div>"
        )

    # -- in words --------------------------------------------------------------------

    def findings(self) -> str:
        """What is wrong, each with the way to its turn."""
        if not self._layout.findings:
            return ""
        items = "".join(map(self._finding, self._layout.findings))
        heading = f"<h2>{escape(self.words.page_findings)}</h2>"
        return f'<section id="findings">{heading}<ol>{items}</ol></section>'

    def _finding(self, finding: Finding) -> str:
        number = self.words.number(finding.turn)
        turn = self.words.turn.format(number=number) if finding.turn else self.words.before
        sentence = advice.tell(finding, self._run, self.words.code)
        anchor = self._layout.column_of(finding.turn).anchor
        return (
            f'<li><a href="#{anchor}">{escape(turn)}</a>, '
            f"<code>{finding.id.value}</code>: {escape(sentence)}</li>"
        )

    def story(self) -> str:
        """Every turn in plain words."""
        words = self.words
        starts = range(0, max(1, len(self._columns)), PART)
        first, *later = ("".join(map(self._told, self._columns[s : s + PART])) for s in starts)
        end = "".join(map(_paragraph, tell_end(self._run, words)))
        return (
            f'<section id="story"><div><h2>{escape(words.page_story)}</h2>'
            f'<button type="button" aria-pressed="false">{escape(words.page_whole)}</button>'
            f'<span class="hint">{escape(words.page_hint)}</span></div>'
            f'<ol aria-live="polite">\n{first}</ol>\n'
            # Where there are scripts, this is text that costs nothing until it is asked for.
            + "".join(f'<noscript class="part"><ol>\n{part}</ol></noscript>\n' for part in later)
            + f"{end}</section>"
        )

    def _told(self, column: Column) -> str:
        lines = tell(column.turn, self._layout.lanes, self.words)
        return f'<li id="{column.anchor}">{"".join(map(_paragraph, lines))}</li>\n'


def _svg(kind: str, x: int, y: int, width: int, height: int, inside: str) -> str:
    # All but the links is told in the story, too.
    told = ' role="group"' if kind == "numbers" else ' aria-hidden="true"'
    return (
        f'<svg class="{kind}" width="{width}" height="{height}" '
        f'viewBox="{x} {y} {width} {height}"{told}>{inside}</svg>'
    )


def _paragraph(line: Line) -> str:
    return f"<p>{''.join(map(_span, line))}</p>"


def _span(span: Span) -> str:
    before, after = _TAGS[span.style]
    return f"{before}{escape(span.text)}{after}"
