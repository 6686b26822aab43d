"""A line without an end is said to be kept where it is, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.run.events import Event, Io, Open, Ready, Select
from reactor.timeline.run.run import Run
from tests.timeline.strategies import few, run_of, runs

PREVIEW = 64


def came(data: bytes, *, serial: int = 3, thread: str = "") -> Io:
    return Io(
        serial=serial, op="recv", size=len(data), asked=4096, data=data[:PREVIEW], thread=thread
    )


def went(data: bytes, *, serial: int = 3) -> Io:
    return Io(serial=serial, op="send", size=len(data), asked=len(data), data=data[:PREVIEW])


def in_turns(*turns: list[Event]) -> Run:
    """Each list is what happened in one turn."""
    happened: list[Event] = [Open(serial=3, kind="stream")]
    for number, events in enumerate(turns, 1):
        happened += [Select(turn=number), Ready(turn=number), *events]
    return run_of(*happened)


def kept(*turns: list[Event]) -> list[bytes]:
    """What is kept in each turn, b"" where there is nothing."""
    return [turn.kept.get(3, b"") for turn in in_turns(*turns).turns[1:]]


def test_a_command_in_four_pieces() -> None:
    assert kept(
        [came(b"CON")],
        [came(b"ECTAR 50")],
        [came(b"01")],
        [came(b"\nINTERRUMPIR\nDESC"), went(b"OK\nOK\n")],
        [came(b"ONECTAR\n"), went(b"OK\n")],
    ) == [b"CON", b"CONECTAR 50", b"CONECTAR 5001", b"DESC", b""]


def test_a_carriage_return_ends_no_line() -> None:
    assert kept([came(b"CONECTAR 5001\r")], [came(b"\n")]) == [b"CONECTAR 5001\r", b""]


def test_a_character_may_be_cut() -> None:
    assert kept([came("mañana".encode()[:3])], [came("mañana\n".encode()[3:])]) == [b"ma\xc3", b""]


@given(st.lists(st.sampled_from(["hola", "ñandú", " 5001", "\n", "\r\n"]), max_size=12), st.data())
def test_what_is_kept_does_not_depend_on_how_it_was_cut(
    words: list[str], drawn: st.DataObject
) -> None:
    stream = "".join([*words, "\n"]).encode()
    pieces, at = [], 0
    while at < len(stream):
        size = drawn.draw(st.integers(1, PREVIEW))
        pieces.append(stream[at : at + size])
        at += size

    turns: list[list[Event]] = [[came(piece)] for piece in pieces]
    said = kept(*turns)

    seen = b""
    for piece, line in zip(pieces, said, strict=True):
        seen += piece
        assert line == seen.rpartition(b"\n")[2]


def test_in_several_pieces_of_one_turn_the_last_one_counts() -> None:
    assert kept([came(b"CON"), came(b"ECTAR\nCON")], [came(b"\nC"), came(b"\n")]) == [b"CON", b""]


def test_the_end_of_a_stream_brings_nothing() -> None:
    assert kept([came(b"hola\nCON")], [came(b"")]) == [b"CON", b""]


def test_of_what_is_not_recorded_whole_nothing_is_said_until_a_line_ends() -> None:
    assert kept([came(b"a" * 65)], [came(b"bc")], [came(b"d\ne")]) == [b"", b"", b"e"]


@pytest.mark.parametrize(
    "other",
    [
        b"\x47\x40\x00\x10\x00",
        b"\x16\x03\x01\x02\x00\x01\n",
        b"\xff\xd8\xff\xe0\xff\xff\xff",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"a" * 1025,
    ],
)
def test_of_video_and_pages_nothing_is_said(other: bytes) -> None:
    assert kept([came(b"line\n")], [came(other)], [came(b"rest")]) == [b"", b"", b""]


def test_of_who_never_ends_a_line_nothing_is_said() -> None:
    assert kept([came(b"hola")], [came(b"que tal")]) == [b"", b""]


def test_who_is_sent_half_lines_does_not_speak_in_lines() -> None:
    assert kept([came(b"hola\nque"), went(b"hola\nque")], [came(b"tal")]) == [b"", b""]


@pytest.mark.parametrize("answer", [[[went(b"ERROR\n")]], [[], [went(b"ERROR\n")]]])
def test_half_a_line_that_is_answered_was_not_kept(answer: list[list[Event]]) -> None:
    first, *then = answer

    said = kept([came(b"CON"), *first], *then, [came(b"ECTAR\n")])

    assert not any(said)


def test_what_somebody_else_says_meanwhile_is_no_answer() -> None:
    said = kept(
        [came(b"ho")],
        [came(b"buen dia\n", serial=4), went(b"B: buen dia\n")],
        [came(b"la\n")],
    )

    assert said == [b"ho", b"", b""]


def test_a_word_of_the_program_later_is_no_answer() -> None:
    assert kept([came(b"ho")], [], [went(b"12:00\n")], [came(b"la\n")]) == [b"ho", b"", b"", b""]


def test_what_another_thread_takes_part_in_is_not_known() -> None:
    assert kept([came(b"hola\nCON")], [came(b"ECTAR\n", thread="worker")]) == [b"", b""]


def test_a_datagram_is_never_half() -> None:
    run = run_of(Open(serial=3, kind="datagram"), Select(turn=1), came(b"hola\n"), came(b"que tal"))

    assert run.turns[-1].kept == {}


@few
@given(runs())
def test_what_is_kept_has_no_line_end_and_came_in_that_turn(run: Run) -> None:
    for turn in run.turns:
        came_in = {e.serial for e in turn.events if isinstance(e, Io) and e.op == "recv"}
        assert turn.kept.keys() <= came_in
        assert all(line and b"\n" not in line for line in turn.kept.values())
