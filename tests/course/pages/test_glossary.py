"""A term that a page explains stands in the glossary, in both languages, and no other does."""

import re
from collections.abc import Iterator

import pytest

from examples.course.pages.contents import Page
from examples.course.site.markdown.tree import (
    Block,
    Details,
    Emphasis,
    Inline,
    List,
    Paragraph,
    Quote,
    Strong,
    Table,
    plain,
)
from tests.course.pages.existing import CHAPTERS, PAGES, text_of, tree_of

GLOSSARIES = [page for page in PAGES if page.name == "glossary"]
LONGEST = 3
"""Words of a term: what is longer is said with emphasis."""

each_glossary = pytest.mark.parametrize("page", GLOSSARIES, ids=lambda page: page.language)


def terms(page: Page) -> dict[str, str]:
    """What the glossary explains, and the same in the other language."""
    (table,) = (block for block in tree_of(page.path) if isinstance(block, Table))
    pairs = [(plain(row[0]), plain(row[1])) for row in table.rows]
    assert len({term for term, _ in pairs}) == len(pairs)
    return dict(pairs)


def bold(page: Page) -> list[str]:
    """What is set in bold and may be a term."""
    found = [plain(each.inside).replace("\n", " ") for each in _strong(tree_of(page.path))]
    return [each for each in found if len(each.split()) <= LONGEST and each[-1].isalnum()]


def _strong(blocks: tuple[Block, ...]) -> Iterator[Strong]:
    for block in blocks:
        match block:
            case Paragraph(inside):
                yield from _strong_in(inside)
            case List(_, _, items):
                for item in items:
                    yield from _strong(item)
            case Table(_, _, rows):
                for row in rows:
                    for cell in row:
                        yield from _strong_in(cell)
            case Quote(inside) | Details(_, inside):
                yield from _strong(inside)


def _strong_in(inlines: tuple[Inline, ...]) -> Iterator[Strong]:
    for each in inlines:
        if isinstance(each, Strong):
            yield each
        elif isinstance(each, Emphasis):
            yield from _strong_in(each.inside)


def key(term: str) -> str:
    """The same for one and for many, and for each gender."""
    words = re.findall(r"\w[\w-]*", term.lower())
    return " ".join(re.sub(r"(ie|y|[aeo]|[aei]r)$", "", re.sub(r"s$", "", word)) for word in words)


def test_a_term_is_known_in_whatever_number_it_stands() -> None:
    assert key("Receive boundaries") == key("receive boundary") != key("receive buffer")
    assert key("listos") == key("lista") == key("listo")
    assert key("gira en vacío") == key("girar en vacío")


def keys(explained: list[str]) -> set[str]:
    """Of a term, of each of two words for it, and of it without what stands in parentheses."""
    return {
        key(variant)
        for term in explained
        for variant in [term, *term.split(", "), re.sub(r" \(.*\)", "", term)]
    }


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.path.as_posix())
def test_every_bold_term_of_a_chapter_stands_in_the_glossary(page: Page) -> None:
    explained = keys(list(terms(page._replace(name="glossary"))))
    unknown = [
        term for term in bold(page) if not any(is_about(key(term), each) for each in explained)
    ]
    assert sorted(set(unknown)) == []


def is_about(one: str, other: str) -> bool:
    """Whether one is a part of the other, as "buffer" is of "send buffer"."""
    return f" {one} " in f" {other} " or f" {other} " in f" {one} "


@each_glossary
def test_no_term_is_explained_that_no_page_uses(page: Page) -> None:
    pages = [each for each in PAGES if each.language == page.language and each.name != "glossary"]
    text = key(" ".join(map(text_of, pages)))
    unused = [
        term
        for term in terms(page)
        if not any(key(each) in text for each in re.split(r", | \(|\)", term) if each)
    ]
    assert unused == []


def test_both_glossaries_explain_the_same() -> None:
    english, spanish = (terms(page) for page in GLOSSARIES)
    assert english == {there: here for here, there in spanish.items()}


@each_glossary
def test_a_glossary_is_in_the_order_of_its_alphabet(page: Page) -> None:
    found = [re.sub(r"[áéíóúüñ]", lambda each: "aeiouun"["áéíóúüñ".index(each[0])], term.lower())
             for term in terms(page)]  # fmt: skip
    assert found == sorted(found)
