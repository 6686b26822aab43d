"""The parts fit together: one program may pass every chapter, and the relay those that it knows."""

import sys

import pytest

from examples.course.grade.chapters import NUMBERS
from examples.course.grade.result import grade
from tests.doubles.program import ROOT

_WITH_WORDS_OF_THEIR_OWN = ("02", "06", "07", "10")
_RELAYS = ("fixed.py", "fixed_with_reactor.py")

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("chapter", NUMBERS)
def test_one_program_passes_every_chapter(chapter: str) -> None:
    path = ROOT / "tests" / "course" / "programs" / "whole.py"
    assert grade(chapter, [sys.executable, str(path)], seed=1, folder=ROOT).id == ""


@pytest.mark.parametrize("program", _RELAYS)
@pytest.mark.parametrize("chapter", NUMBERS)
def test_the_relay_of_the_last_chapter_passes_all_whose_words_it_knows(
    chapter: str, program: str
) -> None:
    path = ROOT / "examples" / "course" / "11" / program
    expected = "E00-UNKNOWN-WORD" if chapter in _WITH_WORDS_OF_THEIR_OWN else ""
    assert grade(chapter, [sys.executable, str(path)], seed=1, folder=ROOT).id == expected
