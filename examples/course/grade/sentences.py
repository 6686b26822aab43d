"""The grader's sentences in one language, with the figures of a run put into them."""

import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from .chapters import NUMBERS
from .diagnosis import Figure
from .numbers import written
from .transcript import Entry

__all__ = ["LANGUAGES", "Sentences", "chapter_of", "sentences"]

LANGUAGES: Final = ("en", "es")
_GENERAL: Final = "00"
"""What any chapter may find, and what is said in each."""


class _Formatter(string.Formatter):
    """Writes numbers as the language does: 9,192.5 or 9.192,5."""

    def __init__(self, language: str) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        return written(value, format_spec, self._language)


class Sentences:
    """Those of one chapter, and the general ones.

    >>> from .transcript import Kind
    >>> sentences("05", "es").of_entry(Entry(Kind.EXPECTATION, "idle", {"share": 0.99}))
    'en reposo: 99% de un núcleo'
    """

    def __init__(self, chapter: str, language: str) -> None:
        self._language = language
        self._labels: dict[str, str] = _read(_GENERAL, language)["labels"]
        self._transcript = _of_all_chapters(language)
        self._holds: str = _read(chapter, language)["holds"]
        self._formatter = _Formatter(language)

    def label(self, name: str, **figures: Figure) -> str:
        """What stands before something, or in its place."""
        return self._put(self._labels[name], figures)

    def of_entry(self, entry: Entry) -> str:
        """What was done or seen, in a few words."""
        return self._put(self._transcript[entry.key], entry.figures)

    def of_success(self, figures: Mapping[str, Figure]) -> str:
        """What now holds."""
        return self._put(self._holds, figures)

    def of_diagnosis(self, id: str, part: str, figures: Mapping[str, Figure]) -> str:
        """`part` is one of sent, expected, came, usually. An id may be of another chapter."""
        return self._put(_read(chapter_of(id), self._language)[id][part], figures)

    def _put(self, sentence: str, figures: Mapping[str, Figure]) -> str:
        """A figure that is '' is something that was not there."""
        shown = {
            name: figure if figure != "" else self._labels["nothing"]
            for name, figure in figures.items()
        }
        return " ".join(self._formatter.vformat(sentence, (), shown).split())


def chapter_of(id: str) -> str:
    """Of which chapter an id is; 00 is all of them, and the grader itself.

    >>> chapter_of("E05-EOF-SPIN"), chapter_of("E99-GRADER")
    ('05', '00')
    """
    return "00" if id.startswith("E99") else id[1:3]


@cache
def _read(name: str, language: str) -> dict[str, Any]:
    text = files(__package__).joinpath("texts", language, f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _of_all_chapters(language: str) -> dict[str, str]:
    """A chapter that looks for another one's fault writes down what that one would."""
    entries: dict[str, str] = {}
    for name in (_GENERAL, *NUMBERS):
        entries |= _read(name, language).get("transcript", {})
    return entries


@cache
def sentences(chapter: str, language: str) -> Sentences:
    """`language` is one of LANGUAGES."""
    return Sentences(chapter, language)
