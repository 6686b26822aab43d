"""Directives: comments of a page that say what is to stand behind them. Text in, text out.

A block has a line of its own, and what stands between that and `<!-- end -->` is replaced:

    <!-- code examples/course/05/broken.py loop -->
    <!-- end -->

A figure stands within a line: `<!--=05-broken share:.0%-->99%<!--/-->`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

__all__ = [
    "FIGURE",
    "WORDS",
    "Content",
    "Directive",
    "DirectiveError",
    "check_figures",
    "directives",
    "emptied",
    "fill",
]

WORDS: Final = ("code", "run", "picture", "navigation")
FIGURE: Final = "figure"
"""The word of those within a line."""
_END: Final = "<!-- end -->"
_SOURCE: Final = "source:"
"""What the first line of a translation is, see `translation`."""
_COMMENT: Final = re.compile(r"<!-- (\S+)(?: (.*))? -->")
_FIGURE: Final = re.compile(r"(<!--=([^>]*)-->)(.*?)(<!--/-->)")
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True)
class Directive:
    """One of WORDS or FIGURE, what stands behind it, and in which line, counted from 1."""

    word: str
    argument: str
    line: int


class DirectiveError(ValueError):
    """What a directive asks for is not there, in one line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


Content = Callable[[Directive], str]
"""What belongs behind a directive. Raises ValueError for what is not there."""


def fill(text: str, content: Content) -> str:
    r"""The text with all directives filled. A block without an end is given one.

    Raises DirectiveError for a directive that there is not, and for what `content` raises.

    >>> fill("<!-- run 05-fixed -->\nIt passes.\n", lambda directive: "PASS")
    '<!-- run 05-fixed -->\nPASS\n<!-- end -->\nIt passes.\n'
    >>> fill("It uses <!--=05-broken share-->?<!--/-->.", lambda directive: "99%")
    'It uses <!--=05-broken share-->99%<!--/-->.'
    """
    return "\n".join(_filled(text.split("\n"), content))


def emptied(text: str) -> str:
    r"""The text with nothing in it that came from elsewhere.

    >>> emptied("<!-- run 05-fixed -->\nPASS\n<!-- end -->\nIt passes.\n")
    '<!-- run 05-fixed -->\n<!-- end -->\nIt passes.\n'
    """
    return fill(text, lambda directive: "")


def directives(text: str) -> list[Directive]:
    """All of a text, in order."""
    found: list[Directive] = []

    def note(directive: Directive) -> str:
        found.append(directive)
        return ""

    fill(text, note)
    return found


def check_figures(text: str) -> None:
    """Raises DirectiveError for a line that begins with a figure: all of it would be HTML."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip(" ").startswith("<!--="):
            raise DirectiveError(number, "a line can't begin with a figure: put a word before it")


def _filled(lines: list[str], content: Content) -> Iterator[str]:
    at, is_code = 0, False
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if line.startswith(_FENCE):
            is_code = not is_code
        if is_code:
            yield line
        elif directive := _directive(line, number):
            at = _end_of_block(lines, at)
            yield line
            yield from _block(directive, content)
            yield _END
        else:
            yield _with_figures(line, number, content)


def _directive(line: str, number: int) -> Directive | None:
    """The one that fills this line. Raises DirectiveError for any other comment that does."""
    match = _COMMENT.fullmatch(line)
    if match is None or (number == 1 and match[1] == _SOURCE):
        return None
    if match[1] not in WORDS:
        raise DirectiveError(number, f"no directive is called {match[1]!r} here")
    return Directive(match[1], match[2] or "", number)


def _end_of_block(lines: list[str], begin: int) -> int:
    """The number of the line behind its end, or `begin` if it has none yet."""
    for at in range(begin, len(lines)):
        if lines[at] == _END:
            return at + 1
        if _COMMENT.fullmatch(lines[at]):
            break
    return begin


def _block(directive: Directive, content: Content) -> list[str]:
    filling = _asked(directive, content)
    lines = filling.split("\n") if filling else []
    if any(map(_COMMENT.fullmatch, lines)):
        raise DirectiveError(directive.line, f"a line of {directive.argument} is a directive")
    return lines


def _with_figures(line: str, number: int, content: Content) -> str:
    def filled(match: re.Match[str]) -> str:
        figure = _asked(Directive(FIGURE, match[2], number), content)
        if "\n" in figure or "<!--" in figure:
            raise DirectiveError(number, f"{figure!r} is no figure")
        return f"{match[1]}{figure}{match[4]}"

    return _FIGURE.sub(filled, line)


def _asked(directive: Directive, content: Content) -> str:
    try:
        return content(directive)
    except ValueError as exc:
        raise DirectiveError(directive.line, str(exc)) from exc
