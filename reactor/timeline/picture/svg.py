"""The whole run as one picture that needs nothing else: for a book, or for a document's page."""

from importlib.resources import files
from typing import Final

from ..findings import advice
from ..run.turns import Run
from ..words.languages import LANGUAGES
from ..words.words import Words
from .layout import Layout
from .legend import signs
from .markup import escape, rect, text
from .measure import text_width, wrap
from .pieces import Pieces, definitions

__all__ = ["STYLE", "draw"]

STYLE: Final = files(__package__).joinpath("svg.css").read_text(encoding="utf-8")
"""How all classes look, in the light and in the dark."""
_GAP: Final = 20


def draw(
    run: Run, *, language: str = "en", title: str = "", lead: str = "", width: int = 960
) -> str:
    """The picture, at most `width` pixels wide unless a single turn needs more.

    `title` is its heading, and `lead` a sentence or two below it.
    """
    words = LANGUAGES[language]
    layout = Layout(run, words)
    strips = layout.strips(layout.columns, width)
    width = max([360, *(strip.right for strip in strips)])
    y, parts = 4, []
    if title:
        y, parts = 36, [text("title", 8, 24, title)]
    if lead:
        lines = wrap(lead, width - 16, 13)
        parts += [text("lead", 8, y + 12 + 18 * place, line) for place, line in enumerate(lines)]
        y += 18 * len(lines) + 8
    for strip in strips:
        pieces = Pieces(strip, layout, words)
        inside = pieces.names() + pieces.ribbon() + pieces.numbers() + pieces.lanes()
        parts.append(f'<g transform="translate(0 {y})">{inside}</g>')
        y += strip.bottom + _GAP
    for place, finding in enumerate(layout.findings, 1):
        found, y = _found(place, advice.sentence(finding, run, language), y, width)
        parts.append(found)
    below, height = _legend("".join(parts), y, width, words)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="run" role="img" lang="{words.code}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"<title>{escape(title or ' '.join(run.program) or words.page_title)}</title>"
        f"<style>{STYLE}</style>{definitions(layout)}"
        f'<rect class="paper" width="100%" height="100%"/>{"".join(parts)}{below}</svg>\n'
    )


def _found(place: int, sentence: str, y: int, width: int) -> tuple[str, int]:
    """A finding with the sign that points to it, and where the next one begins."""
    sign, lines = f"!{place}", wrap(sentence, width - 52, 12)
    plate = rect("mark", 8, y - 8, 26, 15) + text("flag", 21, y + 3.5, sign)
    texts = (text("finding", 42, y + 4 + 16 * count, line) for count, line in enumerate(lines))
    return plate + "".join(texts), y + 16 * len(lines) + 6


def _legend(drawn: str, y: int, width: int, words: Words) -> tuple[str, int]:
    """What the signs mean, as lines of the picture, and the height of all."""
    x, parts = 8.0, []
    for sign, meaning in signs(drawn, words):
        wide = 32 + text_width(meaning, 11)
        if x > 8 and x + wide > width:
            x, y = 8.0, y + 20
        inside = sign + text("sub", 32, 11, meaning)
        parts.append(f'<g transform="translate({x:.0f} {y})">{inside}</g>')
        x += wide + 12
    return "".join(parts), y + 22
