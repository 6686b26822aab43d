"""The run as text: what a teacher pastes into a mail, and what golden files are made of."""

import re

from hypothesis import given

from reactor.timeline.run.events import (
    Again,
    Callback,
    Close,
    End,
    Event,
    Io,
    Label,
    Leave,
    Open,
    Queue,
    Ready,
    Returned,
    Select,
    Start,
    Watch,
)
from reactor.timeline.run.run import Run
from reactor.timeline.telling.text import COLUMNS, draw
from reactor.timeline.words.languages import LANGUAGES
from reactor.timeline.words.printable import width
from tests.timeline.strategies import few, run_of, runs

START = Start(program=("server.py", "5000"), python="3.11.7")
LISTENER = Open(serial=1, fd=3, kind="listener", local="127.0.0.1:5000")
CLIENT = Open(serial=2, fd=4, kind="stream", peer="127.0.0.1:50002", by=1)
OTHER = Open(serial=3, fd=5, kind="stream", peer="127.0.0.1:50003", by=1)
BELL = Open(serial=4, fd=6, kind="wakeup")
MADE = (START, LISTENER, Watch(serial=1, after="r"), CLIENT, OTHER, BELL)
SELECT, READY = Select(turn=1), Ready(time=0.5, turn=1, ready=((2, "r"),))


def io(op: str, data: bytes = b"", serial: int = 2, **more: object) -> Io:
    fields = {"time": 0.5, "size": len(data), "asked": len(data), **more}
    return Io(turn=1, serial=serial, op=op, data=data, **fields)  # type: ignore[arg-type]


def callback(*events: Event, began: float = 0.5, ended: float = 0.5, **more: object) -> list[Event]:
    called = Callback(time=began, turn=1, **more)  # type: ignore[arg-type]
    return [called, *events, Returned(time=ended, turn=1)]


def told(run: Run, language: str = "en") -> str:
    """All but the findings, which are held elsewhere."""
    return draw(run, language=language).partition(f"\n{LANGUAGES[language].page_findings}\n")[0]


def parts(*happened: Event) -> list[list[str]]:
    """The title, the headings, and each turn: paragraphs of lines."""
    text = told(run_of(*MADE, *happened, End()))
    return [part.splitlines() for part in text.split("\n\n")]


def last(*happened: Event) -> list[str]:
    return parts(*happened)[-1]


def test_a_run_can_be_read_as_a_whole() -> None:
    happened = [
        SELECT,
        READY,
        *callback(io("recv", b"CONECTAR 5001\nDESC"), ended=0.75, serial=2, name="s.serve",
                  kind="ready"),
        *callback(io("send", b"OK\n", time=0.75), began=0.75, ended=0.75, serial=2, kind="flush"),
        Select(time=0.75, turn=2),
        Ready(time=0.75, turn=2, ready=((2, "r"),)),
        Io(time=0.75, turn=2, serial=2, op="recv"),
        Again(time=0.75, turn=3, last=31_488, until=1.0),
        Leave(time=1.0, turn=31_488),
        Close(time=1.0, turn=31_488, serial=1),
    ]  # fmt: skip
    run = run_of(*MADE, *happened)
    assert (
        told(run)
        == """\
server.py 5000

     listener  127.0.0.1:5000 · fd 3
     client A  127.0.0.1:50002 · fd 4
     client B  127.0.0.1:50003 · fd 5

before the loop
     listener            watched
     client A            client A is here
     client B            client B is here

turn 1 · slept 500 ms · ready: client A
  1  client A    250 ms  ◀ CONECTAR 5001↵DESC  no ↵ yet, kept:  ✎ DESC
                         The loop could serve nobody else for 250 ms.  s.serve
  2  client A      0 µs  ▶ OK↵

turn 2 · did not sleep · ready: client A
  1  client A      0 µs  ◀ end of stream

turns 3 to 31,488 · × 31,486 · nothing done · 125,944 a second · ready: client A
     client A            ◀ end of stream

after the loop
     listener            ✕ closed

The record was cut short: its last line is missing.
"""
    )
    assert (
        told(run, language="es")
        == """\
server.py 5000

     socket de escucha  127.0.0.1:5000 · fd 3
     cliente A          127.0.0.1:50002 · fd 4
     cliente B          127.0.0.1:50003 · fd 5

antes del bucle
     socket de escucha            vigilado
     cliente A                    llegó cliente A
     cliente B                    llegó cliente B

vuelta 1 · durmió 500 ms · listo: cliente A
  1  cliente A            250 ms  ◀ CONECTAR 5001↵DESC  sin ↵, guardado:  ✎ DESC
                                  Durante 250 ms el bucle no pudo atender a otros.  s.serve
  2  cliente A              0 µs  ▶ OK↵

vuelta 2 · no durmió · listo: cliente A
  1  cliente A              0 µs  ◀ fin del flujo

vueltas 3 a 31.488 · × 31.486 · sin hacer nada · 125.944 por segundo · listo: cliente A
     cliente A                    ◀ fin del flujo

después del bucle
     socket de escucha            ✕ cerrado

El registro está cortado: le falta la última línea.
"""
    )


def test_findings_stand_at_the_end() -> None:
    spin = [SELECT, READY, io("recv"), Again(time=0.5, turn=2, last=31_487, until=0.75)]
    text = draw(run_of(*MADE, *spin, End()))
    assert "\n\nFindings\n  spin-end-of-stream, turn 1: " in text
    assert all(line.startswith("     ") for line in text.partition("turn 1: ")[2].splitlines()[1:])


def test_the_title_is_the_command_unless_another_is_given() -> None:
    run = run_of(START, End())
    assert draw(run) == "server.py 5000\n"
    assert draw(run, title="A chat") == "A chat\n"


def test_nothing_of_the_machine_is_in_it() -> None:
    assert "3.11" not in draw(run_of(*MADE, End()))


def test_a_run_without_anything_is_an_empty_line() -> None:
    assert draw(run_of(End())) == "\n"


def test_lanes_that_are_used_together_have_a_line_each() -> None:
    assert last(SELECT, READY, *callback(io("recv", b"x"), io("send", b"x", serial=3),
                                         io("send", b"y"), serial=2, name="serve"))[1:] == [
        "  1  client A      0 µs  ◀ x  ▶ y",
        "     client B            ▶ x",
    ]  # fmt: skip


def test_lanes_that_share_a_heading_share_a_line() -> None:
    crowd = [Open(serial=serial, kind="stream", by=1) for serial in range(10, 110)]
    sent = [io("send", b"x", serial=serial) for serial in range(10, 110)]
    lines = last(*crowd, SELECT, Ready(turn=1), *callback(*sent, name="send_all", kind="call"))
    assert lines[-1] == "     87 more                  ▶ x ×87"


def test_the_lane_that_is_served_comes_first() -> None:
    sends = [io("send", b"x", serial=3), io("send", b"y")]
    assert last(SELECT, READY, *callback(*sends, serial=2, name="serve"))[1:] == [
        "  1  client A      0 µs  ▶ y",
        "     client B            ▶ x",
    ]
    assert last(SELECT, READY, *callback(sends[0], serial=2, name="serve"))[1:] == [
        "  1  client A      0 µs  serve",
        "     client B            ▶ x",
    ]


def test_many_lanes_without_room_of_their_own_are_served_in_one_line() -> None:
    crowd = [Open(serial=serial, kind="stream", by=1) for serial in range(10, 110)]
    sent = [io("send", b"x", serial=serial) for serial in range(10, 110)]
    assert last(*crowd, SELECT, Ready(turn=1), *sent)[-1] == (" 14  87 more       0 µs  × 87  ▶ x")


def test_neighbours_who_did_the_same_share_a_line() -> None:
    ticks = callback(ended=0.25, name="tick", kind="timer")
    assert last(SELECT, Ready(turn=1), *ticks, *ticks, *ticks)[1:] == [
        "  1  timers, calls      0 µs  × 3  tick"
    ]


def test_a_callback_that_did_nothing_is_known_by_its_name() -> None:
    assert last(SELECT, READY, *callback(serial=2, name="serve", kind="ready"))[1:] == [
        "  1  client A      0 µs  serve"
    ]


def test_a_bell_that_did_not_ring_is_left_out() -> None:
    assert last(SELECT, Ready(turn=1), io("send", b"x", serial=4), io("recv", b"x"))[1:] == [
        "  2  client A      0 µs  ◀ x"
    ]


def test_who_waited_says_so_first() -> None:
    happened = [
        SELECT,
        Ready(time=0.5, turn=1, ready=((2, "r"), (3, "r"))),
        *callback(io("recv", b"x"), ended=0.75, serial=2, name="serve", kind="ready"),
        *callback(io("recv", b"y", 3), began=0.75, ended=0.75, serial=3, name="serve",
                  kind="ready"),
        Select(time=0.75, turn=2),
        Ready(time=0.75, turn=2, ready=((1, "r"),)),
        Callback(time=0.75, turn=2, serial=1, name="accept", kind="ready"),
        Returned(time=0.75, turn=2),
    ]  # fmt: skip
    served, accepted = parts(*happened)[-2:]
    assert served[3] == "  2  client B      0 µs  waited 250 ms  ◀ y"
    assert accepted[1] == "  1  listener      0 µs  waited up to 250 ms  accept"


def test_who_is_left_alone_and_what_is_queued_stands_at_the_end() -> None:
    happened = [
        SELECT,
        Ready(turn=1, ready=((3, "r"),)),
        io("send", b"x", size=33_000, asked=360_000),
        Queue(time=0.5, turn=1, serial=2, size=327_000),
    ]
    assert last(*happened)[2:] == [
        "     client B            not served",
        "     client A            queue 327 kB",
    ]


def test_what_other_threads_do_is_told_by_their_names() -> None:
    sent = io("send", b"x", thread="worker")
    assert last(SELECT, Ready(turn=1), sent)[1:] == ["     client A            [worker]  ▶ x"]


def test_turns_that_sleep_are_not_called_a_spin() -> None:
    happened = [SELECT, Ready(turn=1), Again(time=0.5, turn=2, last=3, until=2.5, slept=2.0)]
    assert last(*happened)[0] == "turns 2 to 3 · × 2 · slept 2.00 s · nobody ready"


def test_a_loop_that_does_not_sleep_says_so() -> None:
    assert last(Select(turn=1, timeout=0), Ready(time=0.5, turn=1))[0] == (
        "turn 1 · did not sleep · nobody ready"
    )


def test_of_a_round_without_a_selector_nobody_says_who_is_ready() -> None:
    asked, again = io("recv", error="EAGAIN"), Again(turn=2, last=3)
    heads = [lines[0] for lines in parts(Select(turn=1, timeout=0), asked, again)[-2:]]
    assert heads == ["turn 1 · did not sleep", "turns 2 to 3 · × 2 · nothing done"]


def test_a_spin_on_a_clock_that_stands_still_has_no_rate() -> None:
    assert last(SELECT, Ready(turn=1), Again(turn=2, last=3))[0] == (
        "turns 2 to 3 · × 2 · nothing done · nobody ready"
    )


def test_lines_that_are_too_long_go_on_in_the_next() -> None:
    pieces = [io("recv", b"piece %d of them\n" % number) for number in range(6)]
    lines = last(SELECT, READY, *pieces)
    assert lines[2].startswith(" " * 25 + "◀ piece 3")
    crowd = [Open(serial=serial, kind="stream", by=1) for serial in range(10, 30)]
    ready = Ready(turn=1, ready=tuple((client.serial, "rw") for client in crowd))
    head = [line for line in last(*crowd, SELECT, ready) if "not served" not in line]
    assert head[1].strip().endswith("client J (rw), 12 more")


def test_a_sentence_below_long_names_goes_on_in_the_next_line() -> None:
    slow = callback(io("recv", b"x"), ended=0.75, serial=2, name="x" * 40, kind="ready")
    lines = last(SELECT, READY, Label(serial=2, label="y" * 40), *slow)
    assert [line.strip() for line in lines[2:]] == [
        "The loop could serve nobody else for 250 ms.",
        "x" * 40,
    ]


def test_words_that_run_from_right_to_left_move_nothing_beside_them() -> None:
    words = "\u05d0\u05d1 \u05d2"
    assert last(SELECT, READY, io("recv", f"a {words} 1".encode()))[1].endswith(
        f"◀ a \u2068{words}\u2069 1"
    )


@few
@given(runs())
def test_any_run_is_text_that_can_be_looked_at_in_lines_that_are_not_too_long(run: Run) -> None:
    for language in LANGUAGES:
        text = re.sub("[\u2068\u2069]", "", draw(run, language=language))
        lines = text.removesuffix("\n").split("\n")
        assert all(line.isprintable() and width(line) <= COLUMNS for line in lines)
