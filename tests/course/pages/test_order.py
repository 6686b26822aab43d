"""A reader who knows one page knows them all: the same order, in each language."""

import re

import pytest

from examples.course.pages.contents import ORIGINAL, Page
from examples.course.pages.directives import directives
from tests.course.pages.existing import CHAPTERS, PAGES, TRANSLATIONS, ids, text_of

HEADINGS = {
    "en": [
        "See it fail", "Why", "Put it right", "The same in the library", "Exercise",
        "What the grader says", "Think",
    ],
    "es": [
        "Miralo fallar", "Por qué", "Arreglalo", "Lo mismo en la biblioteca", "Ejercicio",
        "Lo que dice el corrector", "Para pensar",
    ],
}  # fmt: skip
ANSWERS = {"en": "<summary>Answers</summary>", "es": "<summary>Respuestas</summary>"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.as_posix())
each_chapter = pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.path.as_posix())
each_translation = pytest.mark.parametrize(
    "page", TRANSLATIONS, ids=lambda page: page.path.as_posix()
)


def headings(page: Page) -> list[tuple[int, str]]:
    """Level and text of each, in order; none of what only looks like one in code."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"^(#+) (.+)$", prose, re.MULTILINE)
    return [(len(marks), text) for marks, text in found]


@each_page
def test_a_page_has_the_title_that_the_contents_say(page: Page) -> None:
    assert [text for level, text in headings(page) if level == 1] == [page.title]


@each_page
def test_a_page_ends_with_the_ways_on(page: Page) -> None:
    assert [each.word for each in directives(text_of(page))][-1:] == ["navigation"]


@each_chapter
def test_a_chapter_goes_through_its_question_in_order(page: Page) -> None:
    expected = HEADINGS[page.language]
    found = [text for level, text in headings(page) if level == 2]
    assert [text for text in found if text in expected] == expected


@each_chapter
def test_a_chapter_says_first_how_long_it_takes_and_what_it_needs(page: Page) -> None:
    behind_title = re.search(r"^# .+\n\n(.+(?:\n.+)*)", text_of(page), re.MULTILINE)
    assert behind_title is not None
    assert re.fullmatch(r"\*[^*]+\d+ minut[^*]+\*", behind_title[1])


@each_chapter
def test_the_answers_of_a_chapter_are_there_and_folded_away(page: Page) -> None:
    _, _, think = text_of(page).partition(f"## {HEADINGS[page.language][-1]}\n")
    assert ANSWERS[page.language] in think


@each_chapter
def test_every_id_of_the_grader_has_its_heading(page: Page) -> None:
    assert {text for level, text in headings(page) if level == 3} >= set(ids(page))


@pytest.mark.parametrize("page", [page for page in PAGES if page.name == "grading"])
def test_every_id_of_all_chapters_has_its_heading_too(page: Page) -> None:
    assert {text for level, text in headings(page) if level == 3} >= set(ids(page))


@each_translation
def test_a_translation_has_the_headings_of_its_original(page: Page) -> None:
    original = headings(page.in_language(ORIGINAL))
    assert [level for level, _ in headings(page)] == [level for level, _ in original]


@each_translation
def test_a_translation_shows_what_its_original_shows(page: Page) -> None:
    assert shown(page) == shown(page.in_language(ORIGINAL))


def shown(page: Page) -> list[tuple[str, str]]:
    """What is filled in, in order; the words beside a picture are each language's own."""
    return [
        (directive.word, directive.argument.partition(": ")[0])
        for directive in directives(text_of(page))
    ]
