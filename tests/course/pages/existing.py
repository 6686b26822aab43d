"""The pages, and what the tests of them look at."""

import re
import tomllib
from functools import cache
from pathlib import Path

from examples.course.pages.contents import ORIGINAL, Page, pages
from examples.course.site.markdown.blocks import parse
from examples.course.site.markdown.tree import Block
from tests.doubles.program import ROOT

__all__ = ["CHAPTERS", "PAGES", "TRANSLATIONS", "ids", "text_of", "tree_of"]


def text_of(page: Page) -> str:
    return (ROOT / page.path).read_text("utf-8")


@cache
def tree_of(path: Path) -> tuple[Block, ...]:
    """Of a document, from the root; raises MarkdownError for what is no Markdown as we know it."""
    return parse((ROOT / path).read_text("utf-8"))


def ids(page: Page) -> list[str]:
    """What the grader may find of which this page tells."""
    name = "00" if page.name == "grading" else page.name
    path = ROOT / "examples/course/grade/texts" / page.language / f"{name}.toml"
    texts = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    return [key for key in texts if re.match(r"E\d\d-", key)]


PAGES = pages()
CHAPTERS = [page for page in PAGES if page.name.isdigit()]
TRANSLATIONS = [page for page in PAGES if page.language != ORIGINAL]
