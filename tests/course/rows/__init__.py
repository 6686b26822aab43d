"""What each program gets from the grader: an id, or '' if it passes.

`NN.toml` holds the programs of chapter NN; `00.toml` those that show what any chapter may find,
by chapter. Behind a program may stand its arguments; in its place, a command line.
"""

import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.doubles.program import ROOT

__all__ = ["ROWS", "Row"]

_HERE = Path(__file__).parent
_PROGRAMS = _HERE.parent / "programs"
_TOOLS = {".js": "node", ".c": "cc"}
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
        """What the machine needs to run it, but for Python."""
        return _TOOLS.get(Path(shlex.split(self.program)[0]).suffix, "")

    @property
    def command(self) -> list[str]:
        """To be run in the root of the repository."""
        name, *words = shlex.split(self.program)
        path = _COURSE / self.chapter / name
        path = path if path.exists() else _PROGRAMS / name
        match path.suffix:
            case ".py":
                return [sys.executable, str(path), *words]
            case ".js":
                return ["node", str(path), *words]
            case ".c":
                return [_compiled(path), *words]
        return [sys.executable if name == "python3" else name, *words]


@cache
def _compiled(source: Path) -> str:
    """The program, which is there as long as we are."""
    program = Path(_built().name) / source.stem
    subprocess.run(["cc", "-O1", "-o", program, source], check=True)
    return str(program)


@cache
def _built() -> TemporaryDirectory[str]:
    return TemporaryDirectory()


def _rows() -> Iterator[Row]:
    for path in sorted(_HERE.glob("*.toml")):
        written = tomllib.loads(path.read_text())
        by_chapter = written if path.stem == "00" else {path.stem: written}
        for chapter, rows in by_chapter.items():
            yield from (Row(chapter, program, id) for program, id in rows.items())


ROWS = list(_rows())
