"""Stream: what arrived comes before the end, and a half that fails leaves the other alone."""

import errno
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor import EventLoop, ReceiveBuffer, Stream
from reactor.testing import ManualClock, RecordingHandler
from tests.conftest import Connect
from tests.doubles.faulty_socket import Cut
from tests.doubles.peer import Link, Peer, tcp_pair
from tests.doubles.spy_selector import SpySelector
from tests.stream.conftest import settle

MIB: Final = 1024 * 1024


# -- the end never overtakes what was received -------------------------------------------------


class OneLineAtATime(RecordingHandler):
    """Takes one line, pauses, and goes on by the next of `ways` to resume."""

    def __init__(self, loop: EventLoop, ways: Iterator[str]) -> None:
        super().__init__()
        self._loop = loop
        self._ways = ways
        self.lines: list[bytes] = []

    def data_received(self, buffer: ReceiveBuffer) -> None:
        line = buffer.take_line(limit=100)
        if line is None:
            return
        self.lines.append(line)
        self.events.append("line")
        assert self.stream is not None
        self.stream.pause_reading()
        resume = self.stream.resume_reading
        match next(self._ways, "call"):
            case "call":
                self._loop.call_soon(resume)
            case "timer":
                self._loop.call_later(0.5, resume)
            case "thread":
                helper = threading.Thread(target=self._loop.call_soon_threadsafe, args=[resume])
                helper.start()
                helper.join()
            case "at once":
                resume()
            case "writing":
                assert not self.stream.write(b"x")

    def resume_writing(self) -> None:
        assert self.stream is not None
        self.stream.resume_reading()


WAYS: Final = ["call", "timer", "thread", "at once", "writing"]


def given_in_order(
    pieces: list[bytes], turns: list[int], ways: list[str], end: Callable[[Peer], object]
) -> OneLineAtATime:
    """What a handler that takes its time is given when a peer sends `pieces` and ends."""
    clock = ManualClock()
    selector = SpySelector(selectors.DefaultSelector())
    selector.clock = clock
    near, far = tcp_pair()
    # A reset throws away what Nagle's algorithm still keeps with the sender.
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with far, EventLoop(selector=selector, clock=clock) as loop:
        peer = Peer(far)
        handler = OneLineAtATime(loop, iter(ways))
        Stream(loop, near, handler).set_write_buffer_limits(high=0)
        for piece, count in zip(pieces, turns, strict=False):
            peer.send(piece)
            settle(loop, count)
        end(peer)
        for _ in range(400):
            if handler.events[-1:] == ["connection_lost"]:
                break
            if end is Peer.end:
                peer.pull()
            loop.run_once(0.1)
        return handler


lines = st.lists(st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"")), max_size=8)


@settings(deadline=None)
@given(
    lines,
    st.sets(st.integers(0, 80), max_size=5),
    st.lists(st.integers(0, 3), min_size=6, max_size=6),
    st.lists(st.sampled_from(WAYS), max_size=9),
    st.sampled_from([Peer.end, Peer.reset]),
)
def test_who_takes_lines_one_at_a_time_is_given_all_of_them_before_the_end(
    said: list[bytes], cuts: set[int], turns: list[int], ways: list[str], end: Callable[..., object]
) -> None:
    data = b"".join(line + b"\n" for line in said)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:end] for start, end in pairwise(places)]
    handler = given_in_order(pieces, turns, ways, end)
    assert handler.lines == [line.removesuffix(b"\r") for line in said]
    assert handler.events[-1] == "connection_lost"
    if end is Peer.end:
        assert handler.events[-2:] == ["eof_received", "connection_lost"]
        assert handler.error is None
    else:
        assert "eof_received" not in handler.events


def test_while_a_rest_is_held_the_socket_is_not_read(loop: EventLoop, connected: Connect) -> None:
    link = connected(OneLineAtATime(loop, iter(["call"] * 3)))
    link.peer.send(b"one\ntwo\n")
    link.wait()
    loop.run_once(0)
    reads = link.sock.calls["recv"]
    link.peer.send(b"three\n")
    link.wait()
    loop.run_once(0)
    assert link.sock.calls["recv"] == reads


class Busy(RecordingHandler):
    """Does not want to be disturbed while it works, and leaves half a line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.events.append("data_received")
        assert self.stream is not None
        self.stream.pause_reading()
        while (line := buffer.take_line(limit=100)) is not None:
            self.lines.append(line)
        self.stream.resume_reading()


def test_what_is_of_no_use_yet_is_offered_no_more_than_once_again(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Busy()
    link = connected(handler)
    link.peer.send(b"hel")
    link.wait()
    settle(loop, 20)
    assert handler.events.count("data_received") == 2
    link.peer.send(b"lo\n")
    link.wait()
    settle(loop)
    assert handler.lines == [b"hello"]


def test_who_leaves_by_an_exit_when_all_was_taken_is_read_on(
    loop: EventLoop, connected: Connect
) -> None:
    class Leaving(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            self.events.append("data_received")
            if self.events.count("data_received") == 1:
                assert self.stream is not None
                self.stream.pause_reading()
                return
            self.received += buffer.take_all()
            if self.events.count("data_received") == 2:
                raise SystemExit

    handler = Leaving()
    link = connected(handler)
    link.peer.send(b"one")
    link.wait()
    loop.run_once(0)
    link.stream.resume_reading()
    with pytest.raises(SystemExit):
        settle(loop)
    link.peer.send(b"two")
    link.wait()
    settle(loop)
    assert handler.received == b"onetwo"


# -- the failure of one direction does not destroy the other --------------------------------------


def answer_early(loop: EventLoop, link: Link, request: bytes) -> None:
    """The peer answers a request before it has read it, and is gone; then more is written."""
    link.stream.write(b"begin")
    loop.run_once(0)
    link.peer.send(b"no, thank you")
    link.peer.sock.close()  # with unread input: a reset
    link.wait()
    if request:
        link.stream.write(request)
    else:
        link.stream.write_eof()


@pytest.mark.parametrize("request_", [b"the rest", b""], ids=["write", "write_eof"])
def test_an_answer_that_came_before_the_reset_is_delivered(
    loop: EventLoop, connected: Connect, request_: bytes
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    answer_early(loop, link, request_)
    settle(loop)
    assert handler.received == b"no, thank you"
    assert handler.events == ["connection_made", "data_received", "connection_lost"]
    assert isinstance(handler.error, ConnectionResetError)


def test_an_answer_is_delivered_to_who_waits_for_room_to_ask(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.stream.write(bytes(15 * MIB))
    settle(loop)
    link.peer.send(b"too large")
    link.peer.sock.close()
    link.wait()
    settle(loop)
    assert handler.received == b"too large"
    assert handler.events[-1] == "connection_lost"


def test_when_both_directions_are_ready_reading_comes_first(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.sock.script("send", [errno.EAGAIN, errno.EPIPE])
    link.stream.write(b"x")
    loop.run_once(0)
    link.peer.send(b"last words")
    link.wait()
    loop.run_once(0)
    assert handler.received == b"last words"


class Pausing(RecordingHandler):
    """Does not read until it is asked to write."""

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        assert self.stream is not None
        self.stream.resume_reading()


def test_who_paused_until_there_is_room_is_asked_and_reads_all_that_came(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Pausing()
    link = connected(handler)
    said = bytes(100_000)
    assert link.peer.send(said) == len(said)
    link.stream.write(bytes(15 * MIB))
    settle(loop)
    link.peer.reset()
    link.wait()
    settle(loop, 20)
    assert handler.received == said
    assert handler.events[-1] == "connection_lost"


class Answering(RecordingHandler):
    """Answers lines one by one, as long as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0

    def data_received(self, buffer: ReceiveBuffer) -> None:
        assert self.stream is not None
        while buffer.take_line(limit=100) is not None:
            self.lines += 1
            if not self.stream.write(b"answer\n"):
                self.stream.pause_reading()
                return

    def resume_writing(self) -> None:
        assert self.stream is not None
        self.stream.resume_reading()


def test_who_waits_for_room_after_each_answer_is_given_all_though_no_answer_can_leave(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Answering()
    link = connected(handler)
    link.peer.send(b"question\n" * 50)
    link.wait()
    link.sock.script("send", [errno.EPIPE])
    link.stream.write(b"welcome\n")
    link.stream.set_write_buffer_limits(high=0)
    settle(loop, 200)
    assert handler.lines == 50
    link.peer.sock.close()
    settle(loop)
    assert isinstance(handler.error, BrokenPipeError)


def test_what_can_not_be_sent_any_more_is_dropped_and_takes_no_room(
    loop: EventLoop, connected: Connect
) -> None:
    link = connected(RecordingHandler())
    link.sock.script("send", [errno.EPIPE])
    link.stream.write(b"first")
    loop.run_once(0)
    assert link.stream.write(bytes(MIB)) is False
    assert link.stream.write_buffer_size == 0
    assert link.stream.closing


def test_a_stream_whose_output_failed_while_it_is_paused_ends_in_time(
    loop: EventLoop, clock: ManualClock, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.stream.pause_reading()
    link.sock.script("send", [errno.EPIPE])
    link.stream.write(b"x")
    settle(loop)
    clock.advance(4.9)
    settle(loop)
    assert handler.events == ["connection_made"]
    clock.advance(0.2)
    settle(loop)
    assert isinstance(handler.error, BrokenPipeError)


def test_who_takes_its_time_with_the_rest_has_five_seconds_for_each_piece(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> None:
    selector.clock = clock
    handler = OneLineAtATime(loop, iter(["timer"] * 20))
    link = connected(handler)
    link.peer.send(b"line\n" * 20)
    link.wait()
    link.sock.script("send", [errno.ECONNRESET])
    link.stream.write(b"x")
    while "connection_lost" not in handler.events:
        loop.run_once()
    assert len(handler.lines) == 20
    assert clock() > 9.0


def test_who_took_a_piece_in_time_is_given_the_next_however_late_the_loop_is(
    loop: EventLoop, clock: ManualClock, connected: Connect
) -> None:
    class Hesitant(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            if "paused" in self.events:
                super().data_received(buffer)
                return
            self.events.append("paused")
            assert self.stream is not None
            self.stream.pause_reading()

    handler = Hesitant()
    link = connected(handler)
    for piece in (b"one", b"two"):
        link.peer.send(piece)
        link.wait()
        settle(loop)
    link.sock.script("send", [errno.ECONNRESET])
    link.stream.write(b"x")
    settle(loop)
    clock.advance(4.9)
    link.stream.resume_reading()
    clock.advance(0.2)
    settle(loop)
    assert handler.received == b"onetwo"


@pytest.mark.parametrize(("code", "told"), [(errno.EPIPE, True), (errno.ECONNRESET, False)])
def test_an_end_is_told_only_if_the_peer_has_sent_one(
    loop: EventLoop, connected: Connect, code: int, told: bool
) -> None:
    handler = RecordingHandler(keep_open=True)
    link = connected(handler)
    link.sock.script("send", [code])
    link.stream.write(b"x")
    loop.run_once(0)
    link.peer.end()
    settle(loop)
    assert ("eof_received" in handler.events) is told
    assert handler.error is not None
    assert getattr(handler.error, "errno", None) == code


def test_the_first_error_is_told_not_the_last(loop: EventLoop, connected: Connect) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.sock.script("send", [errno.EPIPE])
    link.stream.write(b"x")
    loop.run_once(0)
    link.peer.reset()
    settle(loop)
    assert isinstance(handler.error, BrokenPipeError)


def test_that_a_socket_is_not_connected_is_no_error_if_there_is_a_better_one(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.sock.script("shutdown", [errno.ENOTCONN])
    link.stream.write_eof()
    loop.run_once(0)
    link.peer.reset()
    settle(loop)
    assert isinstance(handler.error, ConnectionResetError)


def test_half_a_line_that_is_left_of_a_broken_connection_keeps_no_loop_awake(
    loop: EventLoop, clock: ManualClock, connected: Connect
) -> None:
    handler = Answering()
    link = connected(handler)
    link.stream.set_write_buffer_limits(high=0)
    link.peer.send(b"question\nhalf a qu")
    link.wait()
    link.sock.script("send", [errno.EPIPE])
    for _ in range(20):
        clock.advance(1.0)
        loop.run_once(0)
    assert handler.events[-1] == "connection_lost"


def test_a_failure_keeps_no_loop_awake(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> None:
    link = connected(RecordingHandler())
    link.stream.pause_reading()
    link.stream.write(bytes(15 * MIB))
    settle(loop)
    link.peer.reset()
    link.wait()
    settle(loop)
    selector.timeouts.clear()
    selector.clock = clock
    loop.run()
    assert len(selector.timeouts) <= 3


def test_a_stream_that_its_handler_has_just_failed_is_no_trap_for_who_writes_to_it(
    loop: EventLoop, connected: Connect
) -> None:
    class Faulty(RecordingHandler):
        def eof_received(self) -> bool:
            raise ValueError("a bug")

    link = connected(Faulty())
    said: list[bool] = []
    loop.set_exception_handler(lambda message, exc: said.append(link.stream.write(b"x")))
    link.peer.end()
    settle(loop)
    assert said == [False]


# -- both halves over means over -------------------------------------------------------------------


@pytest.mark.parametrize("peer_first", [True, False])
def test_a_stream_ends_when_both_halves_have_ended(
    loop: EventLoop, connected: Connect, peer_first: bool
) -> None:
    handler = RecordingHandler(keep_open=True)
    link = connected(handler)
    ends = [link.peer.end, link.stream.write_eof]
    for end in ends if peer_first else ends[::-1]:
        end()
        settle(loop)
    assert handler.events == ["connection_made", "eof_received", "connection_lost"]
    assert handler.error is None
    assert link.sock.fileno() == -1


def test_who_has_half_closed_and_leaves_by_an_exit_at_the_end_of_input_is_not_kept_waiting(
    loop: EventLoop, connected: Connect
) -> None:
    class Leaving(RecordingHandler):
        def eof_received(self) -> bool:
            super().eof_received()
            raise SystemExit

    handler = Leaving()
    link = connected(handler)
    link.stream.write_eof()
    settle(loop)
    link.peer.end()
    link.wait()
    with pytest.raises(SystemExit):
        settle(loop)
    settle(loop)
    assert handler.events[-2:] == ["eof_received", "connection_lost"]


def test_a_stream_ends_only_when_its_last_bytes_have_left(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler(keep_open=True)
    link = connected(handler)
    link.peer.end()
    link.sock.script("send", [Cut(1), errno.EAGAIN, Cut(1)])
    settle(loop)
    link.stream.write(b"rest")
    link.stream.write_eof()
    settle(loop, 10)
    assert link.peer.pull() == b"rest"
    assert handler.events[-1] == "connection_lost"


def test_who_was_told_false_and_has_half_closed_is_asked_to_go_on(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Pausing()
    link = connected(handler)
    assert not link.stream.write(bytes(300_000))
    link.stream.write_eof()
    for _ in range(50):
        loop.run_once(0)
        link.peer.pull()
    link.peer.sock.close()
    settle(loop)
    assert handler.events[-3:] == ["resume_writing", "eof_received", "connection_lost"]


def test_an_eof_that_is_written_to_a_broken_output_is_no_mistake(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.sock.script("send", [errno.EPIPE])
    link.stream.write(b"x")
    loop.run_once(0)
    link.stream.write_eof()
    link.peer.reset()
    settle(loop)
    assert link.sock.calls["shutdown"] == 0
    assert handler.events == ["connection_made", "connection_lost"]


def test_the_descriptor_of_a_pair_is_closed_when_both_halves_have_ended(loop: EventLoop) -> None:
    near, far = socket.socketpair()
    handler = RecordingHandler(keep_open=True)
    with far:
        stream = Stream(loop, near, handler, peername="far")
        stream.write_eof()
        settle(loop)
        far.shutdown(socket.SHUT_WR)
        settle(loop)
    assert near.fileno() == -1
    assert handler.events[-1] == "connection_lost"
