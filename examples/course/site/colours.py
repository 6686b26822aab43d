"""Code with its strings, comments and words of the language marked: no more than helps to read."""

import re
from html import escape
from keyword import kwlist
from typing import Final

__all__ = ["coloured"]

_STRING: Final = r"""
    (?:\b[rbf]{1,2})?(?:\"{3}.*?\"{3} | '{3}.*?'{3} | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')
"""
_PYTHON: Final = re.compile(
    rf"(?P<comment>\#[^\n]*) | (?P<string>{_STRING}) | (?P<word>\b(?:{'|'.join(kwlist)})\b)",
    re.VERBOSE | re.DOTALL,
)
_CONSOLE: Final = re.compile(r"(?P<typed>^\$ [^\n]*)", re.MULTILINE)
_SH: Final = re.compile(r"(?P<command>^[^\n]+)", re.MULTILINE)
_LANGUAGES: Final = {"python": _PYTHON, "console": _CONSOLE, "sh": _SH}


def coloured(text: str, language: str) -> str:
    """As HTML.

    >>> coloured("return a < b # 1", "python")
    '<b class="word">return</b> a &lt; b <b class="comment"># 1</b>'
    """
    pattern = _LANGUAGES.get(language)
    if pattern is None:
        return escape(text)
    parts, at = [], 0
    for match in pattern.finditer(text):
        parts.append(escape(text[at : match.start()]))
        parts.append(f'<b class="{match.lastgroup}">{escape(match[0])}</b>')
        at = match.end()
    return "".join([*parts, escape(text[at:])])
