"""What a lane says in a column: few, short, and as much as can be seen from afar."""

import pytest
from hypothesis import given

from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    Drop,
    Event,
    Io,
    Open,
    Ready,
    Returned,
    Select,
    Watch,
)
from reactor.timeline.run.run import Run
from reactor.timeline.run.turns import TIMERS
from reactor.timeline.telling.cells import COLUMNS, MOST, CellLine, Ink, lines_of
from reactor.timeline.words.lanes import Lanes
from reactor.timeline.words.languages import LANGUAGES
from reactor.timeline.words.printable import width
from tests.timeline.strategies import few, run_of, runs

ENGLISH = LANGUAGES["en"]
LISTENER = Open(serial=1, fd=3, kind="listener", local="127.0.0.1:5000")
CLIENT = Open(serial=2, fd=4, kind="stream", peer="127.0.0.1:50002", by=1)
OTHER = Open(serial=3, fd=5, kind="stream", peer="127.0.0.1:50003", by=1)
UDP = Open(serial=4, fd=6, kind="datagram", local="127.0.0.1:6000")
MADE = (LISTENER, CLIENT, OTHER, UDP)
SELECT, READY = Select(turn=1), Ready(time=0.5, turn=1, ready=((2, "r"),))


def io(op: str, data: bytes = b"", serial: int = 2, **more: object) -> Io:
    fields = {"size": len(data), "asked": len(data), **more}
    return Io(time=0.5, turn=1, serial=serial, op=op, data=data, **fields)  # type: ignore[arg-type]


def lines(*happened: Event, serial: int = 2, turn: int = -1) -> list[CellLine]:
    """What the lane says in the last turn."""
    run = run_of(*MADE, SELECT, READY, *happened)
    return lines_of(run.turns[turn], Lanes(run, ENGLISH), ENGLISH).get(serial, [])


def texts(*happened: Event, serial: int = 2) -> list[str]:
    return [line.text for line in lines(*happened, serial=serial)]


# -- one event ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "text", "ink"),
    [
        (io("recv", b"CON"), "◀ CON", Ink.IN),
        (io("recv", b"CONECTAR 5001\r\n"), "◀ CONECTAR 5001↵", Ink.IN),
        (io("recv", b"a" * 201, size=32_748), "◀ 33 kB", Ink.IN),
        (io("recv", b"\x47\x40\x00\x10"), "◀ 4 B", Ink.IN),
        (io("recv", size=3), "◀ 3 B", Ink.IN),
        (io("recv", b"abc", size=10), "◀ abc…", Ink.IN),
        (io("recv"), "◀ end of stream", Ink.END),
        (io("recv", serial=4), "◀ 0 B", Ink.IN),
        (io("recv", error="EAGAIN"), "recv: EAGAIN", Ink.QUIET),
        (io("recv", error="ECONNRESET"), "recv: ECONNRESET", Ink.ERROR),
        (io("send", b"OK\n"), "▶ OK↵", Ink.OUT),
        (io("sendall", b"OK\n"), "▶ OK↵", Ink.OUT),
        (io("send", b"abc", size=47_413, asked=327_252), "▶ 47 kB of 327 kB", Ink.OUT),
        (io("send", b"abc", size=2632, to="127.0.0.1:50546"), "▶ 2632 B to 50546", Ink.OUT),
        (io("shutdown"), "■ no more to send", Ink.END),
        (io("shutdown", how="r"), "■ reads no more", Ink.END),
        (io("peek", b"hola"), "looked at 4 B", Ink.QUIET),
        (io("connect"), "connected", Ink.PLAIN),
        (io("accept"), "new connection", Ink.PLAIN),
        (Watch(serial=2, before="r", after="rw"), "+ wait for room", Ink.ROOM),
        (Watch(serial=2, before="rw", after="r"), "− wait for room", Ink.ROOM),
        (Watch(serial=2, before="r", after=""), "− wait for bytes", Ink.ROOM),
        (Watch(serial=2, before="", after="r"), "+ wait for bytes", Ink.ROOM),
        (Drop(serial=2, count=31_486, reason="ENOBUFS"), "✕ 31,486 dropped", Ink.ERROR),
        (Close(serial=2), "✕ closed", Ink.QUIET),
        (Close(serial=2, how="detached"), "✕ detached", Ink.QUIET),
        (Close(serial=2, how="collected"), "✕ forgotten", Ink.QUIET),
    ],
)
def test_an_event_is_a_short_line(event: Event, text: str, ink: Ink) -> None:
    serial = event.serial  # type: ignore[attr-defined]
    assert lines(event, serial=serial)[0] == CellLine(text, ink)


def test_two_lines_are_broken_after_the_end_of_a_line() -> None:
    assert texts(io("send", b"\nINTERRUMPIR\nDESC")) == ["▶ ↵INTERRUMPIR↵", "  DESC"]


def test_where_no_line_ends_a_word_does_or_what_stands_before_a_port() -> None:
    assert texts(io("send", b"ERROR Comando desconocido")) == ["▶ ERROR Comando ", "  desconocido"]
    assert texts(io("send", b"* 127.0.0.1:44602 is here")) == ["▶ * 127.0.0.1:", "  44602 is here"]
    assert texts(io("send", b"127.0.0.1:44602: buenas tardes")) == [
        "▶ 127.0.0.1:44602", "  : buenas tardes",
    ]  # fmt: skip


def test_what_needs_more_than_two_lines_is_cut() -> None:
    assert texts(io("recv", b"a" * 60)) == ["◀ aaaaaaaaaaaaaaa", "  aaaaaaaaaaaaaa…"]


def test_what_has_no_line_end_is_kept() -> None:
    assert lines(io("recv", b"A\nCON"), io("recv", b"ECT")) == [
        CellLine("◀ A↵CON", Ink.IN),
        CellLine("◀ ECT", Ink.IN),
        CellLine("no ↵ yet, kept:", Ink.KEPT),
        CellLine("✎ CONECT", Ink.KEPT),
    ]


def test_that_nobody_else_is_there_to_be_accepted_needs_no_line() -> None:
    assert texts(io("accept", serial=1, error="EAGAIN"), serial=1) == []


def test_who_was_accepted_is_here() -> None:
    new = Open(turn=1, serial=9, kind="stream", by=1)
    assert texts(io("accept", serial=1), new, Watch(turn=1, serial=9, after="r"), serial=9) == [
        "client C is here"
    ]


def test_who_is_closed_needs_no_word_on_what_is_no_longer_waited_for() -> None:
    assert texts(Watch(serial=2, before="r"), Close(turn=1, serial=2)) == ["✕ closed"]


def test_before_the_loop_it_is_seen_who_is_watched() -> None:
    watches = [Watch(serial=1, after="r"), Watch(serial=4, after="r"), Watch(serial=4, before="r")]
    run = run_of(*MADE, *watches)
    cells = lines_of(run.turns[0], Lanes(run, ENGLISH), ENGLISH)
    assert cells[1] == [CellLine("watched", Ink.QUIET)]
    assert cells[4] == [CellLine("watched", Ink.QUIET)]


# -- callbacks ---------------------------------------------------------------------------


def callback(
    *events: Event, name: str = "app.tick", late: float = 0, raised: str = ""
) -> list[Event]:
    began = Callback(time=0.5, turn=1, name=name, kind="timer", late=late)
    return [began, *events, Returned(time=0.5, turn=1, raised=raised)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.tick", "app.tick"),
        ("talk (Task-7)", "talk (Task-7)"),
        ("FanOut (DatagramEndpoint._look)", "FanOut"),
        ("Server.serve_forever (Task-3)", "serve_forever"),
        ("x" * 40, "x" * 15 + "…"),
    ],
)
def test_a_timer_is_known_by_its_name(name: str, text: str) -> None:
    assert texts(*callback(name=name), serial=TIMERS) == [text]


def test_a_timer_that_is_late_says_so() -> None:
    assert lines(*callback(late=0.25), serial=TIMERS)[1] == CellLine("250 ms late", Ink.ERROR)


def test_an_exception_is_seen() -> None:
    assert lines(*callback(raised="ValueError"), serial=TIMERS)[1] == CellLine(
        "✗ ValueError", Ink.ERROR
    )


def test_what_blocks_is_seen_in_the_lane_of_who_called_it() -> None:
    sleep = Blocked(time=0.5, turn=1, what="time.sleep", about="0.25", took=0.25)
    assert lines(*callback(sleep), serial=TIMERS)[1:] == [
        CellLine("■ time.sleep", Ink.ERROR),
        CellLine("  250 ms", Ink.ERROR),
    ]


def test_what_another_thread_did_is_in_the_cell_too() -> None:
    sent = Io(time=0.6, turn=1, serial=3, op="send", size=1, asked=1, data=b"x", thread="worker")
    assert texts(sent, Blocked(time=0.6, turn=1, thread="worker"), serial=3) == ["▶ x"]


def test_what_blocks_another_thread_is_nothing_in_the_loops_own_lane() -> None:
    lookup = Blocked(time=0.6, turn=1, what="getaddrinfo", took=0.1, thread="worker")
    assert texts(lookup, serial=TIMERS) == []


# -- the whole cell ----------------------------------------------------------------------


def test_equal_neighbours_share_a_line() -> None:
    received = io("recv", b"a" * 64, size=1316)
    assert texts(*[received] * 3) == ["◀ 1316 B ×3"]


def test_a_cell_has_so_many_lines_and_then_says_how_many_more() -> None:
    pieces = [io("recv", bytes([ord("a") + number])) for number in range(9)]
    assert texts(*pieces) == ["◀ a", "◀ b", "◀ c", "◀ d", "◀ e", "… 4 more"]
    assert len(texts(*pieces[:MOST])) == MOST


def test_who_was_ready_and_not_served_says_so() -> None:
    assert lines() == [CellLine("not served", Ink.QUIET)]


def test_a_spin_says_how_often() -> None:
    happened = [io("recv"), Again(time=0.5, turn=2, last=30_001, until=0.75)]
    assert lines(*happened) == [
        CellLine("ready, ready, …", Ink.ERROR),
        CellLine("◀ end of stream", Ink.END),
        CellLine("120,000 a second", Ink.QUIET),
    ]


def test_a_spin_on_a_clock_that_stands_still_has_no_rate() -> None:
    happened = [io("recv"), Again(time=0.5, turn=2, last=30_001, until=0.5)]
    assert len(lines(*happened)) == 2


def test_lanes_that_share_a_heading_share_a_cell() -> None:
    crowd = [Open(serial=serial, kind="stream", by=1) for serial in range(10, 60)]
    sent = [io("send", b"x", serial=serial) for serial in range(10, 60)]
    run = run_of(*MADE, *crowd, SELECT, *sent)
    lanes = Lanes(run, ENGLISH)
    shared = lanes.headings[-1].serial
    assert lines_of(run.turns[-1], lanes, ENGLISH)[shared] == [CellLine("▶ x ×37", Ink.OUT)]


@pytest.mark.thorough
@few
@given(runs())
def test_any_cell_has_few_lines_that_can_be_looked_at(run: Run) -> None:
    for words in LANGUAGES.values():
        lanes = Lanes(run, words)
        shown = {heading.serial for heading in lanes.headings}
        for turn in run.turns:
            cells = lines_of(turn, lanes, words)
            assert cells.keys() <= shown
            assert all(0 < len(cell) <= MOST for cell in cells.values())
            assert all(line.text.isprintable() for cell in cells.values() for line in cell)


@few
@given(runs())
def test_nothing_that_strangers_send_makes_a_line_longer(run: Run) -> None:
    lanes = Lanes(run, ENGLISH)
    for turn in run.turns:
        for cell in lines_of(turn, lanes, ENGLISH).values():
            assert all(width(line.text) <= COLUMNS + 12 for line in cell)
