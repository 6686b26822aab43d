"""What strangers sent can be looked at: nothing moves, nothing hides, nothing is made up."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.words.printable import clip, is_text, printable, shown, width
from tests.timeline.strategies import data, texts


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (b"OK\n", "OK↵"),
        (b"OK\r\n", "OK↵"),
        (b"OK\r", r"OK\r"),
        (b"\n\r", r"↵\r"),
        (b"a\tb\x00\x7f", r"a\tb\x00\x7f"),
        (b"\x1b[31m", r"\x1b[31m"),
        ("señal 映画 🎬".encode(), "señal 映画 🎬"),
        (b"\xb1al \xff", r"\xb1al \xff"),
        (b"se\xc3", r"se\xc3"),
        ("\u202ea\u2066b\u200b\ufeff".encode(), r"\u202ea\u2066b\u200b\ufeff"),
        ("a\u0301\u0489".encode(), r"a\u0301\u0489"),
        ("a\u00a0b\u2028".encode(), r"a\xa0b\u2028"),
        ("↵".encode(), r"\u21b5"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ],
)
def test_what_can_not_be_seen_is_shown_as_an_escape(sent: bytes, seen: str) -> None:
    assert shown(sent) == seen


@pytest.mark.parametrize("cut", range(1, 3))
def test_a_character_that_goes_on_beyond_the_preview_is_left_out(cut: int) -> None:
    assert shown("a映".encode()[: 1 + cut], whole=False) == "a"


def test_a_lone_surrogate_of_a_record_is_an_escape() -> None:
    assert printable("\ud800") == r"\ud800"


@given(data, st.booleans())
def test_no_byte_comes_out_raw_that_moves_what_is_seen(sent: bytes, whole: bool) -> None:
    seen = shown(sent, whole=whole)
    assert seen.isprintable()
    assert not {unicodedata.category(letter) for letter in seen} & {"Mn", "Me", "Cf", "Cc"}


@given(texts)
def test_no_name_comes_out_raw_that_moves_what_is_seen(name: str) -> None:
    assert printable(name).isprintable()
    assert "\\u21b5" not in printable(name) or "↵" in name or "\\u21b5" in name


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_what_can_be_seen_is_shown_as_it_is(text: str) -> None:
    assert shown(text.encode()) == text


@given(texts.map(printable), st.integers(1, 12))
def test_what_is_clipped_has_room(text: str, room: int) -> None:
    clipped = clip(text, room)
    assert width(clipped) <= room
    assert clipped == text or clipped.endswith("…")


def test_wide_characters_take_two_columns() -> None:
    assert clip("映画映画", 6) == "映画…"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", True),
        (b"CONECTAR 5001\r\n", True),
        ("señal".encode(), True),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", False),
        (b"\xff\xfe", False),
    ],
)
def test_whether_people_can_read_it(sent: bytes, expected: bool) -> None:
    assert is_text(sent) is expected
