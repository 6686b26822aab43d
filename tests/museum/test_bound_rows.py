"""Rows about bounds: on what one connection takes of a turn, of the memory and of the stack."""

import itertools
import socket
import sys
from contextlib import ExitStack
from errno import EAGAIN
from types import FrameType

import pytest

from reactor import BufferFull, EventLoop, ReceiveBuffer, Stream, StreamHandler, listen
from reactor.testing import RecordingHandler
from tests.conftest import Connect
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import iterate_until

# -- row 25: one that talks and many that wait ------------------------------------------------


class Counting(StreamHandler):
    """Counts what one connection was given."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.received = 0

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.deliveries += 1
        self.received += len(buffer.take_all())


def test_row_25_everybody_is_served_beside_a_flooder(
    loop: EventLoop, selector: SpySelector, connected: Connect
) -> None:
    flooder, others = Counting(), [Counting() for _ in range(100)]
    flood, links = connected(flooder), [connected(handler) for handler in others]
    flood.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    size = flood.peer.send(bytes(2_000_000))
    for link in links:
        link.peer.send(b"please\n")
        link.wait()
    loop.run_once(0)
    assert [handler.received for handler in others] == [7] * 100
    assert flooder.deliveries == 1
    # Not a byte comes any more: what the cap has left must be met again all the same.
    iterate_until(loop, lambda: flooder.received == size, 500)


def test_row_25_a_rush_of_callers_does_not_keep_others_from_being_served(
    loop: EventLoop, connected: Connect
) -> None:
    with ExitStack() as stack:
        handler = Counting()
        link = connected(handler)
        listener = listen(loop, StreamHandler, "127.0.0.1", 0)
        for _ in range(150):
            stack.enter_context(socket.create_connection(listener.sockname))
        link.peer.send(b"please\n")
        link.wait()
        loop.run_once(0)
        assert handler.received == 7
        assert listener.accepted <= 64
        iterate_until(loop, lambda: listener.accepted == 150, 20)


def test_row_25_what_a_handler_leaves_for_its_next_turn_needs_no_new_packet(
    loop: EventLoop, connected: Connect
) -> None:
    class TenATurn(StreamHandler):
        lines = 0

        def connection_made(self, stream: Stream) -> None:
            self.stream = stream

        def data_received(self, buffer: ReceiveBuffer) -> None:
            for _ in range(10):
                if buffer.take_line(100) is None:
                    return
                self.lines += 1
            self.stream.pause_reading()
            loop.call_soon(self.stream.resume_reading)

    handler = TenATurn()
    link = connected(handler)
    link.peer.send(b"line\n" * 95)
    link.wait()
    iterate_until(loop, lambda: handler.lines == 95, 100)


# -- row 34: peers that do not read -----------------------------------------------------------


class Generous(StreamHandler):
    """Writes as much as it may."""

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self.resume_writing()

    def resume_writing(self) -> None:
        for _ in range(10_000):
            if not self.stream.write(bytes(1_000)):
                return
        pytest.fail("write never says that it is enough")


def test_row_34_peers_that_never_read_cost_no_more_than_the_high_water_mark(
    loop: EventLoop, connected: Connect
) -> None:
    handlers = [Generous() for _ in range(100)]
    for handler in handlers:
        link = connected(handler)
        link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    for _ in range(30):
        loop.run_once(0)
    waiting = [handler.stream.write_buffer_size for handler in handlers]
    assert max(waiting) <= 64 * 1024 + 1_000


def test_row_34_who_writes_on_regardless_is_cut_off_at_the_limit(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    link.sock.script("send", itertools.repeat(EAGAIN))
    written = 0
    while not link.stream.closing and written < 20 << 20:
        link.stream.write(bytes(1 << 18))
        written += 1 << 18
        loop.run_once(0)
    assert written <= (16 << 20) + 2 * (1 << 18)
    iterate_until(loop, lambda: handler.error, 5)
    assert isinstance(handler.error, BufferFull)


class Hoarder(RecordingHandler):
    """Takes nothing of what it is given."""

    most = 0

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.most = max(self.most, len(buffer))


def test_row_34_what_a_handler_does_not_take_is_bounded(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Hoarder()
    link = connected(handler)

    def poured() -> bool:
        try:
            link.peer.send(bytes(1 << 16))
        except ConnectionError:
            pass
        return "connection_lost" in handler.events

    iterate_until(loop, poured, 500)
    assert handler.most <= 1 << 20
    assert isinstance(handler.error, BufferFull)


def test_row_34_a_paused_stream_leaves_the_bytes_with_the_peer(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Hoarder()
    link = connected(handler)
    link.stream.pause_reading()
    for _ in range(200):
        link.peer.send(bytes(1 << 16))
        loop.run_once(0)
    assert (handler.most, link.sock.calls["recv"]) == (0, 0)


# -- row 33: depth ------------------------------------------------------------------------------


def depth() -> int:
    """How many calls are under way."""
    frame: FrameType | None = sys._getframe()
    count = 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


class Shallow(StreamHandler):
    """Answers commands, so many at a time, and notes how deep it was called."""

    def __init__(self, at_a_time: int) -> None:
        self._at_a_time = at_a_time
        self.answered = 0
        self.depths: set[int] = set()

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.depths.add(depth())
        for _ in range(self._at_a_time):
            if buffer.take_line(100) is None:
                return
            self.answered += 1
            self.stream.write(b"OK\n")
        self.stream.pause_reading()
        self.stream.resume_reading()


@pytest.mark.parametrize(("at_a_time", "commands"), [(64, 100_000), (1, 3_000)])
def test_row_33_pipelined_commands_are_answered_at_constant_depth(
    loop: EventLoop, connected: Connect, at_a_time: int, commands: int
) -> None:
    handler = Shallow(at_a_time)
    link = connected(handler)
    said = b"command\n" * commands
    sent = 0

    def all_answered() -> bool:
        nonlocal sent
        sent += link.peer.send(said[sent : sent + 65536])
        return link.stream.closing or len(link.peer.pull()) == 3 * commands

    iterate_until(loop, all_answered, 10_000)
    assert handler.answered == commands
    assert max(handler.depths) - min(handler.depths) < 5
