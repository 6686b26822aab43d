"""Each language has every word, in its own words, and fills in the same blanks."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from string import Formatter

import pytest

import reactor.timeline
from reactor.timeline.words.languages import LANGUAGES
from reactor.timeline.words.words import Words

ENGLISH, SPANISH = LANGUAGES["en"], LANGUAGES["es"]
TIMELINE = Path(reactor.timeline.__file__).parent
LEXICONS = {"english", "spanish"}
NAMES = [field.name for field in fields(Words)]

# Short words without which nobody writes English, and nobody writes Spanish with.
ONLY_ENGLISH = re.compile(
    r"\b(a turn|all|an|and|are|at|by|came|client|each|for|from|has|in|is|it|its|loop|more|not|"
    r"of|on|one|out|ready|room|served|slept|than|that|the|then|they|this|to|turn|turns|was|were|"
    r"what|when|who|with|without|wait|waits|waited)\b",
    re.IGNORECASE,
)
# Names of calls and options are those of the program, in any language.
THE_SAME = re.compile(r"\{\w+\}|--\w+|\b[A-Z]{4,}\b")


def texts(words: Words, name: str) -> Iterator[str]:
    """All that a language has under a name."""
    value = getattr(words, name)
    if isinstance(value, str):
        yield value
    else:
        yield from value.values() if hasattr(value, "values") else value


def blanks(words: Words, name: str) -> set[str | None]:
    return {blank for text in texts(words, name) for _, blank, _, _ in Formatter().parse(text)}


@pytest.mark.parametrize("name", NAMES)
def test_all_languages_fill_in_the_same_blanks(name: str) -> None:
    assert blanks(SPANISH, name) - {None} == blanks(ENGLISH, name) - {None}


@pytest.mark.parametrize("name", NAMES)
def test_no_english_is_left_in_spanish(name: str) -> None:
    said = [THE_SAME.sub("", text) for text in texts(SPANISH, name)]
    assert [text for text in said if ONLY_ENGLISH.search(text)] == []


def test_what_is_english_would_be_noticed() -> None:
    noticed = [
        name
        for name in NAMES
        if any(ONLY_ENGLISH.search(THE_SAME.sub("", text)) for text in texts(ENGLISH, name))
    ]
    assert len(noticed) > len(NAMES) / 2


def test_no_word_is_left_over() -> None:
    rooms = (path.read_text() for path in TIMELINE.rglob("*.py") if path.stem not in LEXICONS)
    used = set(re.findall(r"\.(\w+)", "".join(rooms)))
    assert [name for name in NAMES if name not in used] == []


def test_each_error_and_each_option_is_explained_in_all_languages() -> None:
    assert SPANISH.errors.keys() == ENGLISH.errors.keys()
    assert SPANISH.options.keys() == ENGLISH.options.keys()


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
def test_a_cell_has_room_for_what_is_said_in_it(words: Words) -> None:
    filled = {"lane": words.lane_client.format(letter="A"), "size": "47 kB", "port": "50546"}
    filled |= {"sent": "47 kB", "asked": "360 kB", "count": "31", "time": "250 ms"}
    filled |= {"rate": "107,168"}
    texts = {
        name: getattr(words, name).format(**filled) for name in NAMES if name.startswith("cell_")
    }
    assert {name: text for name, text in texts.items() if len(text) > 16} == {}


# -- numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "english", "spanish"),
    [
        (0.0, "0 µs", "0 µs"),
        (0.000114, "114 µs", "114 µs"),
        (0.0009996, "1.0 ms", "1,0 ms"),
        (0.0165, "16.5 ms", "16,5 ms"),
        (0.09999, "100 ms", "100 ms"),
        (0.25, "250 ms", "250 ms"),
        (0.9996, "1.00 s", "1,00 s"),
        (1.5, "1.50 s", "1,50 s"),
        (12.25, "12.2 s", "12,2 s"),
        (31_486.0, "31,486.0 s", "31.486,0 s"),
    ],
)
def test_a_duration_has_three_digits_and_the_unit_that_suits_it(
    seconds: float, english: str, spanish: str
) -> None:
    assert (ENGLISH.duration(seconds), SPANISH.duration(seconds)) == (english, spanish)


@pytest.mark.parametrize(
    ("seconds", "step", "english", "spanish"),
    [
        (0.0, 0.1, "0", "0"),
        (0.0005, 0.0001, "500 µs", "500 µs"),
        (0.0125, 0.0005, "12.5 ms", "12,5 ms"),
        (0.25, 0.05, "250 ms", "250 ms"),
        (12.5, 0.5, "12.5 s", "12,5 s"),
    ],
)
def test_a_scale_has_as_many_digits_as_its_steps(
    seconds: float, step: float, english: str, spanish: str
) -> None:
    assert (ENGLISH.moment(seconds, step), SPANISH.moment(seconds, step)) == (english, spanish)


@pytest.mark.parametrize(
    ("size", "english", "spanish"),
    [
        (0, "0 B", "0 B"),
        (9_999, "9999 B", "9999 B"),
        (32_748, "33 kB", "33 kB"),
        (9_999_499, "9,999 kB", "9.999 kB"),
        (9_999_500, "10 MB", "10 MB"),
        (12_000_000_000, "12,000 MB", "12.000 MB"),
    ],
)
def test_a_size_is_short(size: int, english: str, spanish: str) -> None:
    assert (ENGLISH.size(size), SPANISH.size(size)) == (english, spanish)


def test_one_is_not_said_like_many() -> None:
    assert [ENGLISH.count(count, ENGLISH.turns) for count in (0, 1, 31_486)] == [
        "0 turns",
        "1 turn",
        "31,486 turns",
    ]
    assert SPANISH.count(1, SPANISH.told_came) == "llegó 1 byte"
