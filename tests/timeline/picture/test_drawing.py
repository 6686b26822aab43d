"""What is asked for is drawn: the kind, the language, the turns, the lanes; of what is a record."""

import json
from pathlib import Path
from typing import Any

import pytest

from reactor.timeline.picture.drawing import Drawing, Kind, language_of, read_record
from reactor.timeline.run.run import Run, read

RECORD: list[dict[str, Any]] = [
    {"e": "start", "version": 1, "program": ["server.py"], "python": "3.11.7"},
    {"e": "open", "s": 1, "fd": 3, "kind": "stream", "peer": "10.0.0.1:5000", "by": 9},
    {"e": "label", "s": 1, "label": "the door"},
    {"e": "open", "s": 2, "fd": 4, "kind": "datagram", "local": "10.0.0.2:6000"},
    {"e": "select", "i": 1, "t": 0.1, "timeout": 1.0},
    {"e": "ready", "i": 1, "t": 0.2, "ready": [[1, "r"]]},
    {"e": "callback", "i": 1, "t": 0.2, "s": 1, "name": "Guest.hear", "kind": "ready"},
    {"e": "io", "i": 1, "t": 0.2, "s": 1, "op": "recv", "n": 5, "data": "word\n"},
    {"e": "blocked", "i": 1, "t": 0.2, "what": "time.sleep", "about": "0.2", "took": 0.2},
    {"e": "returned", "i": 1, "t": 0.4},
    {"e": "select", "i": 2, "t": 0.5, "timeout": 1.0},
    {"e": "ready", "i": 2, "t": 0.6, "ready": [[2, "r"]]},
    {"e": "callback", "i": 2, "t": 0.6, "s": 2, "name": "Player.see", "kind": "ready"},
    {"e": "io", "i": 2, "t": 0.6, "s": 2, "op": "recv", "n": 3, "data": "pic"},
    {"e": "returned", "i": 2, "t": 0.7},
    {"e": "close", "i": 2, "t": 0.7, "s": 1},
    {"e": "close", "i": 2, "t": 0.7, "s": 2},
    {"e": "end", "i": 2, "t": 0.8},
]


@pytest.fixture
def run() -> Run:
    return read(map(json.dumps, RECORD))


def test_each_kind_is_drawn_as_what_it_is(run: Run) -> None:
    beginnings = {kind: Drawing(kind).of(run)[:5] for kind in Kind}
    assert beginnings[Kind.PAGE].lower() == "<!doc"
    assert beginnings[Kind.SVG][:4] == beginnings[Kind.SEQUENCE][:4] == "<svg"
    assert beginnings[Kind.TEXT] == "serve"


def test_a_page_has_its_title_and_lead_and_its_language(run: Run) -> None:
    drawn = Drawing(language="es", title="A <title>", lead="& a lead").of(run)
    assert 'lang="es"' in drawn
    assert "A &lt;title&gt;" in drawn
    assert "&amp; a lead" in drawn


def test_only_the_turns_that_were_asked_for_are_drawn(run: Run) -> None:
    assert "Guest.hear" not in Drawing(Kind.TEXT, first=2).of(run)
    assert "Player.see" not in Drawing(Kind.TEXT, last=1).of(run)
    assert "Player.see" in Drawing(Kind.TEXT, first=2, last=2).of(run)


@pytest.mark.parametrize("name", ["the door", "THE DOOR", "10.0.0.1:5000"])
def test_a_lane_is_asked_for_by_its_name_or_its_address(run: Run, name: str) -> None:
    drawn = Drawing(Kind.TEXT, only=(name,)).of(run)
    assert "Guest.hear" in drawn
    assert "Player.see" not in drawn


def test_several_lanes_can_be_asked_for(run: Run) -> None:
    drawn = Drawing(Kind.TEXT, only=("the door", "10.0.0.2:6000")).of(run)
    assert "Guest.hear" in drawn
    assert "Player.see" in drawn


def test_a_lane_that_is_not_there_is_refused_with_those_that_are(run: Run) -> None:
    with pytest.raises(ValueError, match=r"'the window'; there are: .*the door"):
        Drawing(only=("the window",)).of(run)


def test_what_is_wrong_is_a_sentence_in_the_language_of_the_drawing(run: Run) -> None:
    for language in ("en", "es"):
        (sentence,) = Drawing(language=language).findings(run)
        assert sentence.startswith("blocking-call")
        assert "time.sleep" in sentence
    assert Drawing().findings(run) != Drawing(language="es").findings(run)


# -- files ---------------------------------------------------------------------------------


def test_a_record_is_read_from_its_file(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in RECORD))
    assert read_record(path) == run


def test_a_record_that_has_lost_its_first_line_is_one(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in RECORD[4:]))
    assert len(read_record(path).turns) == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "is empty"), ("\n", "is empty"), ("print(5)\n", "is not the record of a run")],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint):
        read_record(path)


# -- languages -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_UY.UTF-8"}, "es"),
        ({"LANG": "es", "LC_MESSAGES": "en_GB"}, "en"),
        ({"LANG": "es", "LC_ALL": ""}, "es"),
        ({"LANGUAGE": "es:en", "LANG": "C"}, "es"),
        ({"LANG": "fr_FR"}, "en"),
        ({"LANG": "C"}, "en"),
    ],
)
def test_the_language_is_that_of_the_environment(
    environment: dict[str, str], language: str
) -> None:
    assert language_of(environment) == language
