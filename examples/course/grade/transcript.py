"""What the grader did and what it saw, in order: without a word of any language.

An entry is a key of the texts and the figures that belong into its sentence.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from .diagnosis import Figure

__all__ = ["Entry", "Kind", "Transcript", "shown", "shown_pieces"]

_LONGEST: Final = 60


class Kind(StrEnum):
    """Whether the grader did it, or looked whether it came as it should."""

    ACTION = "action"
    EXPECTATION = "expectation"


@dataclass(frozen=True, slots=True)
class Entry:
    """`key` names a sentence in `texts`, into which `figures` are put."""

    kind: Kind
    key: str
    figures: Mapping[str, Figure] = field(default_factory=dict)


class Transcript:
    """Of one examination. What is the same in each run is the same here: no port, no time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._is_quiet = False

    def did(self, key: str, **figures: Figure) -> None:
        """An action of the grader."""
        self._add(Entry(Kind.ACTION, key, figures))

    def saw(self, key: str, **figures: Figure) -> None:
        """What came, or did not."""
        self._add(Entry(Kind.EXPECTATION, key, figures))

    @contextmanager
    def summed_up(self, key: str, **figures: Figure) -> Iterator[None]:
        """For what is done many times: one entry in place of all that are made meanwhile."""
        before, self._is_quiet = self._is_quiet, True
        try:
            yield
        finally:
            self._is_quiet = before
            self.did(key, **figures)

    def _add(self, entry: Entry) -> None:
        if not self._is_quiet:
            self.entries.append(entry)


def shown(data: bytes) -> str:
    r"""Bytes as one short line.

    >>> shown(b"OK\n"), shown(b"\xff\x1b[2J")
    ('OK↵', '\\xff\\x1b[2J')
    """
    text = data[:_LONGEST].decode(errors="backslashreplace").replace("\n", "↵")
    line = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return line + ("…" if len(data) > _LONGEST else "")


def shown_pieces(pieces: Iterable[bytes]) -> str:
    r"""
    >>> shown_pieces([b"CONT", b"INUAR\n"])
    'CONT | INUAR↵'
    """
    return " | ".join(map(shown, pieces))
