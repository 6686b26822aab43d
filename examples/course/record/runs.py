"""Which runs are recorded: a table for each in `runs.toml`, beside the programs of a chapter."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..grade.chapters import NUMBERS
from ..pictures import Settings

__all__ = ["COURSE", "PlannedRun", "planned"]

COURSE: Final = Path("examples/course")


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """What is to be recorded: a program and a seed; a picture, or both."""

    chapter: str
    key: str
    """Of its table."""
    program: str
    """A file beside `runs.toml`; "" for a picture of no run."""
    seed: int
    picture: Settings | None

    @property
    def name(self) -> str:
        """Of its files, and on pages."""
        return f"{self.chapter}-{self.key}"

    @property
    def path(self) -> str:
        """Of the program, from the root of the project."""
        return (COURSE / self.chapter / self.program).as_posix()


def planned(root: Path) -> dict[str, PlannedRun]:
    """All, by name."""
    return {
        run.name: run
        for chapter in NUMBERS
        for path in [root / COURSE / chapter / "runs.toml"]
        if path.exists()
        for run in _of_chapter(chapter, tomllib.loads(path.read_text("utf-8")))
    }


def _of_chapter(chapter: str, tables: dict[str, Any]) -> list[PlannedRun]:
    return [
        PlannedRun(
            chapter, key, table.get("program", ""), table.get("seed", 1), table.get("picture")
        )
        for key, table in tables.items()
    ]
