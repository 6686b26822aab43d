"""The pages that are there, and what the tests of them look at."""

import re
import tomllib

from examples.course.pages.contents import ORIGINAL, Page, pages
from tests.doubles.program import ROOT

__all__ = ["CHAPTERS", "PAGES", "TRANSLATIONS", "ids", "is_there", "text_of"]


def is_there(page: Page) -> bool:
    return (ROOT / page.path).exists()


def text_of(page: Page) -> str:
    return (ROOT / page.path).read_text("utf-8")


def ids(page: Page) -> list[str]:
    """What the grader may find of which this page tells."""
    name = "00" if page.name == "grading" else page.name
    path = ROOT / "examples/course/grade/texts" / page.language / f"{name}.toml"
    texts = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    return [key for key in texts if re.match(r"E\d\d-", key)]


PAGES = [page for page in pages() if is_there(page)]
CHAPTERS = [page for page in PAGES if page.name.isdigit()]
TRANSLATIONS = [
    page for page in PAGES if page.language != ORIGINAL and is_there(page.in_language(ORIGINAL))
]
