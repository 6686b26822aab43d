"""What each program gets from the grader: an id, or '' if it passes.

`NN.toml` holds the programs of chapter NN; `00.toml` those that show what any chapter may find,
by chapter. Where a program is not Python, a command line stands in its place.
"""

import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.doubles.program import ROOT

__all__ = ["ROWS", "Row"]

_HERE = Path(__file__).parent
_PROGRAMS = _HERE.parent / "programs"
_COURSE = ROOT / "examples" / "course"


@dataclass(frozen=True)
class Row:
    chapter: str
    program: str
    id: str

    def __str__(self) -> str:
        return f"{self.chapter}-{self.program}"

    @property
    def tool(self) -> str:
        """What the machine needs to run it."""
        return "" if "{port}" not in self.program else shlex.split(self.program)[0]

    @property
    def command(self) -> list[str]:
        """To be run in the root of the repository."""
        if not self.tool:
            path = _COURSE / self.chapter / self.program
            return [sys.executable, str(path if path.exists() else _PROGRAMS / self.program)]
        tool, *words = shlex.split(self.program)
        return [sys.executable if tool == "python3" else tool, *words]


def _rows() -> Iterator[Row]:
    for path in sorted(_HERE.glob("*.toml")):
        written = tomllib.loads(path.read_text())
        by_chapter = written if path.stem == "00" else {path.stem: written}
        for chapter, rows in by_chapter.items():
            yield from (Row(chapter, program, id) for program, id in rows.items())


ROWS = list(_rows())
