"""The picture of threads: well-formed, nothing overlaps, and it says who keeps whom waiting."""

import json
import re
from collections import defaultdict
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.course.pictures.threads.drawing import draw
from examples.course.pictures.threads.lanes import read
from reactor.timeline.picture.measure import MONO, text_width
from tests.timeline.wellformed import check_svg

from .tapes import LOCK, Event, tapes

MOST_BYTES = 60_000

JAM: list[Event] = [
    {"t": 0.0, "thread": 1, "e": "starts", "name": "MainThread"},
    {"t": 0.1, "thread": 1, "e": "calls", "what": "accept", "socket": 0},
    {"t": 0.2, "thread": 1, "e": "returns", "socket": 5},
    {"t": 0.3, "thread": 2, "e": "starts", "name": "Thread-1 (serve)"},
    {"t": 0.3, "thread": 2, "e": "wants", "lock": LOCK},
    {"t": 0.3, "thread": 2, "e": "has", "lock": LOCK},
    {"t": 0.4, "thread": 2, "e": "calls", "what": "sendall", "socket": 5, "n": 3, "data": "OK\n"},
    {"t": 0.5, "thread": 1, "e": "wants", "lock": LOCK},
    {"t": 2.5, "thread": 2, "e": "returns"},
]


def drawn(events: list[Event], language: str = "en", **settings: object) -> str:
    return draw(read(map(json.dumps, events)), language, settings)


@given(tapes(), st.sampled_from(["en", "es"]), st.integers(0, 5))
def test_any_run_is_drawn_small_and_well_formed(
    events: list[Event], language: str, first: int
) -> None:
    picture = drawn(events, language, first=first)
    check_svg(picture)
    assert len(picture.encode()) < MOST_BYTES


@given(tapes())
def test_nothing_that_is_said_in_a_lane_runs_into_the_next(events: list[Event]) -> None:
    said = defaultdict[str, list[tuple[float, str]]](list)
    for element in ElementTree.fromstring(drawn(events)).iter():
        if element.get("class", "").startswith("says"):
            said[element.attrib["y"]].append((float(element.attrib["x"]), element.text or ""))
    for lane in said.values():
        for (left, words), (right, _) in pairwise(sorted(lane)):
            assert left == right or left + text_width(words, 11, MONO) < right


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "waits for the lock, which S has · 2.00 s"),
        ("es", "espera el mutex, que tiene S · 2,00 s"),
    ],
)
def test_it_says_for_whom_a_thread_waits_and_how_long(language: str, sentence: str) -> None:
    picture = drawn(JAM, language, names=["S"])
    assert sentence in picture
    assert '<path class="tip"' in picture


def test_a_wait_of_a_moment_has_no_arrow() -> None:
    assert '<path class="tip"' not in drawn([*JAM[:-1], {**JAM[-1], "t": 0.51}])


def test_a_part_begins_with_the_command_that_was_asked_for() -> None:
    heard = [
        event
        for time, letter in ((1.0, "A"), (2.0, "B"), (3.0, "C"), (4.0, "D"))
        for event in (
            {"t": time, "thread": 1, "e": "calls", "what": "recv", "socket": 5},
            {"t": time + 0.5, "thread": 1, "e": "returns", "n": 2, "data": f"{letter}\n"},
        )
    ]
    picture = drawn([{"t": 0.0, "thread": 1, "e": "starts", "name": "x"}, *heard], first=2, last=3)
    assert re.findall("▸ (.)", picture) == ["B", "C"]
