"""Each page of the documents can be read: nothing stands on anything else, on any screen."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Reader
from .sight import faint, overlapping, texts_of, unroll

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.thorough

FOLDER = Path(__file__).parents[3] / "docs" / "timeline"
PAGES = sorted(FOLDER.glob("*.html"))
SPANISH = sorted(FOLDER.glob("*.es.html"))
SAMPLE = FOLDER / "output-queue.es.html"
COLOURFUL = ["slow-callback", "output-queue", "end-of-stream-spin", "fragments"]

# Texts of lanes that reach over the borders of the columns.
_OUTSIDE = """() => [...document.querySelectorAll("#picture .grid")].flatMap((grid) => {
  const columns = [...grid.querySelectorAll(".numbers a")].map((a) => a.getBoundingClientRect());
  return [...grid.querySelectorAll(".lanes text")].filter((text) => {
    const box = text.getBoundingClientRect();
    return !columns.some((c) => c.left - 1 <= box.left && box.right <= c.right + 1);
  }).map((text) => text.textContent);
})"""

each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def unrolled(reader: Reader, path: Path, width: int = 1400) -> "Page":
    """A page of which a turn is chosen, as high as it is."""
    page = reader.open(path.read_text(encoding="utf-8"), "turn-3", width=width)
    unroll(page)
    return page


@each_page
@pytest.mark.parametrize("width", [1400, 420])
def test_no_text_stands_on_another(reader: Reader, path: Path, width: int) -> None:
    assert overlapping(texts_of(unrolled(reader, path, width))) == []


# A zoom of 200 % is half as many pixels of twice the size: 700 of 1400.
@pytest.mark.parametrize("width", [700, 320])
def test_nor_does_it_where_the_page_is_zoomed_or_narrow(reader: Reader, width: int) -> None:
    assert overlapping(texts_of(unrolled(reader, SAMPLE, width))) == []


@pytest.mark.parametrize("path", SPANISH, ids=lambda path: path.stem)
def test_no_text_leaves_its_column(reader: Reader, path: Path) -> None:
    assert unrolled(reader, path).evaluate(_OUTSIDE) == []


@pytest.mark.parametrize("width", [700, 420, 320])
def test_only_the_picture_is_scrolled_from_the_side(reader: Reader, width: int) -> None:
    page = unrolled(reader, SAMPLE, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_some_pages_have_between_them_whatever_has_a_look() -> None:
    def looks(path: Path) -> set[str]:
        return set(re.findall(r'class="([^"]+)"', path.read_text(encoding="utf-8")))

    some = set().union(*(looks(path) for path in SPANISH if path.name[:-8] in COLOURFUL))
    assert some == set().union(*map(looks, SPANISH))


@pytest.mark.parametrize("name", COLOURFUL)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(reader: Reader, name: str, scheme: str) -> None:
    html = (FOLDER / f"{name}.es.html").read_text(encoding="utf-8")
    page = reader.open(html, "turn-3", color_scheme=scheme)
    page.get_by_role("button").first.click()
    unroll(page)
    assert faint(page) == []


def test_a_page_is_dark_for_who_wants_it_dark(reader: Reader) -> None:
    html = SAMPLE.read_text(encoding="utf-8")
    papers = {
        reader.open(html, color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert len(papers) == 2


def test_what_is_printed_has_the_whole_story_on_white(reader: Reader) -> None:
    page = reader.open(SAMPLE.read_text(encoding="utf-8"), color_scheme="dark")
    page.emulate_media(media="print")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    items = "[...document.querySelectorAll('#story li')]"
    hidden = page.evaluate(f"{items}.filter((item) => !item.checkVisibility()).length")
    assert (paper, hidden) == ("rgb(255, 255, 255)", 0)


def test_a_page_can_be_printed(reader: Reader) -> None:
    assert reader.open(SAMPLE.read_text(encoding="utf-8")).pdf().startswith(b"%PDF")
