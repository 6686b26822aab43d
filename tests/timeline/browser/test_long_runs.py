"""Ten thousand turns are a page like any other; how long it takes is told, not judged."""

import time
from collections.abc import Callable

import pytest

from reactor.timeline.picture import page as timeline_page

from .conftest import Reader
from .records import a_long_run

pytestmark = pytest.mark.thorough

TURNS = 10_000


@pytest.fixture(scope="module")
def html() -> str:
    return timeline_page.draw(a_long_run(TURNS), language="en", title="Ten thousand turns")


@pytest.mark.parametrize("turn", [1, 5_000, TURNS])
def test_the_part_that_is_asked_for_is_shown(reader: Reader, html: str, turn: int) -> None:
    page = reader.open(html, f"turn-{turn}")
    assert page.locator(f'#picture a[href="#turn-{turn}"]').is_visible()
    assert page.locator("#story li:visible").inner_text().startswith(f"Turn {turn:,}.")


def test_a_page_opens_with_a_part_of_the_picture_only(
    reader: Reader, html: str, record_property: Callable[[str, object], None]
) -> None:
    began = time.perf_counter()
    page = reader.open(html)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    record_property("seconds until it was painted", time.perf_counter() - began)
    print(f"{TURNS:,} turns, {len(html):,} characters: {time.perf_counter() - began:.2f} s")
    assert 0 < page.locator("#picture .numbers a").count() <= timeline_page.PART


def test_keys_lead_from_one_part_to_the_next(reader: Reader, html: str) -> None:
    page = reader.open(html, f"turn-{timeline_page.PART - 1}")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    turn = timeline_page.PART + 1
    assert page.locator(f'#picture a[href="#turn-{turn}"]').is_visible()


def test_a_click_on_the_overview_leads_to_that_time(reader: Reader, html: str) -> None:
    page = reader.open(html)
    box = page.locator("#overview").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 5)
    turn = page.evaluate("location.hash").removeprefix("#turn-")
    assert abs(int(turn) - TURNS / 2) < TURNS / 100
