"""The picture alone: well-formed whatever strangers sent, and each sign where it belongs."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

from reactor.timeline.picture import svg
from reactor.timeline.picture.layout import Layout
from reactor.timeline.run.events import Again, Leave, Open, Queue, Ready, Select
from reactor.timeline.run.turns import Run
from reactor.timeline.words.languages import LANGUAGES
from tests.timeline.strategies import HOSTILE, few, run_of, runs
from tests.timeline.tape import Tape

SVG = "{http://www.w3.org/2000/svg}"


def parsed(drawn: str) -> ElementTree.Element:
    """The tree of a picture, as whoever is strict reads it."""
    return ElementTree.fromstring(drawn.encode("utf-8"))


def texts_in(drawn: str) -> list[str]:
    return [element.text or "" for element in parsed(drawn).iter(f"{SVG}text")]


def shapes_in(drawn: str, kind: str) -> str:
    """The paths of a kind, all in one, without the sign in the key."""
    paths = re.findall(rf'<path class="{kind}" d="([^"]*)"', drawn)
    return "".join(path for path in paths if path != "M0 7H26")


def chat() -> Tape:
    tape = Tape()
    tape.client(2)
    tape.turn((2, "r"), slept=0.01)
    tape.recv(2, b"hola\n")
    tape.send(2, b"OK\n", 3)
    return tape


@pytest.mark.thorough
@few
@given(runs())
def test_a_picture_has_no_elements_but_its_own(run: Run) -> None:
    tags = {element.tag.removeprefix(SVG) for element in parsed(svg.draw(run)).iter()}
    drawn = {"svg", "title", "style", "defs", "pattern", "g", "path", "rect", "text", "use"}
    assert tags <= drawn


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_title_is_text(text: str) -> None:
    title = parsed(svg.draw(Run(), title=text)).find(f"{SVG}title")
    assert title is not None
    assert len(title) == 0


def test_a_lead_stands_below_the_title_in_as_many_lines_as_it_needs() -> None:
    sentence = "Nobody serves them, and the timer is late."
    texts = texts_in(svg.draw(chat().run(), title="Late", lead=f"{sentence} {sentence}"))
    place = texts.index("Late")
    assert " ".join(texts[place + 1 : place + 3]) == f"{sentence} {sentence}"


def test_a_picture_without_a_title_has_that_of_the_command() -> None:
    title = parsed(svg.draw(Run(program=("server.py", "5000")))).find(f"{SVG}title")
    assert title is not None
    assert title.text == "server.py 5000"


def test_a_picture_asks_for_nothing() -> None:
    drawn = svg.draw(chat().run()).replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?:|@import|url\((?!#)|src=|href=\"(?!#)", drawn) == []


def test_a_picture_speaks_each_language() -> None:
    run = chat().run()
    for language, words in LANGUAGES.items():
        assert words.true_time in texts_in(svg.draw(run, language=language))


def test_a_picture_is_no_wider_than_it_was_asked_to_be() -> None:
    tape = chat()
    for _ in range(24):
        tape.turn((2, "r"), slept=0.01)
        tape.recv(2, b"hola\n")
    assert int(parsed(svg.draw(tape.run(), width=700)).get("width", "")) <= 700


def test_bytes_stand_in_their_cells() -> None:
    texts = texts_in(svg.draw(chat().run()))
    assert {"◀ hola↵", "▶ OK↵", "client A is here"} <= {*texts}


def test_a_slow_callback_is_marked_by_more_than_its_colour() -> None:
    tape = chat()
    tape.turn((2, "r"), slept=0.01)
    tape.recv(2, b"a\n", took=0.25)
    drawn = svg.draw(tape.run())
    assert shapes_in(drawn, "heavy")
    assert "!" in texts_in(drawn)


def test_a_victim_is_hatched_with_its_words_on_paper() -> None:
    tape = chat()
    tape.turn((1, "r"), (2, "r"), slept=0.01)
    tape.io(1, "accept", took=0.25)
    tape.recv(2, b"a\n")
    drawn = svg.draw(tape.run())
    assert shapes_in(drawn, "hatch")
    assert shapes_in(drawn, "paper")
    assert "waited 250 ms" in texts_in(drawn)


def test_interest_is_a_line_for_reading_and_a_broken_one_for_writing() -> None:
    tape = chat()
    tape.watch(2, "rw")
    tape.turn()
    tape.turn()
    drawn = svg.draw(tape.run())
    assert shapes_in(drawn, "reading")
    assert shapes_in(drawn, "writing").count("M") == 1


def test_a_queue_is_drawn_in_its_scale() -> None:
    tape = chat()
    for size in (3000, 1500, 0):
        tape.turn((2, "w"), slept=0.01)
        tape.add(Queue(serial=2, size=size))
    drawn = svg.draw(tape.run())
    heights = [float(height) for height in re.findall(r"v([\d.]+)", shapes_in(drawn, "queue"))]
    assert heights == [22, 11]
    assert {"3000 B", "1500 B", "queue, up to 3000 B"} <= {*texts_in(drawn)}


def test_who_is_not_there_is_grey() -> None:
    assert not shapes_in(svg.draw(run_of(Open(serial=1, kind="listener"), Select(turn=1))), "gone")
    assert shapes_in(svg.draw(chat().run()), "gone")


def test_a_spin_is_a_solid_bar_and_rest_is_not() -> None:
    spin = Again(turn=2, last=90_000, until=1.0)
    rest = Again(turn=2, last=9, until=1.0, slept=0.999)
    for again, is_solid in ((spin, True), (rest, False)):
        drawn = svg.draw(run_of(Select(turn=1), Ready(turn=1), again))
        assert bool(shapes_in(drawn, "heavy")) is is_solid
        assert ("url(#same)" in drawn, 'class="spin"' in drawn) == (True, is_solid)


def test_what_is_not_a_turn_has_no_wedge() -> None:
    run = run_of(Open(serial=1, kind="listener"), Select(turn=1), Leave(turn=1, time=1.0))
    wedges = parsed(svg.draw(run)).find(f".//{SVG}g[@class='wedges']")
    assert wedges is not None
    assert [bool(wedge.get("d")) for wedge in wedges] == [False, True]


def test_findings_are_named_below() -> None:
    tape = chat()
    tape.turn((2, "r"))
    tape.recv(2)
    tape.again(30_000, 0.5)
    run = tape.run()
    texts = texts_in(svg.draw(run))
    assert len(Layout(run, LANGUAGES["en"]).findings) == 1
    assert "!1" in texts
    assert any(text.startswith("spin-end-of-stream, turn 3: the end of client A") for text in texts)


def test_the_key_explains_the_signs_that_are_there_and_no_others() -> None:
    words = LANGUAGES["en"]
    texts = texts_in(svg.draw(chat().run()))
    assert {words.key_short, words.key_in, words.key_out} <= {*texts}
    assert words.key_queue not in texts


def test_equal_runs_are_drawn_equal_to_the_byte() -> None:
    assert svg.draw(chat().run()) == svg.draw(chat().run())
