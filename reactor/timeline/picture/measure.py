"""How wide a text is at most, in whatever font: nobody here can measure one.

The figures are those of the widest of the usual fonts, so that with any other there is room
left, and nothing overlaps.
"""

from functools import lru_cache
from typing import Final

__all__ = ["BOLD", "MONO", "SANS", "fit", "fit_end", "fit_name", "text_width", "wrap"]

SANS: Final = 0.64
BOLD: Final = 0.7
MONO: Final = 0.61
"""Widths of a character in ems (DejaVu)."""
_SIGN: Final = 1.0
"""Width of what most fonts borrow from another one: arrows, signs, wide characters."""


@lru_cache(10_000)
def text_width(text: str, size: float, em: float = SANS) -> float:
    """At most how many pixels a text takes.

    >>> text_width("CONECTAR", 12, MONO) < text_width("CONECTAR", 12) < text_width("映" * 8, 12)
    True
    """
    if text.isascii():
        return size * em * len(text)
    return size * sum(em if letter < "\u2150" else _SIGN for letter in text)


def fit(text: str, room: float, size: float, em: float = SANS) -> str:
    """The text, or as much of its beginning as there is room for.

    >>> fit("127.0.0.1:5000", 200, 11), fit("127.0.0.1:5000", 60, 11)
    ('127.0.0.1:5000', '127.0.0…')
    """
    if text_width(text, size, em) <= room:
        return text
    while text and text_width(text + "…", size, em) > room:
        text = text[:-1]
    return text + "…"


def fit_end(text: str, room: float, size: float, em: float = SANS) -> str:
    """The text, or as much of its end as there is room for.

    >>> fit_end("127.0.0.1:5000 · fd 7", 200, 11), fit_end("127.0.0.1:5000 · fd 7", 100, 11)
    ('127.0.0.1:5000 · fd 7', '…1:5000 · fd 7')
    """
    if text_width(text, size, em) <= room:
        return text
    while text and text_width("…" + text, size, em) > room:
        text = text[1:]
    return "…" + text


def fit_name(name: str, room: float, size: float, em: float = SANS) -> str:
    """The name, or its beginning and its end: by their ends, addresses can be told apart.

    >>> fit_name("127.0.0.1:5000", 200, 11), fit_name("127.0.0.1:5000", 80, 11)
    ('127.0.0.1:5000', '127.0…:5000')
    """
    fitted, kept = name, len(name)
    while kept and text_width(fitted, size, em) > room:
        kept -= 1
        fitted = f"{name[: (kept + 1) // 2]}…{name[len(name) - kept // 2 :]}"
    return fitted


def wrap(text: str, room: float, size: float, em: float = SANS) -> list[str]:
    """The text in lines that have room, broken between words; a longer word is cut.

    >>> wrap("Nobody serves them, and the timer is late.", 200, 11)
    ['Nobody serves them, and the', 'timer is late.']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and text_width(longer, size, em) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return [fit(line, room, size, em) for line in lines]
