"""Every link of every page leads to something that is there, and to a place in it."""

import posixpath
import re
from functools import cache
from pathlib import Path

import pytest

from examples.course.pages.contents import Page, pages
from examples.course.site.html import Writer
from examples.course.site.site import sections
from tests.course.pages.existing import PAGES, text_of, tree_of
from tests.doubles.program import ROOT

COURSE = {page.path.as_posix() for page in pages()}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.as_posix())


@cache
def targets(page: Page) -> list[str]:
    """Of all links and pictures."""
    found: list[str] = []

    def note(target: str) -> str:
        found.append(target)
        return target

    Writer(note).blocks(tree_of(page.path))
    return found


@each_page
def test_every_link_leads_somewhere(page: Page) -> None:
    assert [target for target in targets(page) if not leads_somewhere(page, target)] == []


def leads_somewhere(page: Page, target: str) -> bool:
    name, _, anchor = target.partition("#")
    if ":" in name:
        return name.startswith("https://")
    here = page.path.as_posix()
    path = posixpath.normpath(posixpath.join(posixpath.dirname(here), name)) if name else here
    if not (ROOT / path).is_file():
        return False
    return not anchor or anchor in anchors(path)


def anchors(path: str) -> set[str]:
    """The headings of a document, the lines of a program."""
    if path.endswith(".md"):
        return {section.slug for _, section in sections(tree_of(Path(path)))}
    lines = (ROOT / path).read_text("utf-8").splitlines()
    return {f"L{number}" for number in range(1, len(lines) + 1)}


@each_page
def test_a_link_stays_in_its_language_but_for_the_way_to_the_other(page: Page) -> None:
    folder = page.path.parent.as_posix()
    to_pages = [
        posixpath.normpath(posixpath.join(folder, target.partition("#")[0]))
        for target in targets(page)
        if target.partition("#")[0].endswith(".md")
    ]
    strange = [path for path in to_pages if path in COURSE and posixpath.dirname(path) != folder]
    others = {page.in_language(other).path.as_posix() for other in ("en", "es")}
    assert set(strange) <= others


@each_page
def test_every_program_that_a_page_names_is_there(page: Page) -> None:
    named = re.findall(r"`((?:reactor|examples|tests|docs)/[\w/.]*)`", text_of(page))
    assert [name for name in named if not (ROOT / name).exists()] == []
