"""Every broken program of the course gets exactly its id, every program that holds passes."""

import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from examples.course.grade.chapters import NUMBERS
from examples.course.grade.result import grade
from tests.doubles.program import ROOT

_ROWS = Path(__file__).parent / "rows"
_COURSE = ROOT / "examples" / "course"
_PROGRAMS = Path(__file__).parent / "programs"


def rows(chapter: str) -> dict[str, str]:
    """Program -> id. Where a program is not Python, a command line stands in its place."""
    path = _ROWS / f"{chapter}.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


ROWS = [(chapter, *row) for chapter in NUMBERS for row in rows(chapter).items()]


def command(chapter: str, program: str) -> list[str]:
    if "{port}" in program:
        return shlex.split(program)
    path = _COURSE / chapter / program
    path = path if path.exists() else _PROGRAMS / program
    return [sys.executable, str(path)]


@pytest.mark.thorough
@pytest.mark.parametrize("time", range(3))
@pytest.mark.parametrize(("chapter", "program", "id"), ROWS)
def test_each_program_gets_its_id(chapter: str, program: str, id: str, time: int) -> None:
    assert grade(chapter, command(chapter, program), seed=time).id == id
