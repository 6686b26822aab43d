"""Rows about one connection: hang-ups, partial writes, the end in good order, and bounds."""

import itertools
import os
import socket
from array import array
from collections.abc import Iterable
from contextlib import ExitStack
from errno import EAGAIN, ECONNRESET, ENOTCONN
from typing import Any

import pytest

from reactor import EventLoop, ReceiveBuffer, Stream, StreamHandler, listen
from reactor.testing import ManualClock, RecordingHandler
from tests.conftest import Connect
from tests.doubles.faulty_socket import Cut, Fault, FaultySocket
from tests.doubles.peer import Link, Peer, tcp_pair
from tests.doubles.spy_selector import Ready, SpySelector
from tests.doubles.wakes import Wakes
from tests.museum.scenes import every_selector, iterate_until, pass_time

pytestmark = every_selector


class Answerer(RecordingHandler):
    """Answers each line with the same bytes, and closes if told to."""

    def __init__(self, reply: bytes, *, close: bool = False) -> None:
        super().__init__()
        self._reply = reply
        self._close = close

    def data_received(self, buffer: ReceiveBuffer) -> None:
        assert self.stream is not None
        while not self.stream.closing and buffer.take_line(1000) is not None:
            self.stream.write(self._reply)
            if self._close:
                self.stream.close()


def fill(link: Link) -> None:
    """Write more than the system takes from a stream whose peer does not read."""
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    link.stream.write(bytes(8_000_000))


# -- row 6: a hang-up while paused ----------------------------------------------------------


def test_row_06_a_reset_wakes_nobody_while_reading_is_paused(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.stream.pause_reading()
    link.peer.reset()
    link.wait()
    selector.clock = clock
    wakes = Wakes(selector)
    pass_time(loop, clock, 60.0, iterations=3)
    assert wakes.count == 0
    link.stream.resume_reading()
    loop.run_once(0)
    assert link.sock.fileno() == -1
    loop.run_once(0)
    assert handler.events == ["connection_made", "connection_lost"]
    assert isinstance(handler.error, ConnectionError)


def test_row_06_a_reset_ends_a_paused_stream_that_waits_to_write(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.stream.pause_reading()
    fill(link)
    loop.run_once(0)
    link.peer.reset()
    link.wait()
    selector.clock = clock
    wakes = Wakes(selector)
    pass_time(loop, clock, 5.0, iterations=6)
    loop.run_once(0)
    assert wakes.count <= 1
    assert link.sock.fileno() == -1
    assert handler.events == ["connection_made", "resume_writing", "connection_lost"]


# -- row 7: readiness is a hint -------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_row_07_false_readiness_changes_no_output(
    loop: EventLoop, selector: SpySelector, seed: int
) -> None:
    handlers: list[Answerer] = []

    def make() -> Answerer:
        handlers.append(Answerer(b"answer " * 100))
        return handlers[-1]

    lie_about_what_does_not_block(selector, seed)
    with ExitStack() as stack:
        door = stack.enter_context(socket.socket())
        door.bind(("127.0.0.1", 0))
        listener = listen(loop, make, sock=door)
        callers = [socket.create_connection(listener.sockname) for _ in range(4)]
        peers = [Peer(stack.enter_context(sock)) for sock in callers]
        iterate_until(loop, lambda: listener.accepted == 4, 500)
        for turn in range(40):
            # Half of the time there is nothing to read but a false hint.
            for peer in peers[turn % 2 :: 2]:
                peer.send(b"question\n")
            loop.run_once(0)
        iterate_until(loop, lambda: all(len(peer.pull()) == 14_000 for peer in peers), 500)
    assert listener.failed == 0
    assert all(peer.received == b"answer " * 2000 for peer in peers)


def lie_about_what_does_not_block(selector: SpySelector, seed: int) -> None:
    """Report false readiness; fail at once where it would be the end of the whole loop."""
    selector.lie(seed)
    lie = selector.arrange

    def tell(ready: Ready) -> Ready:
        assert lie is not None
        told = lie(ready)
        assert not any(os.get_blocking(key.fd) for key, _ in told)
        return told

    selector.arrange = tell


# -- row 8: what one send does not take -----------------------------------------------------


def write_every_kind(loop: EventLoop, stream: Stream) -> bytes:
    """Write each kind of buffer, in pieces that cross iterations; what the peer has to get."""
    changing = bytearray(b"changed afterwards")
    numbers = array("I", range(100))
    pieces: list[Any] = [
        b"first",
        b"",
        changing,
        numbers,
        memoryview(numbers)[::2],
        b"x" * 5000,
        b"",
        b"last",
    ]
    expected = b"".join(bytes(memoryview(piece)) for piece in pieces)
    for place, piece in enumerate(pieces):
        stream.write(piece)
        if place % 2:
            loop.run_once(0)
        if piece is changing:
            changing[:] = b"!" * 40
    return expected


def send_with(loop: EventLoop, link: Link, faults: Iterable[Fault], iterations: int = 120) -> int:
    """Write with these faults, end, and see that all of it arrived; how many sends it took."""
    link.sock.script("send", faults)
    expected = write_every_kind(loop, link.stream)
    link.stream.write(b"")
    link.stream.write_eof()
    iterate_until(loop, link.peer.ended, iterations)
    assert link.peer.received == expected
    assert link.stream.write_buffer_size == 0
    return link.sock.calls["send"]


@pytest.mark.parametrize("fault", [Cut(0), Cut(1), Cut(-1), EAGAIN], ids=str)
def test_row_08_a_send_cut_short_at_any_call_loses_and_doubles_nothing(
    loop: EventLoop, connected: Connect, fault: Fault
) -> None:
    calls = send_with(loop, connected(RecordingHandler()), [])
    for place in range(calls):
        send_with(loop, connected(RecordingHandler()), [None] * place + [fault])


def test_row_08_one_byte_a_send_for_good_loses_and_doubles_nothing(
    loop: EventLoop, connected: Connect
) -> None:
    send_with(loop, connected(RecordingHandler()), itertools.repeat(Cut(1)), iterations=6_000)


def test_row_08_many_sends_in_a_row_that_leave_a_byte_lose_and_double_nothing(
    loop: EventLoop, connected: Connect
) -> None:
    send_with(loop, connected(RecordingHandler()), [Cut(-1)] * 100)


def test_row_08_an_end_behind_an_empty_write_comes(loop: EventLoop, connected: Connect) -> None:
    link = connected(RecordingHandler())
    link.stream.write(b"")
    link.stream.write_eof()
    iterate_until(loop, link.peer.ended, 50)


class Measuring(FaultySocket):
    """Takes 1000 bytes at a time, and adds up the sizes of the objects that it was offered."""

    handled = 0
    _last: object = None

    def send(self, data: Any, *args: Any) -> int:
        whole: Any = data.obj if isinstance(data, memoryview) else data
        if whole is not self._last:
            self.handled += len(whole)
            self._last = whole
        sent: int = super().send(data[:1000], *args)
        return sent


def test_row_08_a_hundred_thousand_chunks_are_each_handled_once(loop: EventLoop) -> None:
    near, far = tcp_pair()
    with far, Measuring.adopt(near) as sock:
        stream = Stream(loop, sock, StreamHandler())
        for _ in range(100_000):
            stream.write(b"a chunk\n")
        peer = Peer(far)
        iterate_until(loop, lambda: len(peer.pull()) == 800_000, 1_200)
        assert peer.received == b"a chunk\n" * 100_000
        assert isinstance(sock, Measuring)
        assert sock.handled == 800_000
        stream.abort()


# -- row 9: the reply before the end ---------------------------------------------------------


@pytest.mark.parametrize("paused", [False, True], ids=["reading", "paused"])
def test_row_09_junk_after_the_last_command_costs_no_byte_of_the_reply(
    loop: EventLoop, clock: ManualClock, connected: Connect, paused: bool
) -> None:
    reply = bytes(range(256)) * 4000
    handler = Answerer(reply, close=True)
    link = connected(handler)
    link.peer.send(b"last command\n" + b"junk" * 20_000)
    link.wait()
    loop.run_once(0)
    if paused:
        link.stream.pause_reading()

    def all_arrived() -> bool:
        link.peer.send(b"more junk")
        return link.peer.ended()

    iterate_until(loop, all_arrived)
    assert link.peer.error is None
    assert link.peer.received == reply
    link.peer.end()
    iterate_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.error is None


@pytest.mark.parametrize("paused", [False, True])
def test_row_09_a_reply_that_lies_with_the_peer_is_not_destroyed_by_junk_that_follows(
    loop: EventLoop, connected: Connect, paused: bool
) -> None:
    class Pausing(Answerer):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert self.stream is not None
            if paused:
                self.stream.pause_reading()
            super().data_received(buffer)

    handler = Pausing(b"the reply", close=True)
    link = connected(handler)
    link.peer.send(b"last command\n")
    for _ in range(10):
        link.peer.send(b"junk" * 1000)
        loop.run_once(0)
    link.peer.end()
    iterate_until(loop, lambda: "connection_lost" in handler.events)
    assert link.peer.ended()
    assert link.peer.error is None
    assert link.peer.received == b"the reply"
    assert handler.error is None


# -- row 10: a half-close --------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 1_000_000])
def test_row_10_a_command_and_an_end_in_one_breath_are_answered_in_full(
    loop: EventLoop, clock: ManualClock, connected: Connect, size: int
) -> None:
    reply = b"\x01\x02" * (size // 2)
    handler = Answerer(reply)
    link = connected(handler)
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    link.peer.send(b"command\n")
    link.peer.end()
    iterate_until(loop, link.peer.ended)
    assert link.peer.error is None
    assert link.peer.received == reply


def test_row_10_an_end_that_comes_while_there_is_no_room_costs_nothing_of_the_answer(
    loop: EventLoop, clock: ManualClock, connected: Connect
) -> None:
    reply = bytes(range(256)) * 40_000
    link = connected(Answerer(reply))
    link.peer.send(b"command\n")
    for _ in range(20):
        loop.run_once(0)
    link.peer.end()
    for _ in range(20):
        loop.run_once(0)
    iterate_until(loop, link.peer.ended)
    assert link.peer.error is None
    assert link.peer.received == reply


def test_row_10_an_answer_that_is_found_later_still_leaves(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> None:
    class Thinking(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            super().data_received(buffer)
            assert self.stream is not None
            loop.call_later(10.0, self.stream.write, b"answer")
            loop.call_later(10.0, self.stream.close)

    selector.clock = clock
    link = connected(Thinking(keep_open=True))
    link.peer.send(b"command\n")
    link.peer.end()
    link.wait()
    pass_time(loop, clock, 11.0, iterations=20)
    assert link.peer.wait().ended()
    assert link.peer.received == b"answer"


# -- row 11: an end that would never come ----------------------------------------------------


@pytest.fixture
def closing(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> tuple[Link, RecordingHandler]:
    """A stream that is closed at 0 s with a deadline of 5 s, and can't get rid of its bytes."""
    handler = RecordingHandler()
    link = connected(handler)
    selector.clock = clock
    fill(link)
    link.stream.close(timeout=5.0)
    return link, handler


def test_row_11_a_peer_that_never_reads_is_given_up_exactly_at_the_deadline(
    loop: EventLoop, clock: ManualClock, closing: tuple[Link, RecordingHandler]
) -> None:
    lost_at: list[float] = []
    link, handler = closing
    handler.connection_lost = lambda exc: lost_at.append(clock())  # type: ignore[method-assign]
    pass_time(loop, clock, 4.999, iterations=20)
    assert (lost_at, link.sock.fileno() >= 0) == ([], True)
    pass_time(loop, clock, 10.0, iterations=20)
    assert lost_at == [5.0]


def test_row_11_a_peer_that_reads_now_and_then_does_not_move_the_deadline(
    loop: EventLoop, clock: ManualClock, closing: tuple[Link, RecordingHandler]
) -> None:
    link, handler = closing
    loop.run_once(0)
    for _ in range(10):
        assert link.sock.fileno() >= 0
        link.peer.wait().sock.recv(1_000)
        link.peer.send(b"still here")
        pass_time(loop, clock, 0.5, iterations=50)
    loop.run_once(0)  # the deadline
    loop.run_once(0)  # and what follows from it
    assert clock() == 5.0
    assert isinstance(handler.error, TimeoutError)


def test_row_11_closing_again_does_not_move_the_deadline(
    loop: EventLoop, clock: ManualClock, closing: tuple[Link, RecordingHandler]
) -> None:
    link, handler = closing
    pass_time(loop, clock, 3.0, iterations=20)
    link.stream.close(timeout=5.0)
    loop.run()
    assert clock() == 5.0
    assert isinstance(handler.error, TimeoutError)


def test_row_11_an_end_in_time_leaves_no_timer(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    closing: tuple[Link, RecordingHandler],
) -> None:
    link, handler = closing
    selector.clock = None  # no time passes while the bytes do
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    iterate_until(loop, link.peer.ended)
    link.peer.end()
    link.wait()
    selector.clock = clock
    loop.run()
    assert clock() == 0.0
    assert handler.events[-1] == "connection_lost"
    assert handler.error is None


# -- row 162: a deadline that passed while nobody looked ----------------------------------------


def test_row_162_a_process_that_was_suspended_sends_before_it_gives_up(
    loop: EventLoop, clock: ManualClock, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.stream.write(b"all of it")
    link.stream.close(timeout=5.0)
    clock.advance(3600.0)
    for _ in range(3):
        loop.run_once(0)
    assert link.peer.wait().pull() == b"all of it"
    assert (handler.events[-1], handler.error) == ("connection_lost", None)


# -- row 104: the last words ----------------------------------------------------------------------


def test_row_104_what_is_written_when_the_peer_has_ended_arrives(
    loop: EventLoop, connected: Connect
) -> None:
    class LastWords(RecordingHandler):
        def eof_received(self) -> bool:
            assert self.stream is not None
            self.stream.write(b"that was no whole command\n")
            return super().eof_received()

    link = connected(LastWords())
    link.peer.send(b"half a comm")
    link.peer.end()
    iterate_until(loop, link.peer.ended, 50)
    assert link.peer.error is None
    assert link.peer.received == b"that was no whole command\n"


# -- row 105: an end that the system refuses -------------------------------------------------------


@pytest.mark.parametrize("code", [ENOTCONN, ECONNRESET], ids=["ENOTCONN", "ECONNRESET"])
def test_row_105_an_end_of_output_that_is_refused_ends_that_stream_alone(
    loop: EventLoop, connected: Connect, code: int
) -> None:
    handler, bystander = RecordingHandler(), RecordingHandler()
    link, other = connected(handler), connected(bystander)
    link.sock.script("shutdown", [code])
    link.stream.close()
    other.peer.send(b"and me?")
    iterate_until(loop, lambda: bystander.received == b"and me?", 50)
    other.peer.end()
    link.peer.end()
    iterate_until(loop, lambda: handler.error, 5)
    assert handler.events == ["connection_made", "connection_lost"]
    assert isinstance(handler.error, OSError)


# -- row 108: resumed from inside ------------------------------------------------------------------


def test_row_108_bytes_left_by_who_pauses_and_resumes_from_inside_come_once_and_in_order(
    loop: EventLoop, connected: Connect
) -> None:
    class ByTwo(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert self.stream is not None
            self.received += buffer.take_exactly(2) or b""
            for _ in range(2):
                self.stream.pause_reading()
                self.stream.resume_reading()

    handler = ByTwo()
    link = connected(handler)
    said = bytes(range(256)) * 4
    for start in range(0, len(said), 64):
        link.peer.send(said[start : start + 64])
        loop.run_once(0)
    iterate_until(loop, lambda: len(handler.received) >= len(said), 1_000)
    for _ in range(5):
        loop.run_once(0)
    assert handler.received == said
