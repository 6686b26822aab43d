"""What was said in a run: each call of the system once, in order, and what came in between."""

import pytest
from hypothesis import given

from reactor.timeline.picture.messages import Message, Sign, messages
from reactor.timeline.run.events import (
    Again,
    Blocked,
    Callback,
    Close,
    Event,
    Io,
    Named,
    Open,
    Ready,
    Returned,
    Select,
)
from reactor.timeline.run.run import Run, Wait
from tests.timeline.strategies import few, run_of, runs

LISTENER = Open(serial=1, fd=3, kind="listener")
CLIENT = Open(serial=2, fd=4, kind="stream", peer="127.0.0.1:50000", by=1)


def told(*happened: Event) -> list[Message]:
    """What is told of a turn in which this happened."""
    return messages(run_of(LISTENER, CLIENT, Select(turn=1), Ready(turn=1), *happened))


def signs(*happened: Event) -> list[Sign]:
    """The signs of it, without that of the client's coming."""
    return [message.sign for message in told(*happened)][1:]


def io(op: str, size: int = 0, data: bytes = b"", **more: object) -> Io:
    return Io(turn=1, serial=2, op=op, size=size, data=data, **more)  # type: ignore[arg-type]


# -- what is said --------------------------------------------------------------------------


@few
@given(runs())
def test_no_byte_that_came_or_went_is_lost(run: Run) -> None:
    peers = {lane.serial for lane in run.lanes.values() if lane.kind not in ("listener", "wakeup")}
    moved = sum(
        event.size
        for turn in run.turns
        for event in (*turn.events, *turn.elsewhere)
        if turn.times == 1
        if isinstance(event, Io) and event.op in ("recv", "send", "sendall", "sendfile")
        if not event.error and event.serial in peers
    )
    bytes_told = [
        message.size * message.times
        for message in messages(run)
        if message.sign in (Sign.CAME, Sign.WENT)
    ]
    assert sum(bytes_told) == moved


def test_each_piece_is_a_message_of_its_own() -> None:
    pieces = [message.data for message in told(io("recv", 3, b"CON"), io("recv", 5, b"ECTAR"))]
    assert pieces[1:] == [b"CON", b"ECTAR"]


def test_equal_pieces_of_which_only_the_size_is_known_are_one_message() -> None:
    *_, last = told(*[io("recv", 1316, b"G@")] * 3)
    assert (last.size, last.times) == (1316, 3)


@pytest.mark.parametrize(
    ("event", "sign"),
    [
        (io("recv"), Sign.ENDED),
        (io("recv", error="ECONNRESET"), Sign.BROKE),
        (io("send", 2, b"OK", asked=2), Sign.WENT),
        (io("sendall", 2, b"OK", asked=2), Sign.WENT),
        (io("shutdown"), Sign.ENDS),
        (io("connect", error="EINPROGRESS"), Sign.CONNECTS),
        (Close(turn=1, serial=2), Sign.CLOSED),
    ],
)
def test_what_is_done_with_a_peer_has_its_sign(event: Event, sign: Sign) -> None:
    assert signs(event) == [sign]


def test_that_the_program_reads_no_more_is_nothing_that_the_peer_is_told() -> None:
    assert signs(io("shutdown", how="r")) == [Sign.SILENT]


@pytest.mark.parametrize("op", ["accept", "recv"])
def test_that_nothing_is_there_is_not_told(op: str) -> None:
    assert signs(io(op, error="EINTR")) == [Sign.SILENT]


def test_a_peer_ends_once_however_often_it_is_asked() -> None:
    assert signs(io("recv"), io("recv")) == [Sign.ENDED]


def test_what_a_send_left_waits_for_room() -> None:
    _, sent, queued = told(io("send", 3, b"abc", asked=10))
    assert (sent.size, queued.sign, queued.size) == (3, Sign.QUEUED, 7)


def test_all_waits_for_room_if_there_is_none() -> None:
    assert signs(io("send", asked=10, error="EAGAIN")) == [Sign.QUEUED]


def test_a_listener_and_its_errors_are_the_programs_own() -> None:
    rows = told(
        Named(turn=1, serial=1, kind="listener", local="127.0.0.1:7000"),
        Io(turn=1, serial=1, op="accept", error="EMFILE"),
        Close(turn=1, serial=1),
    )
    assert [(row.sign, row.lane, row.text) for row in rows[1:]] == [
        (Sign.LISTENS, 0, "127.0.0.1:7000"),
        (Sign.BROKE, 0, "accept: EMFILE"),
    ]


def test_an_empty_datagram_is_no_end_and_its_socket_connects_to_nobody() -> None:
    rows = messages(
        run_of(
            Open(serial=1, kind="datagram"),
            Select(turn=1),
            Io(turn=1, serial=1, op="connect"),
            Io(turn=1, serial=1, op="recv"),
        )
    )
    assert [row.sign for row in rows] == [Sign.CAME]


def test_what_other_threads_say_is_told_too_in_the_order_of_time() -> None:
    rows = told(
        io("recv", 1, b"a", time=1.0),
        io("recv", 1, b"b", time=3.0),
        io("send", 1, b"x", time=2.0, asked=1, thread="worker", took=0.5),
    )
    assert [row.data for row in rows[1:]] == [b"a", b"x", b"b"]


def test_what_several_threads_say_is_told_in_the_order_of_time() -> None:
    rows = told(
        io("recv", 1, b"b", time=2.0, thread="one"),
        io("recv", 1, b"a", time=1.0, thread="another"),
    )
    assert [row.data for row in rows[1:]] == [b"a", b"b"]


# -- what the program does in between ------------------------------------------------------


def test_what_has_no_line_end_is_kept_after_the_last_piece() -> None:
    run = run_of(
        LISTENER, CLIENT, Select(turn=1), io("recv", 1, b"A"), io("recv", 3, b"\nBC"),
        io("send", 3, b"OK\n", asked=3),
    )  # fmt: skip
    assert [row.sign for row in messages(run)][2:] == [Sign.CAME, Sign.KEPT, Sign.WENT]
    assert messages(run)[3].data == b"BC"


def test_a_callback_is_busy_where_it_was_silent_for_longest() -> None:
    _, _, busy, went = told(
        Callback(time=1.0, turn=1, serial=2, name="Server.answer"),
        io("recv", 1, b"a", time=1.001),
        io("send", 1, b"b", time=1.5, asked=1),
        Returned(time=1.501, turn=1),
    )
    assert (busy.sign, busy.text, busy.time) == (Sign.BUSY, "Server.answer", 1.001)
    assert went.sign is Sign.WENT


def test_a_call_that_blocks_is_told_instead() -> None:
    assert signs(
        Callback(time=1.0, turn=1, serial=2, name="Server.answer"),
        Blocked(time=1.0, turn=1, what="time.sleep", about="0.5", took=0.5),
        Returned(time=1.5, turn=1),
    ) == [Sign.STUCK]


def test_a_timer_and_what_it_raises_are_told() -> None:
    timer, raised = told(
        Callback(time=1.0, turn=1, name="Server.tick", kind="timer", late=0.25),
        Returned(time=1.0, turn=1, raised="ValueError"),
    )[1:]
    assert (timer.sign, timer.text, timer.seconds) == (Sign.TIMER, "Server.tick", 0.25)
    assert (raised.sign, raised.text) == (Sign.RAISED, "ValueError")


def test_turns_in_which_nothing_was_said_are_one_row() -> None:
    run = run_of(*[Select(time=turn * 1.0, turn=turn) for turn in (1, 2, 3)])
    (silent,) = messages(run)
    assert (silent.sign, silent.turn.number, silent.turn.last) == (Sign.SILENT, 1, 3)


def test_sleep_is_told_before_what_ended_it() -> None:
    run = run_of(
        LISTENER, CLIENT, Select(turn=1), Ready(time=0.5, turn=1), io("recv", 1, b"a", time=0.5)
    )
    asleep = messages(run)[1]
    assert (asleep.sign, asleep.seconds) == (Sign.ASLEEP, 0.5)


def test_folded_turns_are_one_row() -> None:
    rows = told(Again(time=1.0, turn=2, last=1001, until=2.0))
    assert [(row.sign, row.seconds) for row in rows[2:]] == [(Sign.FOLDED, 1.0)]


# -- who waited ----------------------------------------------------------------------------


def test_who_waited_is_told_where_his_turn_comes() -> None:
    run = run_of(LISTENER, CLIENT, Select(turn=1), io("recv", 1, b"a"), io("recv", 1, b"b"))
    run.turns[-1].waited[2] = Wait(0.25, exact=True)
    assert [row.wait for row in messages(run)[1:]] == [Wait(0.25, exact=True), None]


def test_without_a_loop_who_is_accepted_at_once_may_have_waited_since_the_last_time() -> None:
    rows = messages(
        run_of(
            LISTENER,
            Io(time=0.0, serial=1, op="accept", took=0.5),
            CLIENT,
            Io(time=0.5, serial=2, op="recv", took=1.5),
            Io(time=2.0, serial=1, op="accept", took=0.0001),
            Open(time=2.0, serial=3, kind="stream", by=1),
        )
    )
    stuck, first, blocked, ended, second = rows
    assert [stuck.text, blocked.text] == ["accept()", "recv()"]
    assert (first.wait, ended.sign, second.wait) == (None, Sign.ENDED, Wait(1.5, exact=False))
