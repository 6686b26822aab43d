"""Each way to cut a command is tried on a program, and a strip says what came of one of them."""

import json
from pathlib import Path

import pytest

from examples.course.pictures import cut, draw
from examples.course.pictures.grid import LINE, cuttings, squares, survived
from examples.course.pictures.strip import Piece, pieces
from reactor.timeline.run.events import Close, Io
from tests.doubles.program import ROOT
from tests.timeline.wellformed import check_svg

CHAPTER = ROOT / "examples" / "course" / "03"
PICTURE = {
    "kind": "cuttings",
    "grid": True,
    "first": 1,
    "title": {"en": "Three answers", "es": "Tres respuestas"},
}


def came(serial: int, data: str) -> dict[str, object]:
    return {"e": "io", "t": 0, "i": 0, "s": serial, "op": "recv", "n": len(data), "data": data}


def went(serial: int, data: str) -> dict[str, object]:
    return {**came(serial, data), "op": "sendall"}


def record_of(folder: Path, *events: dict[str, object]) -> Path:
    program = ["examples/course/03/broken.py", "40001", "40002"]
    start = {"e": "start", "t": 0, "i": 0, "version": 1, "program": program, "python": "3.11"}
    record = folder / "run.jsonl"
    record.write_text("".join(json.dumps(event) + "\n" for event in (start, *events)))
    return record


def test_a_command_can_be_cut_in_two_ways_at_each_place() -> None:
    found = list(cuttings(LINE))
    assert len({tuple(pieces) for pieces in found}) == len(found) == 2 ** (len(LINE) - 1)
    assert all(b"".join(pieces) == LINE for pieces in found)
    assert [len(pieces) for pieces in found] == sorted(len(pieces) for pieces in found)


@pytest.mark.parametrize(
    ("program", "right"),
    [
        ("broken.py", 1),
        ("broken_coalesced.py", 2048),
        ("broken_utf8.py", 2048),
        ("broken_no_limit.py", 2048),
        ("fixed.py", 2048),
    ],
)
def test_a_program_answers_so_many_cuttings_by_one_ok(program: str, right: int) -> None:
    assert sum(survived(CHAPTER / program)) == right


def test_that_which_broken_answers_is_the_one_without_a_cut() -> None:
    assert survived(CHAPTER / "broken.py").index(True) == 0


def test_an_answer_is_right_when_each_whole_line_has_one() -> None:
    io = [("recv", b"INT"), ("recv", b"ER\nCO"), ("send", b"OK\n"), ("recv", b"N\n")]
    found = pieces([*(Io(op=op, data=data) for op, data in io), Close()])
    assert found == [
        Piece(b"INT"),
        Piece(b"ER\nCO", b"OK\n", lines=1, answers=1),
        Piece(b"N\n", is_closed=True, lines=2, answers=1),
    ]
    assert [piece.is_right for piece in found] == [True, True, False]


def test_an_answer_and_the_end_is_no_right_answer() -> None:
    (piece,) = pieces([Io(op="recv", data=b"A\n"), Io(op="send", data=b"OK\n"), Close()])
    assert (piece.lines, piece.answers, piece.is_right) == (1, 1, False)


def test_a_record_keeps_what_is_shown_of_who_spoke_first(tmp_path: Path) -> None:
    record = record_of(
        tmp_path,
        came(2, "CONECTAR 40003\n"),
        went(2, "OK\n"),
        came(3, "CONECTAR 40004\n"),
        came(2, "INTERRUMPIR"),
        went(3, "OK\n"),
        came(3, ""),
        went(2, "OK\n"),
        came(2, "\n"),
        went(2, "ERROR DESCONOCIDO\n"),
        came(2, ""),
        {"e": "close", "t": 0, "i": 0, "s": 2, "how": "closed"},
    )
    assert cut(record, PICTURE) == {"ways": 2048, "survives": 1}
    start, *kept = map(json.loads, record.read_text().splitlines())
    assert start["program"] == ["examples/course/03/broken.py", "PORT", "INGEST"]
    assert [each["data"] for each in kept] == ["INTERRUMPIR", "OK\n", "\n", "ERROR DESCONOCIDO\n"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_picture_is_well_formed_and_small(tmp_path: Path, language: str) -> None:
    record = record_of(tmp_path, came(2, "INTERRUMPIR"), went(2, "<OK>\n"), came(2, "\n"))
    svg = draw(record, language, PICTURE)
    check_svg(svg)
    assert len(svg.encode()) < 60_000
    assert "&lt;OK&gt;" in svg


def test_neighbours_of_one_colour_are_one_line_within_a_row() -> None:
    drawn = squares([True, *[False] * 63, *[False] * 64])
    assert drawn.count("h7") == 1
    assert drawn.count("M") == 3
