"""What looks at pages for the other tests can itself be wrong: it finds what is planted."""

import pytest

from .conftest import Reader
from .sight import faint, overlapping, texts_of, unroll

pytestmark = pytest.mark.thorough


def test_texts_that_stand_on_each_other_are_found(reader: Reader) -> None:
    page = reader.open(
        "<svg width=400 height=90><text x=10 y=40>one</text><text x=20 y=42>two</text>"
        "<text x=100 y=40>three</text><text x=100 y=58>four</text></svg>"
    )
    assert overlapping(texts_of(page)) == [("one", "two")]


def test_what_is_drawn_once_and_shown_twice_is_seen_twice(reader: Reader) -> None:
    page = reader.open(
        "<svg width=400 height=90><defs><g id=name><text x=0 y=10>one</text></g></defs>"
        "<use href='#name' x=10 y=30 /><use href='#name' x=20 y=32 /></svg>"
    )
    unroll(page)
    assert overlapping(texts_of(page)) == [("one", "one")]


def test_what_is_not_shown_overlaps_nothing(reader: Reader) -> None:
    page = reader.open(
        "<svg width=400 height=90><text x=10 y=40>one</text>"
        "<text x=10 y=40 visibility=hidden>two</text></svg>"
        "<details><summary>all</summary><p>hidden</p></details>"
    )
    assert [text.text for text in texts_of(page)] == ["one", "all"]


def test_text_is_faint_against_what_is_drawn_under_it(reader: Reader) -> None:
    page = reader.open(
        "<body style='background:#fff;color:#000'><p>black</p><p style='color:#777'>grey</p>"
        "<svg width=400 height=90><rect width=400 height=90 fill='#000' />"
        "<text x=10 y=40 fill='#222'>unreadable</text>"
        "<text x=100 y=40 fill='#fff'>white</text></svg>"
    )
    assert faint(page) == [("grey", pytest.approx(4.48, abs=0.01)), ("unreadable", 1.32)]
