"""A student of a class: a folder with a file `run`, graded in a process that can be ended."""

import os
import random
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .command_words import command_words
from .report import from_json
from .result import Result

__all__ = ["Student", "students"]

_RUN: Final = "run"
_ROOT: Final = Path(__file__).parents[3]
_TO_CLEAN_UP: Final = 10.0
_SEEDS: Final = 1_000_000


class _Unusable(Exception):
    """The file `run` holds no command; why is a key of the command's words."""


@dataclass(frozen=True, slots=True)
class Student:
    """Goes by the name of the folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def own_seed(self, seed: int) -> int:
        """Another one for each student of a class, and the same each time."""
        return random.Random(f"{seed} {self.name}").randrange(_SEEDS)

    def grade(self, chapter: str, seed: int, language: str, limit: float) -> Result:
        """Whatever the student did, and whatever becomes of the grader, is a result."""
        try:
            command = self._command()
        except _Unusable as exc:
            problem = command_words(language).said[str(exc)]
            return Result(
                chapter, seed, "E00-NOT-STARTED", {"command": _RUN, "problem": problem}, 0
            )
        options = ["--json", "--seed", str(seed), "--lang", language, "--in", str(self.folder)]
        try:
            told, complaint = _graders_words([chapter, *options, "--", *command], limit)
        except subprocess.TimeoutExpired:
            problem = command_words(language).said["too_long"].format(limit=limit)
            return Result(chapter, seed, "E99-GRADER", {"problem": problem}, limit)
        try:
            return from_json(told)
        except ValueError:
            problem = " ".join(complaint.splitlines()[-1:])
            return Result(chapter, seed, "E99-GRADER", {"problem": problem}, 0)

    def _command(self) -> list[str]:
        """The one line of `run` that is neither blank nor a comment. Raises _Unusable."""
        try:
            written = (self.folder / _RUN).read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise _Unusable("unreadable") from None
        except OSError:
            raise _Unusable("no_run") from None
        if "\0" in written:
            raise _Unusable("unreadable")
        lines = [line for line in map(str.strip, written.splitlines()) if line]
        lines = [line for line in lines if not line.startswith("#")]
        if len(lines) > 1:
            raise _Unusable("lines")
        try:
            command = shlex.split("".join(lines))
        except ValueError:
            raise _Unusable("quotes") from None
        if not command:
            raise _Unusable("empty")
        return command


def _graders_words(arguments: Sequence[str], limit: float) -> tuple[str, str]:
    """What it tells, and what it complains of. Raises TimeoutExpired when it is ended."""
    grader = subprocess.Popen(
        [sys.executable, "-m", "examples.course.grade", *arguments],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    with grader:
        try:
            return grader.communicate(timeout=limit)
        except BaseException:
            _end(grader)
            raise


def _end(grader: subprocess.Popen[str]) -> None:
    """It ends its program first; a grader that can't is ended anyhow."""
    grader.terminate()
    try:
        grader.communicate(timeout=_TO_CLEAN_UP)
    except subprocess.TimeoutExpired:
        grader.kill()


def students(folder: Path) -> list[Student]:
    """One for each folder in `folder`, by name; hidden ones are nobody's. Raises OSError."""
    return [
        Student(path.resolve())
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    ]
