"""Each id is said in each language, with the same figures, and some program gets it."""

import re
import string
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from examples.course.grade import sentences as said
from examples.course.grade.chapters import NUMBERS
from examples.course.grade.sentences import LANGUAGES, chapter_of
from tests.course.rows import ROWS

_TEXTS = Path(said.__file__).parent / "texts"
_PARTS = {"sent", "expected", "came", "usually"}
_OURS = {"E99-GRADER"}
"""No program's fault: the tests of the grader bring it about."""


@cache
def texts(language: str) -> dict[str, dict[str, Any]]:
    """By the name of the file."""
    return {
        path.stem: tomllib.loads(path.read_text("utf-8"))
        for path in sorted((_TEXTS / language).glob("*.toml"))
    }


def ids(language: str) -> set[str]:
    return {id for file in texts(language).values() for id in file if id.startswith("E")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_id_has_a_program_that_gets_it_and_each_program_an_id_that_is_said(
    language: str,
) -> None:
    assert ids(language) == {row.id for row in ROWS if row.id} | _OURS


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_id_is_said_in_its_own_chapter_and_whole(language: str) -> None:
    for name, file in texts(language).items():
        for id in ids(language) & file.keys():
            assert chapter_of(id) == name
            assert re.fullmatch(r"E\d\d(-[A-Z0-9]+)+", id)
            assert file[id].keys() == _PARTS


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_chapter_says_what_holds(language: str) -> None:
    assert all(texts(language)[name]["holds"] for name in NUMBERS)


def test_a_sentence_of_the_transcript_stands_in_one_file() -> None:
    keys = [key for file in texts("en").values() for key in file.get("transcript", {})]
    assert len(set(keys)) == len(keys)


def test_every_text_is_asked_for_somewhere() -> None:
    keys = {
        key
        for file in texts("en").values()
        for name, table in file.items()
        if isinstance(table, dict) and name not in ids("en")
        for key in table
    }
    programs = "".join(path.read_text("utf-8") for path in _TEXTS.parents[1].rglob("*.py"))
    assert {key for key in keys if f'"{key}"' not in programs} == set()


def test_the_languages_say_the_same_with_the_same_figures() -> None:
    told = {
        language: {name: figures(file) for name, file in texts(language).items()}
        for language in LANGUAGES
    }
    assert told["en"] == told["es"]


def figures(text: Any) -> Any:
    """A file of texts with the names of its figures in place of its sentences."""
    if isinstance(text, dict):
        return {key: figures(value) for key, value in text.items()}
    return {field for _, field, _, _ in string.Formatter().parse(text) if field}
