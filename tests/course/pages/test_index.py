"""The table of chapters says what the chapters say: their minutes, and what may be found."""

import re
import shlex
import subprocess
import sys

import pytest

from examples.course.pages.contents import Page
from tests.course.pages.existing import CHAPTERS, PAGES, ids, text_of
from tests.doubles.program import ROOT

MORE = {
    "en": {"two": 2, "three": 3, "four": 4, "five": 5},
    "es": {"dos": 2, "tres": 3, "cuatro": 4, "cinco": 5},
}

each_chapter = pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.path.as_posix())


each_index = pytest.mark.parametrize(
    "index", [page for page in PAGES if page.name == "index"], ids=lambda page: page.language
)


def row_of(page: Page) -> list[str]:
    """The cells behind the question of the chapter: what is found, and minutes."""
    index = text_of(Page("index", page.language))
    (row,) = re.findall(rf"^\| \[{int(page.name)}\]\({page.name}\.md\) \| (.+) \|$", index, re.M)
    _, found, minutes = str(row).split(" | ")
    return [found, minutes]


@each_chapter
def test_the_index_has_the_minutes_of_the_page_and_of_its_exercise(page: Page) -> None:
    text = text_of(page)
    (exercise,) = re.findall(r"^## (?:Exercise|Ejercicio)\n\n\*(\d+) ", text, re.MULTILINE)
    (whole,) = re.findall(r"^\*(\d+) ", text, re.MULTILINE)[:1]
    assert row_of(page)[1] == f"{whole} + {exercise}"


@each_chapter
def test_the_index_counts_what_the_grader_may_find(page: Page) -> None:
    found, _ = row_of(page)
    named = re.findall(r"`(E[\w-]+)`", found)
    more = [count for word, count in MORE[page.language].items() if f" {word} " in found]
    assert set(named) <= set(ids(page))
    assert len(named) + sum(more) == len(ids(page))


@pytest.mark.thorough
@each_index
def test_the_first_five_minutes_go_as_the_page_says(index: Page) -> None:
    commands = re.findall(
        r"^```sh\npython3 (-m examples.course.grade 01 .+)\n```$", text_of(index), re.M
    )
    ends = [
        subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, capture_output=True)
        for command in commands
    ]
    assert [end.returncode for end in ends] == [1, 0]
    assert b"E01-ONE-AT-A-TIME" in ends[0].stdout
