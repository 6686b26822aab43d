"""From a record to its pictures: whatever strangers wrote into it, each is well-formed."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.picture import page, sequence, svg
from reactor.timeline.run.extract import part
from reactor.timeline.run.run import Run, read
from reactor.timeline.telling import text
from reactor.timeline.words.languages import LANGUAGES
from tests.size import thoroughly
from tests.timeline.long_runs import chat, relay
from tests.timeline.strategies import runs, texts
from tests.timeline.wellformed import check_page, check_svg, check_text

Draw = Callable[..., str]
Check = Callable[[str], None]

languages = st.sampled_from(sorted(LANGUAGES))


PICTURES = pytest.mark.parametrize(
    ("draw", "check"),
    [
        (text.draw, check_text),
        (svg.draw, check_svg),
        (sequence.draw, check_svg),
        (page.draw, check_page),
    ],
    ids=["text", "svg", "sequence", "page"],
)


@PICTURES
@given(run=runs(), language=languages, title=texts)
def test_any_run_can_be_drawn(
    draw: Draw, check: Check, run: Run, language: str, title: str
) -> None:
    check(draw(run, language=language, title=title))


@pytest.mark.thorough
@PICTURES
@given(
    run=runs(),
    ends=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    lanes=st.none() | st.sets(st.integers(0, 6)),
)
def test_any_part_of_a_run_can_be_drawn(
    draw: Draw, check: Check, run: Run, ends: tuple[int, int], lanes: set[int] | None
) -> None:
    check(draw(part(run, min(ends), max(ends), lanes), language="en"))


@pytest.mark.thorough
@PICTURES
@given(run=runs(), language=languages)
def test_a_run_has_one_picture(draw: Draw, check: Check, run: Run, language: str) -> None:
    assert draw(run, language=language) == draw(run, language=language)


@PICTURES
@pytest.mark.parametrize("record", [chat, relay])
@pytest.mark.parametrize("seed", [0, *map(thoroughly, range(1, 50))])
def test_a_mutilated_record_can_be_drawn(
    draw: Draw, check: Check, record: Callable[[int], list[bytes]], seed: int
) -> None:
    chance = random.Random(seed)
    data = bytearray(b"\n".join(record(20)))
    for _ in range(chance.randrange(1, 100)):
        place = chance.randrange(len(data))
        data[place : place + chance.choice([0, 1, 1, 300])] = chance.randbytes(1)

    check(draw(read(bytes(data).split(b"\n")), language="es"))
