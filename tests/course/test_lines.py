"""The property test that chapter 3 gives to students tells right from wrong."""

import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from tests.doubles.program import ROOT

pytestmark = pytest.mark.thorough


@pytest.fixture
def chapter(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Its test_lines.py. Other chapters have modules of the same names."""
    monkeypatch.syspath_prepend(ROOT / "examples" / "course" / "03")
    before = set(sys.modules)
    yield import_module("test_lines")
    for name in set(sys.modules) - before:
        del sys.modules[name]


def check(chapter: ModuleType) -> None:
    chapter.test_where_the_bytes_are_cut_does_not_matter()


def test_the_fixed_program_passes(chapter: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapter, "Lines", import_module("fixed").Lines)
    check(chapter)


def test_the_skeleton_fails(chapter: ModuleType) -> None:
    with pytest.raises(AssertionError):
        check(chapter)


def test_who_makes_text_of_each_piece_fails(
    chapter: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chapter, "Lines", import_module("broken_utf8").Lines)
    with pytest.raises(AssertionError):
        check(chapter)
