"""Every broken program of the course gets exactly its id, every program that holds passes."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from examples.course.grade.chapters import NUMBERS
from examples.course.grade.report import tell, to_json
from examples.course.grade.result import grade
from examples.course.grade.sentences import LANGUAGES
from tests.course.hogs import PROCESSORS, crowded
from tests.course.rows import ROWS, Row
from tests.doubles.program import ROOT

_COURSE = ROOT / "examples" / "course"
_QUICK = ("00_crashes_at_once.py", "00_accepts_and_closes.py", "00_accepts_anything.py")
_RIGHT = ("fixed.py", "fixed_with_reactor.py")


def needs_its_tool(row: Row) -> None:
    """CI has all of them."""
    if row.tool and shutil.which(row.tool) is None and "CI" not in os.environ:
        pytest.skip(f"needs {row.tool}")


def found(row: Row, seed: int) -> str:
    """What the grader finds. A machine that stands still for longer than any limit deceives it
    now and then: whoever is misjudged is looked at once more.
    """
    first = found_at_first(row, seed)
    return first if first == row.id else found_at_first(row, seed)


def found_at_first(row: Row, seed: int) -> str:
    """What it says of it is looked at in passing, in each language."""
    result = grade(row.chapter, row.command, seed, folder=ROOT)
    for language in LANGUAGES:
        assert tell(result, language)
        assert to_json(result, language)
    if result.id != row.id:
        print(tell(result, "en"))
    return result.id


@pytest.mark.thorough
def test_each_program_gets_its_id_on_a_busy_machine() -> None:
    """Four at once, for most of a row is waiting. The other processors are for other tests."""
    rows = [row for row in ROWS if not row.tool or shutil.which(row.tool)]
    assert all(row.command for row in rows)  # compiled, before two ask for the same at once
    with crowded(PROCESSORS[-1]), ThreadPoolExecutor(4) as pool:
        ids = pool.map(lambda row: found(row, seed=3), rows)
        wrong = {str(row): id for row, id in zip(rows, ids, strict=True) if id != row.id}
    assert not wrong, "what was found in place of what should have been"


@pytest.mark.parametrize("row", [row for row in ROWS if row.program in _QUICK], ids=str)
def test_a_program_gets_its_id(row: Row) -> None:
    assert found(row, 0) == row.id


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_program_gets_its_id(row: Row, seed: int) -> None:
    needs_its_tool(row)
    assert found(row, seed) == row.id


@pytest.mark.parametrize("chapter", NUMBERS)
def test_each_program_of_a_chapter_has_a_row(chapter: str) -> None:
    rows = {row.program: row.id for row in ROWS if row.chapter == chapter}
    for path in programs(chapter):
        assert path.name in rows, "a program of which nobody knows what it gets"
        assert (rows[path.name] == "") == (path.name in _RIGHT)


def programs(chapter: str) -> list[Path]:
    folder = _COURSE / chapter
    patterns = ("broken*.py", "skeleton.py", "fixed*.py")
    return [path for pattern in patterns for path in sorted(folder.glob(pattern))]
