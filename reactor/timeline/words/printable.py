"""Bytes and names of a record as text that can be looked at: the one home for what is hostile.

A record holds what strangers sent. What would move the cursor, turn the reading direction,
or not be seen at all is shown as the escape that Python writes for it; the rest as it is.
"""

import codecs
import re
import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["LINE_END", "clip", "is_text", "isolated", "printable", "shown", "width"]

LINE_END: Final = "↵"
_FOREIGN: Final = re.compile("[^\0-\u10ff↵◀▶…]")
"""Letters that may be wide: none of Europe's is, nor are the commonest signs."""
_LEFTWARD: Final = (
    "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
)
_LEFTWARDS: Final = re.compile(f"[{_LEFTWARD}]+(?: +[{_LEFTWARD}]+)*")
"""Words of scripts that run from right to left; UAX 9 has their blocks."""
_NEW_DECODER: Final = codecs.getincrementaldecoder("utf-8")


@lru_cache(10_000)
def shown(data: bytes, *, whole: bool = True) -> str:
    r"""The bytes as text on one line; with `whole` False, more bytes followed than these.

    UTF-8 where it is valid; a character that is cut at the end is left out if it goes on.

    >>> shown(b"CONECTAR 5001\r\nDESC"), shown("señal".encode())
    ('CONECTAR 5001↵DESC', 'señal')
    >>> shown(b"se\xc3"), shown(b"se\xc3", whole=False)
    ('se\\xc3', 'se')
    """
    return printable(_NEW_DECODER("backslashreplace").decode(data, final=whole))


def printable(text: str) -> str:
    r"""The text on one line, without anything that can't be seen or that moves what can.

    >>> printable("\x1b[31mred\u202e\n")
    '\\x1b[31mred\\u202e↵'
    """
    plain = text.isascii()
    text = text.replace(LINE_END, "\\u21b5")  # whoever sends the sign itself ends no line
    text = text.replace("\r\n", LINE_END).replace("\n", LINE_END)
    return text if plain and text.isprintable() else "".join(map(_visible, text))


def is_text(data: bytes) -> bool:
    r"""Whether people can read it: at most a quarter of its bytes has to be shown as escapes.

    >>> is_text(b"CONECTAR 5001\n"), is_text(b"\x47\x40\x00\x10\x00")
    (True, False)
    """
    return shown(data, whole=False).count("\\") * 4 <= len(data)


@lru_cache(10_000)
def width(text: str) -> int:
    """Columns of a terminal that it takes: wide characters take two.

    >>> width("OK↵"), width("映画")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    foreign = _FOREIGN.findall(text)
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in foreign)


def clip(text: str, room: int) -> str:
    """As much of the text as has room in so many columns, with a sign if that is not all.

    >>> clip("CONECTAR 5001", 13), clip("CONECTAR 5001", 9)
    ('CONECTAR 5001', 'CONECTAR…')
    """
    if width(text) <= room:
        return text
    text = text[:room]
    while width(text) > room - 1:
        text = text[:-1]
    return text + "…"


def isolated(text: str) -> str:
    r"""The text for an output: words that run from right to left move none that stand beside them.

    The marks have no width, and so come last: when nothing is measured any more.

    >>> ascii(isolated("\u05d0\u05d1 12"))
    "'\\u2068\\u05d0\\u05d1\\u2069 12'"
    """
    return text if text.isascii() else _LEFTWARDS.sub("\u2068\\g<0>\u2069", text)


def _visible(letter: str) -> str:
    # A mark without width is drawn over its neighbour, and may well be one of hundreds.
    if letter.isprintable() and unicodedata.category(letter) not in ("Mn", "Me"):
        return letter
    return letter.encode("unicode_escape").decode("ascii")
