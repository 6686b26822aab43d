"""Ways through a page: by mouse, by keys alone, by address, and without any script."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reactor.timeline.picture import page as timeline_page
from reactor.timeline.run.run import read

from .conftest import Reader

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.thorough

RECORD = Path(__file__).parents[3] / "docs" / "timeline" / "slow-callback.jsonl"
RUN = read(RECORD.read_text().splitlines())
TURNS = [turn.number for turn in RUN.turns]
LAST = TURNS[-1]
SOME = LAST // 2


@pytest.fixture(scope="module")
def html() -> str:
    return timeline_page.draw(RUN, language="en", title="One slow callback")


def told(page: "Page") -> str:
    """The part of the story that is shown."""
    return page.locator("#story li:visible").inner_text()


def heading(page: "Page", turn: int) -> "Locator":
    """The number above a column."""
    return page.locator(f'#picture a[href="#turn-{turn}"]')


def address(page: "Page") -> str:
    """What the page itself has by now; the browser tells others of it a little later."""
    return str(page.evaluate("location.hash")).removeprefix("#")


def focus(page: "Page") -> str:
    """Where the focus is: what it leads to, or the name of the element."""
    return str(
        page.evaluate(
            "document.activeElement.getAttribute('href') || document.activeElement.nodeName"
        )
    )


def test_a_click_into_a_column_tells_its_turn(reader: Reader, html: str) -> None:
    page = reader.open(html)
    number = heading(page, SOME)
    number.scroll_into_view_if_needed()
    box = number.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] + 8)
    assert told(page).startswith(f"Turn {SOME}.")


def test_a_click_gives_the_page_the_address_of_the_turn(reader: Reader, html: str) -> None:
    page = reader.open(html)
    heading(page, SOME).click()
    assert address(page) == f"turn-{SOME}"


def test_an_address_leads_to_its_turn(reader: Reader, html: str) -> None:
    assert told(reader.open(html, f"turn-{SOME}")).startswith(f"Turn {SOME}.")


def test_an_address_that_is_typed_later_leads_to_its_turn(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{SOME}")
    page.evaluate("location.hash = 'turn-1'")
    page.wait_for_function("document.querySelector('#turn-1').checkVisibility()")
    assert told(page).startswith("Turn 1.")


@pytest.mark.parametrize("wrong", ["turn-999999", "turn-", "story", "%22%3E"])
def test_an_address_that_leads_nowhere_shows_the_page(
    reader: Reader, html: str, wrong: str
) -> None:
    assert reader.open(html, wrong).locator("#picture").is_visible()


def test_arrow_keys_go_to_the_neighbours(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{SOME}")
    page.keyboard.press("ArrowRight")
    after = told(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert (after.partition(".")[0], told(page).partition(".")[0]) == (
        f"Turn {SOME + 1}",
        f"Turn {SOME - 1}",
    )


def test_home_and_end_go_to_the_first_and_the_last(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{SOME}")
    heading(page, SOME).focus()
    page.keyboard.press("End")
    last = address(page)
    page.keyboard.press("Home")
    assert (address(page), last) == ("turn-0", f"turn-{LAST}")


def test_keys_stop_at_both_ends(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{LAST}")
    page.keyboard.press("ArrowRight")
    assert address(page) == f"turn-{LAST}"


def test_a_keyboard_is_enough_to_come_to_the_picture_and_to_leave_it(
    reader: Reader, html: str
) -> None:
    page = reader.open(html)
    reached = [focus(page)]
    while reached[-1] != "BUTTON":
        page.keyboard.press("Tab")
        reached.append(focus(page))
        assert len(reached) < 20
    assert "#turn-0" in reached


def test_where_the_focus_is_can_be_seen(reader: Reader, html: str) -> None:
    page = reader.open(html)
    before = page.screenshot()
    while not focus(page).startswith("#turn-"):
        page.keyboard.press("Tab")
    assert page.screenshot() != before


def test_without_script_the_whole_story_can_be_read(reader: Reader, html: str) -> None:
    page = reader.open(html, java_script_enabled=False)
    story = page.locator("#story").inner_text()
    assert re.findall(r"^Turn (\d+)\.", story, re.MULTILINE) == [str(n) for n in TURNS if n]


def test_without_script_an_address_still_leads_to_the_words(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{SOME}", java_script_enabled=False, height=200)
    box = page.locator(f"#story #turn-{SOME}").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 200


def test_the_whole_story_can_be_shown(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{SOME}")
    page.get_by_role("button").first.click()
    assert page.locator("#story li:visible").count() == len(TURNS)


def test_who_hears_the_page_is_told_its_language(reader: Reader) -> None:
    page = reader.open(timeline_page.draw(RUN, language="es"))
    assert page.locator("html").get_attribute("lang") == "es"
