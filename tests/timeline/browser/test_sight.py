"""What looks at pages for the other tests can itself be wrong: it finds what is planted."""

import pytest

from .conftest import Reader
from .sight import contrast_of, overlapping, texts_of

pytestmark = pytest.mark.thorough


def test_texts_that_stand_on_each_other_are_found(reader: Reader) -> None:
    page = reader.open(
        "<svg width=400 height=90><text x=10 y=40>one</text><text x=20 y=42>two</text>"
        "<text x=100 y=40>three</text><text x=100 y=58>four</text></svg>"
    )
    assert overlapping(texts_of(page)) == [("one", "two")]


def test_what_is_not_shown_overlaps_nothing(reader: Reader) -> None:
    page = reader.open(
        "<svg width=400 height=90><text x=10 y=40>one</text>"
        "<text x=10 y=40 visibility=hidden>two</text></svg>"
        "<details><summary>all</summary><p>hidden</p></details>"
    )
    assert [text.text for text in texts_of(page)] == ["one", "all"]


def test_contrast_is_that_of_the_text_and_what_is_drawn_under_it(reader: Reader) -> None:
    page = reader.open(
        "<body style='background:#fff;color:#000'><p>black</p><p style='color:#777'>grey</p>"
        "<svg width=400 height=90><rect width=400 height=90 fill='#000' />"
        "<text x=10 y=40 fill='#222'>unreadable</text>"
        "<text x=100 y=40 fill='#fff'>white</text></svg>"
    )
    black, grey, unreadable, white = contrast_of(page, texts_of(page))
    assert black > 20
    assert 4 < grey < 4.5
    assert unreadable < 1.5
    assert white > 20
