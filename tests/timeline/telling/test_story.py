"""What is told of a run: true sentences, in both languages, for whoever can't see the picture."""

from itertools import pairwise

import pytest
from hypothesis import given

from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    Drop,
    End,
    Event,
    Io,
    Label,
    Leave,
    Named,
    Open,
    Queue,
    Ready,
    Returned,
    Select,
    Watch,
)
from reactor.timeline.run.extract import part
from reactor.timeline.run.run import Run
from reactor.timeline.telling.story import Style, tell, tell_end
from reactor.timeline.words.lanes import Lanes
from reactor.timeline.words.languages import LANGUAGES
from tests.timeline.strategies import few, run_of, runs

LISTENER = Open(serial=1, fd=3, kind="listener", local="127.0.0.1:5000")
CLIENT = Open(serial=2, fd=4, kind="stream", peer="127.0.0.1:50002", by=1)
OTHER = Open(serial=3, fd=5, kind="stream", peer="127.0.0.1:50003", by=1)
UDP = Open(serial=4, fd=6, kind="datagram", local="127.0.0.1:6000")
BELLS = (Open(serial=5, fd=7, kind="wakeup"), Open(serial=6, fd=8, kind="wakeup"))
MADE = (LISTENER, CLIENT, OTHER, UDP, *BELLS, Watch(serial=5, after="r"))


def told(*happened: Event, language: str = "en") -> list[str]:
    """The lines of all turns but the one before the loop."""
    run, words = run_of(*MADE, *happened), LANGUAGES[language]
    lanes = Lanes(run, words)
    lines = [line for turn in run.turns[1:] for line in tell(turn, lanes, words)]
    return ["".join(span.text for span in line) for line in lines]


def in_turn(*happened: Event) -> list[Event]:
    """What happened in turn 1, after half a second asleep."""
    times = [Select(turn=1), Ready(time=0.5, turn=1, ready=((2, "r"),))]
    return [*times, *happened]


def io(op: str, data: bytes = b"", serial: int = 2, **more: object) -> Io:
    fields = {"size": len(data), "asked": len(data), **more}
    return Io(time=0.5, turn=1, serial=serial, op=op, data=data, **fields)  # type: ignore[arg-type]


# -- how a turn begins -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("select", "ready", "english", "spanish"),
    [
        (
            Select(turn=1),
            Ready(time=0.5, ready=((2, "r"),)),
            "Turn 1. The loop slept for 500 ms. Ready: client A (something to read).",
            "Vuelta 1. El bucle durmió 500 ms. Listo: cliente A (algo para leer).",
        ),
        (
            Select(turn=1),
            Ready(time=0.00001, ready=((2, "rw"), (1, "r"), (4, "r"), (5, "r"))),
            "Turn 1. The loop did not sleep. Ready: "
            "client A (something to read and room to write), listener (a connection to accept), "
            "UDP in (a datagram to read), wake-up (it was rung).",
            "Vuelta 1. El bucle no durmió. Listos: "
            "cliente A (algo para leer y lugar para escribir), "
            "socket de escucha (una conexión para aceptar), "
            "UDP entrada (un datagrama para leer), despertador (lo despertaron).",
        ),
        (
            Select(turn=1),
            Ready(time=0.5, ready=((2, "r"), (3, "r"))),
            "Turn 1. The loop slept for 500 ms. Ready: client A, client B (something to read).",
            "Vuelta 1. El bucle durmió 500 ms. Listos: cliente A, cliente B (algo para leer).",
        ),
        (
            Select(turn=1, timeout=0.5),
            Ready(time=0.5),
            "Turn 1. The loop slept for 500 ms. "
            "Nobody was ready; it was to wait for 500 ms, and that was over.",
            "Vuelta 1. El bucle durmió 500 ms. "
            "Nadie estaba listo; iba a esperar 500 ms, y ese tiempo pasó.",
        ),
        (
            Select(turn=1, timeout=2),
            Ready(time=0.5),
            "Turn 1. The loop slept for 500 ms. Nobody was ready.",
            "Vuelta 1. El bucle durmió 500 ms. Nadie estaba listo.",
        ),
        (
            Select(turn=1, timeout=0),
            Ready(time=0.5),
            "Turn 1. The loop did not sleep, it only looked who is ready. Nobody was ready.",
            "Vuelta 1. El bucle no durmió, solo miró quién está listo. Nadie estaba listo.",
        ),
        (
            Select(turn=1, timeout=0, calls=1),
            Ready(time=0.5),
            "Turn 1. The loop did not sleep, for calls were waiting to be made. Nobody was ready.",
            "Vuelta 1. El bucle no durmió: había llamadas pendientes. Nadie estaba listo.",
        ),
    ],
)
def test_a_turn_begins_with_how_long_it_slept_and_why_it_woke(
    select: Select, ready: Ready, english: str, spanish: str
) -> None:
    assert told(select, ready)[0] == english
    assert told(select, ready, language="es")[0] == spanish


def test_a_turn_without_a_selector_is_no_look_at_who_is_ready() -> None:
    asked = io("accept", error="EAGAIN", serial=1)
    assert told(Select(turn=1, timeout=0), asked)[0] == (
        "Turn 1. The program asked its sockets itself, without a selector to wait with."
    )


def test_rounds_without_a_selector_are_none_either_when_they_are_counted() -> None:
    asked, again = io("recv", error="EAGAIN"), Again(turn=2, last=3)
    lines = told(Select(turn=1, timeout=0), asked, again)
    assert any(line.startswith("Turns 2 to 3.") and "without a selector" in line for line in lines)


def test_of_many_who_are_ready_the_first_are_named() -> None:
    crowd = [Open(serial=n, kind="stream", by=1) for n in range(10, 30)]
    ready = Ready(time=0.5, turn=1, ready=tuple((client.serial, "r") for client in crowd))
    assert "client J, 12 more (something to read)." in told(*crowd, Select(turn=1), ready)[0]


# -- what is done in it ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "english", "spanish"),
    [
        (io("recv", b"OK\n"), "3 bytes came: OK↵", "llegaron 3 bytes: OK↵"),
        (io("recv", b"x"), "1 byte came: x", "llegó 1 byte: x"),
        (io("recv", b"\xff\x00\x01"), "3 bytes came", "llegaron 3 bytes"),
        (
            io("recv", b"a b", size=1316),
            "1,316 bytes came, beginning with a b…",
            "llegaron 1.316 bytes, que empiezan con a b…",
        ),
        (
            io("recv"),
            "the end of the stream was read (b''): the peer will send no more",
            "se leyó el fin del flujo (b''): la otra parte no enviará más",
        ),
        (
            io("recv", error="EAGAIN"),
            "nothing is there for now (EAGAIN)",
            "por ahora no hay nada (EAGAIN)",
        ),
        (
            io("send", error="EWOULDBLOCK"),
            "there is no room to write for now (EWOULDBLOCK)",
            "por ahora no hay lugar para escribir (EWOULDBLOCK)",
        ),
        (
            io("recv", error="ECONNRESET"),
            "recv failed: the peer broke the connection off (ECONNRESET)",
            "falló recv: la otra parte cortó la conexión (ECONNRESET)",
        ),
        (io("send", error="EWEIRD"), "send failed (EWEIRD)", "falló send (EWEIRD)"),
        (io("send", b"OK\n"), "3 bytes went out: OK↵", "salieron 3 bytes: OK↵"),
        (
            io("send", b"a b", size=33_000, asked=360_000),
            "33,000 bytes went out, beginning with a b…; "
            "the system had room for 33,000 of 360,000 bytes only",
            "salieron 33.000 bytes, que empiezan con a b…; "
            "el sistema tenía lugar solo para 33.000 de 360.000 bytes",
        ),
        (
            io("send", b"hola", to="127.0.0.1:9000"),
            "to 127.0.0.1:9000: 4 bytes went out: hola",
            "hacia 127.0.0.1:9000 salieron 4 bytes: hola",
        ),
        (
            io("shutdown"),
            "the program said that it will send no more (shutdown)",
            "el programa avisó que no enviará más (shutdown)",
        ),
        (
            io("shutdown", how="r"),
            "the program said that it will read no more (shutdown)",
            "el programa avisó que no leerá más (shutdown)",
        ),
        (
            io("peek", b"hola"),
            "the program looked, and took nothing out (MSG_PEEK): 4 bytes: hola",
            "el programa miró sin sacar nada (MSG_PEEK): 4 bytes: hola",
        ),
        (
            io("peek", error="EAGAIN"),
            "nothing is there for now (EAGAIN)",
            "por ahora no hay nada (EAGAIN)",
        ),
        (
            io("recv", b"hola", sender="127.0.0.1:9000"),
            "from 127.0.0.1:9000: 4 bytes came: hola",
            "desde 127.0.0.1:9000 llegaron 4 bytes: hola",
        ),
        (
            io("connect", to="127.0.0.1:80"),
            "it is connected to 127.0.0.1:80",
            "quedó conectado a 127.0.0.1:80",
        ),
        (
            io("connect"),
            "it is connected to 127.0.0.1:50002",
            "quedó conectado a 127.0.0.1:50002",
        ),
        (
            io("connect", error="EINPROGRESS"),
            "the connection is being made (EINPROGRESS)",
            "la conexión se está estableciendo (EINPROGRESS)",
        ),
        (
            Watch(serial=2, before="r", after="rw"),
            "from now on the loop waits for room to write",
            "desde ahora el bucle espera que haya lugar para escribir",
        ),
        (
            Watch(serial=2, before="rw", after="r"),
            "the loop no longer waits for room to write",
            "el bucle ya no espera que haya lugar para escribir",
        ),
        (
            Watch(serial=2, before="w", after="rw"),
            "from now on the loop waits for something to read",
            "desde ahora el bucle espera que haya algo para leer",
        ),
        (
            Watch(serial=2, before="rw", after="w"),
            "the loop no longer waits for something to read",
            "el bucle ya no espera que haya algo para leer",
        ),
        (
            Watch(serial=2, before="rw", after=""),
            "the loop waits for nothing here any more",
            "el bucle ya no espera nada de él",
        ),
        (
            Queue(serial=2, size=327_252),
            "327,252 bytes wait in its queue for room",
            "327.252 bytes esperan lugar en su cola",
        ),
        (Queue(serial=2, size=0), "its queue is empty", "su cola quedó vacía"),
        (
            Drop(serial=2, count=1, reason="ENOBUFS"),
            "1 datagram could not be sent, and is lost (ENOBUFS)",
            "no se pudo enviar 1 datagrama, y se perdió (ENOBUFS)",
        ),
        (
            Drop(serial=2, count=3, reason="ENOBUFS"),
            "3 datagrams could not be sent, and are lost (ENOBUFS)",
            "no se pudieron enviar 3 datagramas, y se perdieron (ENOBUFS)",
        ),
        (Label(serial=2, label="Ana"), "the program calls it Ana", "el programa lo llama Ana"),
        (Close(serial=2), "closed", "cerrado"),
        (
            Close(serial=2, how="detached"),
            "the program took the descriptor out of its socket",
            "el programa sacó el descriptor de su socket",
        ),
        (
            Close(serial=2, how="collected"),
            "the program forgot it without closing it, and Python closed it",
            "el programa lo olvidó sin cerrarlo, y lo cerró Python",
        ),
        (
            Named(serial=2, local="127.0.0.1:5001"),
            "its address is 127.0.0.1:5001",
            "su dirección es 127.0.0.1:5001",
        ),
        (
            Named(serial=2, kind="listener", local="127.0.0.1:5001"),
            "it listens at 127.0.0.1:5001",
            "escucha en 127.0.0.1:5001",
        ),
    ],
)
def test_each_event_is_a_clause_in_both_languages(event: Event, english: str, spanish: str) -> None:
    name = "Ana" if isinstance(event, Label) else "client A"
    assert told(*in_turn(event))[1].startswith(f"1. {name}: {english}.")
    assert f": {spanish}." in told(*in_turn(event), language="es")[1]


def test_who_is_accepted_is_told_of_the_listener() -> None:
    new = Open(turn=1, serial=9, kind="stream", peer="127.0.0.1:50009", by=1)
    unnamed = Open(turn=1, serial=10, kind="stream", by=1)
    watched = Watch(turn=1, serial=9, after="r")
    lines = told(*in_turn(io("accept", serial=1), new, watched, unnamed,
                          io("accept", serial=1, error="EAGAIN")))  # fmt: skip
    assert lines[1].startswith(
        "1. listener: client C was accepted, from 127.0.0.1:50009; client D was accepted; "
        "now nobody waits to be accepted (EAGAIN)."
    )


def test_a_peer_that_is_not_known_is_not_made_up() -> None:
    mute = Open(turn=1, serial=9, kind="stream")
    assert "socket: made; connected." in told(*in_turn(mute, io("connect", serial=9)))[1]


def test_what_has_no_line_end_is_kept() -> None:
    first = [*in_turn(io("recv", b"A\nCON"), io("recv", b"ECT"))]
    assert told(*first)[1].startswith(
        "1. client A: 5 bytes came: A↵CON; 3 bytes came: ECT; "
        "the last line has no end (↵) yet: CONECT has to be kept until more comes."
    )


def test_equal_clauses_are_told_once() -> None:
    lines = told(*in_turn(io("recv", b"x"), io("recv", b"x"), io("recv", error="EAGAIN")))
    assert "1 byte came: x (× 2); nothing is there" in lines[1]


def test_what_many_lanes_have_in_common_is_told_of_them_together() -> None:
    sent = [io("send", b"x", serial=serial) for serial in (2, 3)]
    lines = told(*callback("call", *sent))
    assert "client A, client B, each: 1 byte went out: x." in lines[1]


def test_where_too_much_is_told_of_one_lane_the_rest_is_counted() -> None:
    sent = [io("send", b"x", to=f"127.0.0.1:{port}") for port in range(100)]
    line = told(*in_turn(*sent))[1]
    assert "; to 127.0.0.1:11: 1 byte went out: x; 88 more, 88 bytes went out. (" in line


def test_of_what_is_not_told_one_by_one_no_byte_is_lost() -> None:
    moved = [io("recv", b"x" * size) for size in range(1, 14)] * 3
    line = told(*in_turn(*moved, io("send", b"ab", to="127.0.0.1:5")))[1]
    assert "; 4 more, 39 bytes came, 2 bytes went out. (" in line


def test_an_empty_datagram_is_no_end() -> None:
    assert "0 bytes came" in told(*in_turn(io("recv", serial=4)))[1]


def test_each_lane_that_is_used_has_a_sentence_of_its_own() -> None:
    lines = told(*in_turn(io("recv", b"x"), io("send", b"x", serial=3)))
    assert lines[1].startswith("1. client A: 1 byte came: x. (")
    assert lines[2].startswith("2. client B: 1 byte went out: x.")


# -- callbacks ---------------------------------------------------------------------------


def callback(kind: str, *events: Event, raised: str = "", **more: float) -> list[Event]:
    began = Callback(time=0.5, turn=1, serial=0, name="serve", kind=kind, **more)  # type: ignore[arg-type]
    return in_turn(began, *events, Returned(time=0.75, turn=1, raised=raised))


@pytest.mark.parametrize(
    ("kind", "late", "expected"),
    [
        ("timer", 0.0, "a timer was due: serve. (250 ms)"),
        ("timer", 0.25, "a timer was due: serve; 250 ms after its time. (250 ms)"),
        ("call", 0.0, "a queued call was made: serve. (250 ms)"),
        ("ready", 0.0, "a callback ran, and neither read nor wrote. (serve, 250 ms)"),
    ],
)
def test_a_callback_is_told_by_what_called_it(kind: str, late: float, expected: str) -> None:
    assert told(*callback(kind, late=late))[1].startswith(f"1. timers, calls: {expected}")


def test_a_slow_callback_keeps_all_others_waiting() -> None:
    assert told(*callback("call"))[1].endswith(" The loop could serve nobody else for 250 ms.")


def test_an_exception_is_told() -> None:
    assert "it raised ValueError: no." in told(*callback("call", raised="ValueError: no"))[1]


def test_a_callback_that_never_ends_in_the_record_is_told_to_be_cut() -> None:
    assert "the record ends in the midst of it." in told(*callback("call")[:-1])[1]


def test_what_blocks_is_told() -> None:
    sleep = Blocked(time=0.75, turn=1, what="time.sleep", about="0.25", took=0.25)
    assert "time.sleep(0.25) blocked the thread for 250 ms" in told(*callback("call", sleep))[1]


def test_a_loop_within_a_callback_is_told() -> None:
    inner = [Select(time=0.5, turn=1), Ready(time=0.5, turn=1)]
    assert "a loop within it looked who is ready" in told(*callback("call", *inner))[1]


def test_neighbours_who_did_the_same_share_a_line() -> None:
    twice = [*callback("call"), *callback("call")[2:]]
    assert told(*twice)[1].startswith(
        "1 to 2. timers, calls: a queued call was made: serve (× 2). (250 ms in all)"
    )


def test_lanes_of_which_the_same_is_told_share_a_line() -> None:
    lines = told(*in_turn(*(io("send", b"x", serial=serial) for serial in (2, 3))))
    assert lines[1] == "1 to 2. client A, client B, each: 1 byte went out: x. (0 µs in all)"


def test_who_waited_is_told_for_how_long() -> None:
    happened = [
        Select(turn=1),
        Ready(time=0.5, turn=1, ready=((2, "r"), (3, "r"))),
        Callback(time=0.5, turn=1, serial=2, name="serve", kind="ready"),
        io("recv", b"x"),
        Returned(time=0.75, turn=1),
        Callback(time=0.75, turn=1, serial=3, name="serve", kind="ready"),
        Returned(time=0.75, turn=1),
        Select(time=0.75, turn=2),
        Ready(time=0.75, turn=2, ready=((1, "r"),)),
        Callback(time=0.75, turn=2, serial=1, name="accept", kind="ready"),
        Returned(time=0.75, turn=2),
    ]
    lines = told(*happened)
    assert lines[2].endswith("It had to wait for 250 ms, behind client A.")
    assert lines[4].endswith("It may have had to wait for up to 250 ms, behind client A.")


def test_who_waited_for_a_call_is_told_its_name() -> None:
    happened = [
        *callback("call"),
        Select(time=0.75, turn=2),
        Ready(time=0.75, turn=2, ready=((1, "r"),)),
        Callback(time=0.75, turn=2, serial=1, name="accept", kind="ready"),
        Returned(time=0.75, turn=2),
    ]
    assert told(*happened)[-1].endswith("up to 250 ms, behind serve.")


def test_who_was_ready_and_not_served_is_told() -> None:
    assert told(*in_turn())[1:] == ["Ready, and nothing was done with it: client A."]


def test_what_other_threads_do_is_told_by_their_names() -> None:
    sent = Io(time=0.6, turn=1, serial=2, op="send", size=1, asked=1, data=b"x", thread="worker")
    assert "Meanwhile in thread worker: client A: 1 byte went out: x." in told(*in_turn(sent))


def test_threads_of_whose_work_nothing_can_be_told_are_left_out() -> None:
    assert not any("thread" in line for line in told(*in_turn(Leave(turn=1, thread="worker"))))


def test_a_bell_that_is_not_shown_is_not_told_of() -> None:
    assert told(*in_turn(io("recv", b"x"), Close(time=0.5, turn=1, serial=6)))[2:] == []


# -- before, after, and again and again --------------------------------------------------


def test_before_the_loop_sockets_are_made() -> None:
    run = run_of(
        Open(serial=1, fd=3, kind="stream"),
        Named(serial=1, local="127.0.0.1:5000"),
        Named(serial=1, kind="listener", local="127.0.0.1:5000"),
        Watch(serial=1, after="r"),
    )
    lines = tell(run.turns[0], Lanes(run, LANGUAGES["en"]), LANGUAGES["en"])
    assert ["".join(span.text for span in line) for line in lines] == [
        "Before the loop.",
        "listener: made; it listens at 127.0.0.1:5000; from now on the loop waits for connections.",
    ]


def test_after_the_loop_sockets_are_closed() -> None:
    lines = told(*in_turn(Leave(time=0.5, turn=1), Close(time=0.5, turn=1, serial=2)))
    assert lines[-2:] == ["After the loop.", "client A: closed."]


def spin(*happened: Event, count: int, seconds: float, slept: float = 0.0) -> list[str]:
    end = 0.5 + seconds
    again = Again(time=0.5, turn=2, last=count + 1, until=end, slept=slept)
    return told(*in_turn(*happened), again)[2:]


def test_a_spin_is_told_in_one_paragraph() -> None:
    assert spin(io("recv"), count=30_000, seconds=0.25) == [
        "Turns 2 to 30,001. 30,000 times the same, and nothing done. "
        "Ready each time: client A (something to read). "
        "The loop never slept: it went round 120,000 times a second, for nothing.",
        "1. client A: the end of the stream was read (b''): the peer will send no more.",
    ]


def test_turns_that_sleep_are_no_spin() -> None:
    assert "The loop slept for 9.00 s of 10.0 s." in spin(count=5, seconds=10, slept=9.0)[0]


def test_a_few_turns_are_not_called_a_spin() -> None:
    assert "The loop did not sleep." in spin(count=5, seconds=0.0001)[0]


def test_turns_in_which_timers_ran_did_something() -> None:
    begun = [Select(turn=1), Ready(time=0.5, turn=1)]
    tick = [Callback(time=0.5, turn=1, name="tick", kind="timer"), Returned(time=0.5, turn=1)]
    lines = told(*begun, *tick, Again(time=0.5, turn=2, last=3, until=2.5, slept=2.0))
    assert lines[2] == (
        "Turns 2 to 3. 2 times the same, and no byte moved. Each time nobody was ready. "
        "The loop slept for 2.00 s of 2.00 s."
    )


# -- the record itself -------------------------------------------------------------------


def ending(run: Run, language: str = "en") -> list[str]:
    return ["".join(span.text for span in line) for line in tell_end(run, LANGUAGES[language])]


def test_a_whole_record_needs_no_word() -> None:
    assert ending(run_of(End())) == []


def test_a_record_that_was_cut_short_says_so() -> None:
    assert ending(Run()) == ["The record was cut short: its last line is missing."]
    assert ending(Run(), "es") == ["El registro está cortado: le falta la última línea."]


def test_what_was_left_out_and_what_could_not_be_read_is_counted() -> None:
    run = run_of(End(turns_left_out=1, events_left_out=1_234))
    run.unreadable = 2
    assert ending(run) == [
        "The record was full: 1 turn and 1,234 events were left out.",
        "2 lines of the record could not be read.",
    ]


# -- any run -----------------------------------------------------------------------------


@few
@given(runs())
def test_any_run_can_be_told_and_shows_nothing_that_moves_what_is_seen(run: Run) -> None:
    for words in LANGUAGES.values():
        lanes = Lanes(run, words)
        lines = [line for turn in run.turns for line in tell(turn, lanes, words)]
        lines += tell_end(run, words)
        assert all(span.text.isprintable() for line in lines for span in line)


@pytest.mark.thorough
@few
@given(runs())
def test_neighbouring_spans_differ_in_style_and_none_is_empty(run: Run) -> None:
    words = LANGUAGES["en"]
    lanes = Lanes(run, words)
    for turn in run.turns:
        for line in tell(turn, lanes, words):
            styles = [span.style for span in line]
            assert all(span.text for span in line)
            assert all(one is not other for one, other in pairwise(styles))


def test_bytes_are_code_and_what_is_wrong_is_marked() -> None:
    words = LANGUAGES["en"]
    run = run_of(*MADE, *in_turn(io("recv", b"OK\n"), io("recv", error="EPIPE")))
    line = tell(run.turns[1], Lanes(run, words), words)[1]
    assert {span.style: span.text for span in line if span.style in (Style.CODE, Style.BAD)} == {
        Style.CODE: "OK↵",
        Style.BAD: "recv failed: nobody reads at the other end any more (EPIPE)",
    }


def test_a_part_of_a_turn_has_the_numbers_of_the_whole() -> None:
    served = [io("recv", b"x"), io("recv", b"y", serial=3), io("recv", b"x")]
    run = part(run_of(*MADE, *in_turn(*served)), lanes={2})
    words = LANGUAGES["en"]
    _, line = tell(run.turns[-1], Lanes(run, words), words)
    assert "".join(span.text for span in line).startswith("1, 3. client A: 1 byte came: x (× 2).")
