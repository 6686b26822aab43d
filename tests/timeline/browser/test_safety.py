"""A page asks nobody for anything, and what strangers sent is only ever shown."""

from pathlib import Path

import pytest

from reactor.timeline.picture import page as timeline_page
from reactor.timeline.picture import svg

from .conftest import Reader
from .records import HOSTILE, a_hostile_run

pytestmark = pytest.mark.thorough

FOLDER = Path(__file__).parents[3] / "docs" / "timeline"
ENGLISH = sorted(path for path in FOLDER.glob("*.html") if "." not in path.stem)


@pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)
def test_a_page_asks_for_its_own_file_only(reader: Reader, path: Path) -> None:
    page = reader.open(path.read_text(encoding="utf-8"))
    page.keyboard.press("ArrowRight")
    page.wait_for_load_state("networkidle")
    assert len(reader.requests) == 1


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_strangers_sent_is_not_run(reader: Reader, language: str) -> None:
    html = timeline_page.draw(a_hostile_run(), language=language, title=HOSTILE, lead=HOSTILE)
    page = reader.open(html, "turn-2")
    page.get_by_role("button").first.click()
    assert page.evaluate("window.taken") is None


def test_what_strangers_sent_is_shown(reader: Reader) -> None:
    page = reader.open(timeline_page.draw(a_hostile_run(), language="en"), "turn-2")
    assert "<script>window.taken=1</script>" in page.locator("#story").inner_text()


def test_what_strangers_sent_is_not_run_by_a_picture(reader: Reader) -> None:
    page = reader.open(svg.draw(a_hostile_run(), language="en", title=HOSTILE))
    assert page.evaluate("window.taken") is None


def test_not_even_a_script_in_the_page_may_ask_for_anything(reader: Reader) -> None:
    page = reader.open(timeline_page.draw(a_hostile_run(), language="en"))
    page.evaluate("""() => {
      const picture = document.createElement("img");
      picture.src = "page-1.html";
      document.body.append(picture);
    }""")
    page.wait_for_load_state("networkidle")
    (complaint,) = reader.complaints
    reader.complaints.clear()
    assert "Content Security Policy" in complaint
