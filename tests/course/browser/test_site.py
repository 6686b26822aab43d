"""The course can be read on any screen and on paper, and walked through by mouse and by keys."""

import pytest

from examples.course.pages.contents import NAMES, Page, pages
from examples.course.site.links import location_of
from tests.timeline.browser.sight import faint, overlapping, texts_of

from .conftest import Student

pytestmark = pytest.mark.thorough

LOCATIONS = [location_of(page.path.as_posix()) for page in pages()]

_PICTURES_THAT_ARE_NOT_THERE = """() =>
  [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src)"""
_IS_IN_VIEW = """(id) => {
  const box = document.getElementById(id).getBoundingClientRect();
  return box.top >= 0 && box.bottom <= innerHeight;
}"""


@pytest.mark.parametrize("width", [1400, 400, 320])
def test_every_page_has_its_pictures_and_is_not_scrolled_from_the_side(
    student: Student, width: int
) -> None:
    window = student.go("index.html", width=width)
    wide = []
    for name in LOCATIONS:
        window.goto(f"{student.site.as_uri()}/{name}")
        assert window.evaluate(_PICTURES_THAT_ARE_NOT_THERE) == []
        if window.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(name)
    assert wide == []


@pytest.mark.parametrize("width", [1400, 320])
def test_no_text_stands_on_another(student: Student, width: int) -> None:
    for name in ("05.html", "es/05.html", "files/examples/course/05/broken.py.html"):
        assert overlapping(texts_of(student.go(name, width=width))) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out(student: Student, scheme: str) -> None:
    out_of_sight = "To the text"
    found = faint(student.go("05.html", scheme=scheme))
    assert [text for text in found if text[0] != out_of_sight] == []


def test_a_page_and_its_pictures_are_dark_for_who_wants_it_dark(student: Student) -> None:
    shots = {student.go("05.html", scheme=scheme).locator("figure").first.screenshot()
             for scheme in ("light", "dark")}  # fmt: skip
    papers = {page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
              for page in student.pages}  # fmt: skip
    assert (len(shots), len(papers)) == (2, 2)


def test_the_other_language_has_the_same_chapter(student: Student) -> None:
    window = student.go("05.html")
    window.get_by_role("link", name="Español").first.click()
    assert window.url.endswith("/es/05.html")
    assert window.title().startswith(Page("05", "es").title)
    window.get_by_role("link", name="English").first.click()
    assert window.url.endswith("/05.html")
    assert "/es/" not in window.url


@pytest.mark.parametrize("language", ["en", "es"])
def test_one_way_leads_through_all_pages_and_back(student: Student, language: str) -> None:
    window = student.go(location_of(Page("index", language).path.as_posix()))
    for name in NAMES[1:]:
        window.locator("a[rel=next]").click()
        assert window.locator("h1").inner_text().startswith(Page(name, language).title)
    for name in NAMES[-2::-1]:
        window.locator("a[rel=prev]").click()
        assert window.locator("h1").inner_text().startswith(Page(name, language).title)


def test_what_the_grader_says_to_read_is_in_view(student: Student) -> None:
    window = student.go("es/05.html#e05-eof-spin", width=400)
    assert window.evaluate(_IS_IN_VIEW, "e05-eof-spin")


def test_a_line_of_the_library_is_in_view(student: Student) -> None:
    window = student.go("05.html")
    window.locator("main a[href*='reactor/stream.py.html#L']").first.click()
    assert window.evaluate(_IS_IN_VIEW, window.url.partition("#")[2])


def test_answers_are_folded_away_until_they_are_wanted(student: Student) -> None:
    window = student.go("05.html")
    answer = window.locator("details li").first
    assert not answer.is_visible()
    window.locator("summary").click()
    assert answer.is_visible()


def test_keys_lead_to_the_text_and_to_what_is_beside_the_screen(student: Student) -> None:
    window = student.go("05.html", width=400)
    window.keyboard.press("Tab")
    assert window.evaluate("document.activeElement.className") == "skip"
    window.keyboard.press("Enter")
    for _ in range(40):
        window.keyboard.press("Tab")
        if window.evaluate("document.activeElement.tagName") == "PRE":
            break
    window.keyboard.press("ArrowRight")
    window.wait_for_function("document.activeElement.scrollLeft > 0")


def test_the_contents_of_a_small_screen_are_one_touch_away(student: Student) -> None:
    window = student.go("05.html", width=400)
    window.get_by_role("link", name="Contents").click()
    assert window.locator("nav.contents a").first.is_visible()
    assert window.url.endswith("#site:contents")


def test_what_is_printed_has_the_answers_and_no_ways_on(student: Student) -> None:
    window = student.go("05.html", scheme="dark")
    window.emulate_media(media="print")
    paper = window.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert window.locator("details li").first.is_visible()
    assert not any(window.locator(part).is_visible() for part in ("header", ".contents", ".ways"))
    assert window.pdf().startswith(b"%PDF")


def test_a_picture_is_printed_on_white_also_for_who_wants_it_dark(student: Student) -> None:
    shots = set()
    for scheme in ("light", "dark"):
        window = student.go("05.html", scheme=scheme)
        window.emulate_media(media="print")
        shots.add(window.locator("figure").first.screenshot())
    assert len(shots) == 1
