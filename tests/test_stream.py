"""Stream: every byte once and in order, every bound kept, and exactly one end to each."""

import errno
import gc
import socket
import sys
import weakref
from array import array
from collections.abc import Callable, Iterator
from selectors import EVENT_READ
from types import FrameType
from typing import Any

import pytest

from reactor import (
    BufferFull,
    EventLoop,
    Instrument,
    ReceiveBuffer,
    Stream,
    StreamClosed,
    StreamHandler,
    listen,
)
from reactor.stream import Input, Life, Output, StreamState
from reactor.testing import ManualClock, RecordingHandler, run_until, stream_pair
from tests.conftest import Connect, Reported
from tests.fakes import Cut, Fault, FaultySocket, Link, Peer, SpySelector, tcp_pair

MIB = 1024 * 1024
CALLBACKS = ["connection_made", "data_received", "eof_received", "resume_writing"]


def settle(loop: EventLoop, iterations: int = 5) -> None:
    """Let everything happen that does not depend on time."""
    for _ in range(iterations):
        loop.run_once(0)


def pattern(size: int) -> bytes:
    """Bytes in which nothing can be lost, doubled or swapped unnoticed."""
    return b"".join(number.to_bytes(4) for number in range(size // 4 + 1))[:size]


class Keeper(RecordingHandler):
    """Leaves what was received in the buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.sizes.append(len(buffer))


class Replier(RecordingHandler):
    """Answers whatever it gets with `reply`, and may close then."""

    def __init__(self, reply: bytes, *, close: bool = False) -> None:
        super().__init__()
        self._reply = reply
        self._close = close

    def data_received(self, buffer: ReceiveBuffer) -> None:
        super().data_received(buffer)
        assert self.stream is not None
        if not self.stream.closing:
            self.stream.write(self._reply)
            if self._close:
                self.stream.close()


@pytest.fixture(autouse=True)
def standing_time(clock: ManualClock) -> None:
    """No deadline passes unless a test makes time pass: what happens has another reason."""


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@pytest.fixture
def link(connected: Connect, handler: RecordingHandler) -> Link:
    """A connection of `handler`."""
    return connected(handler)


# -- the beginning -----------------------------------------------------------------------


def test_connection_made_comes_first_with_the_stream(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    stream, _ = stream_pair(loop, left, right)
    assert left.events == []
    stream.write(b"x")
    run_until(loop, lambda: right.received)
    assert left.stream is stream
    assert right.events == ["connection_made", "data_received"]


def test_the_addresses_are_those_of_the_socket(link: Link) -> None:
    assert link.stream.peername == link.peer.sock.getsockname()
    assert link.stream.sockname == link.peer.sock.getpeername()


def test_what_is_no_handler_is_refused_in_the_call_and_the_socket_left_as_it_was(
    loop: EventLoop,
) -> None:
    handler: Any = object()
    near, far = tcp_pair()
    with near, far:
        with pytest.raises(TypeError, match="expected a StreamHandler"):
            Stream(loop, near, handler)
        assert near.getblocking()


def test_a_socket_that_has_a_stream_is_refused_and_left_as_it_was(loop: EventLoop) -> None:
    near, far = tcp_pair()
    with far:
        loop.register(near, 0, print)
        with pytest.raises(ValueError, match="has an owner"):
            Stream(loop, near, StreamHandler())
        assert near.getblocking()
        near.close()


def test_a_fault_in_the_last_call_is_reported_with_the_name_of_its_handler(
    loop: EventLoop, reported: Reported
) -> None:
    class Careless(StreamHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            raise ValueError("careless")

    stream, _ = stream_pair(loop, Careless(), StreamHandler())
    loop.run_once(0)
    stream.abort()
    settle(loop)
    assert "Careless" in reported.pop()[0]


def test_a_peername_that_is_given_saves_the_look_up(loop: EventLoop) -> None:
    near, far = tcp_pair()
    sock = FaultySocket.adopt(near)
    with far:
        assert Stream(loop, sock, StreamHandler(), peername="somebody").peername == "somebody"
        assert sock.calls["getpeername"] == 0
        loop.close()


def test_the_repr_names_peer_handler_and_state(link: Link) -> None:
    host, port = link.peer.sock.getsockname()
    assert repr(link.stream) == (
        f"<Stream {host}:{port} handler=RecordingHandler input=open output=open life=open>"
    )


def test_the_handler_can_be_replaced_and_the_new_one_hears_what_follows(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.handler = successor = RecordingHandler()
    link.peer.send(b"x")
    run_until(loop, lambda: successor.received)
    link.stream.abort()
    settle(loop)
    assert handler.events == ["connection_made"]
    assert successor.events == ["data_received", "connection_lost"]


def test_the_state_counts_what_waits_in_both_directions(
    loop: EventLoop, connected: Connect
) -> None:
    link = connected(Keeper())
    link.stream.set_write_buffer_limits(2)
    link.peer.send(b"unread")
    run_until(loop, lambda: link.stream.state.unread)
    link.stream.write(b"abc")
    assert link.stream.state == StreamState(
        input=Input.OPEN,
        output=Output.OPEN,
        life=Life.OPEN,
        made=True,
        unread=6,
        unsent=3,
        fd=link.sock.fileno(),
        events=EVENT_READ,
        owes_resume=True,
        low=0,
        high=2,
        limit=16 * MIB,
        deadline=None,
        error=None,
    )


def test_a_stream_aborted_before_connection_made_calls_nobody(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    stream, _ = stream_pair(loop, left, right)
    stream.abort()
    settle(loop)
    assert left.events == []


def test_a_selector_that_refuses_costs_only_the_new_connection(
    loop: EventLoop, selector: SpySelector, connected: Connect, link: Link
) -> None:
    unlucky = RecordingHandler()
    selector.refusal = errno.ENOSPC
    connected(unlucky)
    selector.refusal = None
    link.peer.send(b"still there")
    link.wait()
    settle(loop)
    assert unlucky.events == ["connection_made", "connection_lost"]
    assert isinstance(unlucky.error, OSError)


# -- what is written arrives -------------------------------------------------------------


@pytest.mark.parametrize("fault", [Cut(0), Cut(1), Cut(-1), errno.EAGAIN, errno.EINTR], ids=str)
@pytest.mark.parametrize("position", range(4))
def test_bytes_arrive_exactly_however_a_send_is_cut(
    loop: EventLoop, link: Link, fault: Fault, position: int
) -> None:
    message = pattern(10_000)
    link.sock.script("send", [Cut(1000)] * position + [fault])
    for start in range(0, len(message), 3000):
        link.stream.write(message[start : start + 3000])
    run_until(loop, lambda: len(link.peer.pull()) >= len(message))
    settle(loop)
    assert link.peer.pull() == message


def test_bytes_arrive_exactly_one_at_a_time(loop: EventLoop, link: Link) -> None:
    message = pattern(300)
    link.sock.script("send", [Cut(1)] * len(message))
    link.stream.write(message[:100])
    link.stream.write(message[100:])
    run_until(loop, lambda: len(link.peer.pull()) >= len(message))
    assert link.peer.pull() == message


def test_bytes_written_while_others_wait_follow_them(loop: EventLoop, link: Link) -> None:
    link.sock.script("send", [Cut(1), errno.EAGAIN])
    link.stream.write(b"first ")
    loop.run_once(0)
    link.stream.write(b"second")
    run_until(loop, lambda: len(link.peer.pull()) == 12)
    assert link.peer.received == b"first second"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"bytes", b"bytes"),
        (bytearray(b"bytearray"), b"bytearray"),
        (memoryview(b"memoryview"), b"memoryview"),
        (memoryview(b"m.e.m.")[::2], b"mem"),
        (array("I", [1, 2, 3]), array("I", [1, 2, 3]).tobytes()),
        (b"", b""),
        (type("Bytes", (bytes,), {})(b"subclass"), b"subclass"),
    ],
    ids=["bytes", "bytearray", "memoryview", "strided", "array", "empty", "subclass"],
)
def test_every_kind_of_buffer_is_sent_as_its_bytes(
    loop: EventLoop, link: Link, data: Any, expected: bytes
) -> None:
    link.sock.script("send", [Cut(1)])
    link.stream.write(data)
    link.stream.write_eof()
    run_until(loop, link.peer.ended)
    assert link.peer.received == expected


def test_a_bytearray_changed_after_write_is_sent_as_it_was(loop: EventLoop, link: Link) -> None:
    data = bytearray(b"before")
    link.stream.write(data)
    data[:] = b"after!"
    run_until(loop, link.peer.pull)
    assert link.peer.received == b"before"


@pytest.mark.parametrize("data", ["text", None, 5, [1]])
def test_what_is_not_bytes_is_a_type_error_and_harmless(
    loop: EventLoop, link: Link, data: Any
) -> None:
    with pytest.raises(TypeError):
        link.stream.write(data)
    link.stream.write(b"bytes")
    run_until(loop, link.peer.pull)
    assert link.peer.received == b"bytes"


def test_the_writes_of_one_iteration_are_one_send(loop: EventLoop, connected: Connect) -> None:
    class Chatty(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert self.stream is not None
            for byte in buffer.take_all():
                self.stream.write(bytes([byte]))

    link = connected(Chatty())
    link.peer.send(b"x" * 1000)
    run_until(loop, link.peer.pull)
    assert link.peer.received == b"x" * 1000
    assert link.sock.calls["send"] == 1


def test_a_hundred_thousand_small_writes_are_few_sends(loop: EventLoop, link: Link) -> None:
    message = pattern(400_000)
    for start in range(0, len(message), 4):
        link.stream.write(message[start : start + 4])
    run_until(loop, lambda: len(link.peer.pull()) == len(message), 30)
    assert link.peer.received == message
    assert link.sock.calls["send"] < 1000


def test_nothing_is_sent_for_an_empty_write(loop: EventLoop, link: Link) -> None:
    link.stream.write(b"")
    settle(loop)
    assert link.sock.calls["send"] == 0


def test_an_idle_stream_does_not_wake_the_loop(
    loop: EventLoop, link: Link, selector: SpySelector
) -> None:
    link.stream.write(b"x")
    settle(loop)
    selector.clock = ManualClock()
    loop.run_once(1.0)
    assert selector.clock() == 1.0  # nothing ended the wait


def test_a_stream_that_was_blocked_and_is_empty_now_does_not_wake_the_loop(
    loop: EventLoop, link: Link, selector: SpySelector
) -> None:
    link.sock.script("send", [Cut(1)])
    link.stream.write(b"123")
    settle(loop)
    assert link.stream.write_buffer_size == 0
    selector.clock = ManualClock()
    loop.run_once(1.0)
    assert selector.clock() == 1.0  # nothing ended the wait


def test_what_is_written_before_connection_made_arrives(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    stream, _ = stream_pair(loop, left, right)
    stream.write(b"early")
    run_until(loop, lambda: right.received)
    assert right.received == b"early"


def test_what_is_written_to_a_stream_that_was_made_inside_a_call_arrives(loop: EventLoop) -> None:
    def make_and_write() -> None:
        stream, _ = stream_pair(loop, StreamHandler(), right)
        stream.write(b"early")

    right = RecordingHandler()
    loop.call_soon(make_and_write)
    run_until(loop, lambda: right.received)
    assert right.received == b"early"


def test_what_is_written_in_connection_made_arrives(loop: EventLoop, connected: Connect) -> None:
    class Greeter(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            stream.write(b"welcome")

    link = connected(Greeter())
    run_until(loop, link.peer.pull)
    assert link.peer.received == b"welcome"


def test_a_full_socket_is_not_tried_again_before_it_is_writable(
    loop: EventLoop, link: Link
) -> None:
    # Sizes that are set do not grow by themselves while the test looks on.
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
    link.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    link.stream.write(bytes(15 * MIB))
    settle(loop, 200)
    tried = link.sock.calls["send"]
    link.stream.write(b"x")
    settle(loop)
    assert link.sock.calls["send"] == tried


def test_write_buffer_size_counts_what_the_system_has_not_taken(
    loop: EventLoop, link: Link
) -> None:
    link.sock.script("send", [Cut(4), errno.EAGAIN])
    link.stream.write(b"123456")
    assert link.stream.write_buffer_size == 6
    loop.run_once(0)
    assert link.stream.write_buffer_size == 2


# -- bounds on what is written -----------------------------------------------------------


def test_write_says_false_only_above_high_water(link: Link) -> None:
    link.stream.set_write_buffer_limits(high=10)
    assert link.stream.write(b"1234567890")
    assert not link.stream.write(b"1")


def test_write_says_false_until_the_queue_is_down_at_low_water(loop: EventLoop, link: Link) -> None:
    link.stream.set_write_buffer_limits(high=10, low=4)
    link.sock.script("send", [Cut(6), errno.EAGAIN])
    link.stream.write(b"12345678901")
    loop.run_once(0)
    assert link.stream.write_buffer_size == 5
    assert not link.stream.write(b"")


def test_resume_writing_follows_at_low_water_and_not_before(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=10, low=4)
    link.sock.script("send", [Cut(6), Cut(1)])
    link.stream.write(b"12345678901")
    loop.run_once(0)
    assert link.stream.write_buffer_size == 5
    assert "resume_writing" not in handler.events
    loop.run_once(0)
    assert link.stream.write_buffer_size == 4
    assert handler.events.count("resume_writing") == 1


@pytest.mark.parametrize(("left", "resumed"), [(26, 0), (25, 1)])
def test_without_a_word_low_water_is_a_quarter_of_high_water(
    loop: EventLoop, link: Link, handler: RecordingHandler, left: int, resumed: int
) -> None:
    link.stream.set_write_buffer_limits(high=100)
    link.sock.script("send", [Cut(101 - left), errno.EAGAIN])
    link.stream.write(bytes(101))
    loop.run_once(0)
    assert handler.events.count("resume_writing") == resumed


def test_resume_writing_comes_once_for_each_time_that_write_said_false(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=10)
    for _ in range(3):
        for _ in range(20):
            link.stream.write(b"x")
        settle(loop)
        link.stream.write(b"x")
        settle(loop)
    assert handler.events.count("resume_writing") == 3


def test_resume_writing_does_not_come_to_who_was_never_told_false(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.sock.script("send", [Cut(1), errno.EAGAIN])
    link.stream.set_write_buffer_limits(high=10)
    link.stream.write(b"1234567890")
    settle(loop)
    assert "resume_writing" not in handler.events


def test_resume_writing_does_not_come_to_who_has_closed(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=10)
    link.stream.write(b"12345678901")
    link.stream.close()
    settle(loop)
    assert "resume_writing" not in handler.events


def test_resume_writing_comes_to_who_has_half_closed_and_may_have_paused_for_it(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=10)
    assert not link.stream.write(b"12345678901")
    link.stream.write_eof()
    settle(loop)
    assert handler.events == ["connection_made", "resume_writing"]


def test_a_handler_that_fills_the_queue_on_each_resume_is_served_to_the_end(
    loop: EventLoop, connected: Connect
) -> None:
    class Filler(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            self.left = 20 * MIB
            self.resume_writing()

        def resume_writing(self) -> None:
            assert self.stream is not None
            while self.left:
                self.left -= 65536
                if not self.stream.write(bytes(65536)):
                    return
            self.stream.close()

    link = connected(Filler())
    run_until(loop, link.peer.ended, 30)
    assert len(link.peer.received) == 20 * MIB


def test_a_write_that_finds_the_limit_exceeded_ends_the_stream(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=10, limit=20)
    link.stream.write(bytes(21))
    assert not link.stream.write(b"x")
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]
    assert isinstance(handler.error, BufferFull)


def test_a_write_that_finds_just_the_limit_goes_through(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=10, limit=20)
    link.stream.write(bytes(20))
    link.stream.write(b"x")
    run_until(loop, lambda: len(link.peer.pull()) == 21)
    assert "connection_lost" not in handler.events


def test_without_a_word_the_limit_on_what_is_written_is_16_mib(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    chunk = bytes(MIB)
    for _ in range(17):
        link.stream.write(chunk)
    assert link.stream.write_buffer_size == 17 * MIB
    link.stream.write(chunk)
    settle(loop)
    assert isinstance(handler.error, BufferFull)


@pytest.mark.parametrize(
    ("high", "low", "limit"), [(10, 11, 20), (10, -1, 20), (30, 10, 20), (-1, None, 20)]
)
def test_marks_that_make_no_sense_are_refused(
    link: Link, high: int, low: int | None, limit: int
) -> None:
    with pytest.raises(ValueError, match="low <= high <= limit"):
        link.stream.set_write_buffer_limits(high, low, limit)


# -- reading -----------------------------------------------------------------------------


def test_what_is_received_is_given_to_the_handler(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.peer.send(b"hello")
    run_until(loop, lambda: handler.received)
    assert handler.received == b"hello"


def test_what_a_handler_leaves_is_there_the_next_time(loop: EventLoop, connected: Connect) -> None:
    handler = Keeper()
    link = connected(handler)
    for _ in range(3):
        link.peer.send(b"x")
        link.wait()
        loop.run_once(0)
    assert handler.sizes == [1, 2, 3]


def test_the_default_handler_drops_what_is_received(loop: EventLoop, connected: Connect) -> None:
    link = connected(StreamHandler())
    left = 3 * MIB

    def all_sent() -> bool:
        nonlocal left
        left -= link.peer.send(bytes(min(left, 65536)))
        return not left

    run_until(loop, all_sent)
    link.peer.end()
    run_until(loop, link.peer.ended)
    assert link.peer.error is None


def test_what_one_read_left_behind_is_read_without_a_new_packet(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    message = pattern(MIB)
    sent = 0

    def all_arrived() -> bool:
        nonlocal sent
        sent += link.peer.send(message[sent:])
        return len(handler.received) == len(message)

    run_until(loop, all_arrived)
    assert handler.received == message


def test_a_flooder_does_not_keep_others_from_being_read(
    loop: EventLoop, link: Link, connected: Connect
) -> None:
    modest = RecordingHandler()
    other = connected(modest)
    while link.peer.send(bytes(65536)):
        pass
    other.peer.send(b"x")
    link.wait()
    other.wait()
    loop.run_once(0)
    assert modest.received == b"x"


def test_leaving_a_mib_in_the_buffer_is_allowed_and_more_ends_the_stream(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Keeper()
    link = connected(handler)
    sent = 0

    def a_mib_arrived() -> bool:
        nonlocal sent
        sent += link.peer.send(bytes(MIB - sent)) if sent < MIB else 0
        return handler.sizes[-1:] == [MIB]

    run_until(loop, a_mib_arrived)
    settle(loop)
    assert "connection_lost" not in handler.events
    link.peer.send(b"x")
    run_until(loop, lambda: handler.error)
    assert isinstance(handler.error, BufferFull)
    assert handler.events == ["connection_made", "connection_lost"]
    assert handler.sizes[-1] == MIB


def test_a_handler_that_pauses_in_time_loses_nothing(loop: EventLoop, connected: Connect) -> None:
    class Pausing(Keeper):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            super().data_received(buffer)
            if len(buffer) > MIB // 2:
                assert self.stream is not None
                self.stream.pause_reading()
                self.received += buffer.take_all()

    handler = Pausing()
    link = connected(handler)
    message = pattern(3 * MIB)
    sent = 0

    def all_arrived() -> bool:
        nonlocal sent
        sent += link.peer.send(message[sent:])
        link.stream.resume_reading()
        return len(handler.received) + MIB > len(message)

    run_until(loop, all_arrived)
    assert "connection_lost" not in handler.events
    assert message.startswith(handler.received)


def test_what_a_handler_left_is_all_the_same_later_when_it_paused(
    loop: EventLoop, connected: Connect
) -> None:
    class Hesitant(Keeper):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            super().data_received(buffer)
            assert self.stream is not None
            if len(self.sizes) == 1:
                self.stream.pause_reading()
            else:
                self.received += buffer.take_all()

    handler = Hesitant()
    link = connected(handler)
    link.peer.send(pattern(10_000))
    link.wait()
    loop.run_once(0)
    link.stream.resume_reading()
    run_until(loop, lambda: len(handler.received) == 10_000)
    assert handler.received == pattern(10_000)


@pytest.mark.parametrize("fault", [errno.EAGAIN, errno.EINTR])
def test_readiness_that_was_a_false_hint_changes_nothing(
    loop: EventLoop, link: Link, handler: RecordingHandler, fault: int
) -> None:
    link.sock.script("recv", [fault])
    link.peer.send(b"hello")
    run_until(loop, lambda: handler.received)
    assert handler.events == ["connection_made", "data_received"]


def test_a_wake_serves_both_directions(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.sock.script("send", [errno.EAGAIN])
    link.stream.write(b"out")
    loop.run_once(0)
    link.peer.send(b"in")
    link.wait()
    loop.run_once(0)
    assert handler.received == b"in"
    assert link.peer.wait().pull() == b"out"


# -- pausing -----------------------------------------------------------------------------


def test_a_paused_stream_gets_nothing_and_does_not_wake_the_loop(
    loop: EventLoop, link: Link, handler: RecordingHandler, selector: SpySelector
) -> None:
    link.stream.pause_reading()
    link.peer.send(b"hello")
    link.wait()
    selector.timeouts.clear()
    loop.run()
    assert selector.timeouts == []
    assert handler.received == b""


def test_a_resumed_stream_gets_what_arrived_meanwhile(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.pause_reading()
    link.peer.send(b"hello")
    link.wait()
    settle(loop)
    link.stream.resume_reading()
    run_until(loop, lambda: handler.received)
    assert handler.received == b"hello"


class OneByOne(RecordingHandler):
    """Takes one byte, then pauses."""

    def data_received(self, buffer: ReceiveBuffer) -> None:
        assert self.stream is not None
        taken = buffer.take_exactly(1)
        assert taken is not None, "called for nothing"
        self.received += taken
        self.events.append("data_received")
        self.stream.pause_reading()


def test_what_lies_in_the_buffer_is_delivered_on_resuming(
    loop: EventLoop, connected: Connect
) -> None:
    handler = OneByOne()
    link = connected(handler)
    link.peer.send(b"12")
    run_until(loop, lambda: handler.received)
    link.stream.resume_reading()
    assert handler.received == b"1"
    loop.run_once(0)
    assert handler.received == b"12"


def test_what_lies_in_the_buffer_is_delivered_before_the_end_of_input(
    loop: EventLoop, connected: Connect
) -> None:
    handler = OneByOne()
    link = connected(handler)
    link.peer.send(b"12")
    run_until(loop, lambda: handler.received)
    link.peer.end()
    link.stream.resume_reading()
    settle(loop)
    link.stream.resume_reading()
    run_until(loop, lambda: "eof_received" in handler.events)
    assert handler.events[:4] == [
        "connection_made",
        "data_received",
        "data_received",
        "eof_received",
    ]


def test_pausing_again_before_the_delivery_holds_it_back(
    loop: EventLoop, connected: Connect
) -> None:
    handler = OneByOne()
    link = connected(handler)
    link.peer.send(b"12")
    run_until(loop, lambda: handler.received)
    link.stream.resume_reading()
    link.stream.pause_reading()
    settle(loop)
    assert handler.received == b"1"


def test_resuming_twice_delivers_once(loop: EventLoop, connected: Connect) -> None:
    class Resuming(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert buffer, "called for nothing"
            if not self.events.count("data_received"):
                assert self.stream is not None
                for _ in range(3):
                    self.stream.pause_reading()
                    self.stream.resume_reading()
                self.events.append("data_received")
            else:
                super().data_received(buffer)

    handler = Resuming()
    link = connected(handler)
    link.peer.send(b"x")
    link.wait()
    settle(loop)
    assert handler.events == ["connection_made", "data_received", "data_received"]


def test_a_stream_paused_in_connection_made_gets_nothing(
    loop: EventLoop, connected: Connect
) -> None:
    class Paused(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            stream.pause_reading()

    handler = Paused()
    link = connected(handler)
    link.peer.send(b"x")
    link.wait()
    settle(loop)
    assert handler.events == ["connection_made"]


def test_pausing_and_resuming_for_nothing_is_harmless(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.resume_reading()
    link.stream.pause_reading()
    link.stream.pause_reading()
    link.stream.resume_reading()
    link.stream.resume_reading()
    link.peer.send(b"x")
    link.wait()
    settle(loop)
    assert handler.events == ["connection_made", "data_received"]


def test_a_paused_stream_still_writes_but_does_not_read(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.pause_reading()
    link.peer.send(b"unread")
    link.wait()
    link.sock.script("send", [Cut(1), errno.EAGAIN])
    link.stream.write(b"hello")
    run_until(loop, lambda: link.peer.pull() == b"hello")
    settle(loop)
    assert handler.received == b""


# -- the peer ends its side --------------------------------------------------------------


def test_the_reply_to_the_last_command_arrives_though_the_peer_ended(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Replier(pattern(MIB))
    link = connected(handler)
    link.peer.send(b"command")
    link.peer.end()
    run_until(loop, link.peer.ended)
    assert link.peer.received == pattern(MIB)
    assert link.peer.error is None


def test_the_end_of_input_closes_the_stream(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.peer.end()
    run_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.events == ["connection_made", "eof_received", "connection_lost"]
    assert handler.error is None


def test_a_handler_may_keep_its_side_open(loop: EventLoop, connected: Connect) -> None:
    handler = RecordingHandler(keep_open=True)
    link = connected(handler)
    link.peer.end()
    run_until(loop, lambda: "eof_received" in handler.events)
    settle(loop)
    link.stream.write(b"afterwards")
    link.stream.close()
    run_until(loop, link.peer.ended)
    assert link.peer.received == b"afterwards"


def test_an_end_of_input_that_was_seen_does_not_wake_the_loop(
    loop: EventLoop, connected: Connect, selector: SpySelector
) -> None:
    handler = RecordingHandler(keep_open=True)
    link = connected(handler)
    link.peer.end()
    run_until(loop, lambda: "eof_received" in handler.events)
    selector.timeouts.clear()
    loop.run()
    assert selector.timeouts == []
    assert handler.events.count("eof_received") == 1


# -- ending one's own side ---------------------------------------------------------------


def test_write_eof_ends_the_output_after_what_was_written(loop: EventLoop, link: Link) -> None:
    link.sock.script("send", [Cut(1), errno.EAGAIN, Cut(1)])
    link.stream.write(b"everything")
    link.stream.write_eof()
    run_until(loop, link.peer.ended)
    assert link.peer.received == b"everything"


def test_after_write_eof_reading_goes_on(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.write_eof()
    run_until(loop, link.peer.ended)
    link.peer.send(b"answer")
    link.peer.end()
    run_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.received == b"answer"
    assert handler.error is None


def test_write_eof_twice_is_harmless(loop: EventLoop, link: Link) -> None:
    link.stream.write_eof()
    settle(loop)
    link.stream.write_eof()
    settle(loop)
    assert link.sock.calls["shutdown"] == 1


def test_an_output_that_can_not_be_ended_is_the_end_of_the_stream(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.sock.script("shutdown", [errno.ENOTCONN])
    link.stream.write_eof()
    settle(loop)
    clock.advance(5.0)
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]
    assert isinstance(handler.error, OSError)


@pytest.mark.parametrize("end", ["write_eof", "close", "abort"])
def test_writing_after_the_output_was_ended_is_a_mistake(
    loop: EventLoop, link: Link, end: str
) -> None:
    assert not link.stream.closing
    getattr(link.stream, end)()
    assert link.stream.closing
    with pytest.raises(StreamClosed):
        link.stream.write(b"x")


def test_writing_after_connection_lost_is_a_mistake(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.peer.reset()
    run_until(loop, lambda: "connection_lost" in handler.events)
    with pytest.raises(StreamClosed):
        link.stream.write(b"x")


def test_writing_between_the_loss_and_its_notice_says_false(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.sock.script("send", [errno.ECONNRESET])
    link.stream.write(b"x")
    loop.run_once(0)
    assert handler.events == ["connection_made"]
    assert not link.stream.write(b"x")


def test_writing_to_a_stream_whose_end_is_still_to_be_told_is_no_mistake_while_the_loop_closes(
    loop: EventLoop, reported: Reported
) -> None:
    class Leaving(RecordingHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            room.remove(self)
            for other in room:
                assert other.stream is not None
                said.append(other.stream.write(b"somebody left"))

    said: list[bool] = []
    room = [Leaving(), Leaving()]
    stream_pair(loop, *room)
    loop.run_once(0)
    loop.close()
    assert said == [False]
    assert reported == []


def test_wanting_to_go_on_while_the_loop_closes_is_no_mistake(
    loop: EventLoop, connected: Connect, reported: Reported
) -> None:
    class Again(RecordingHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            loop.call_later(1.0, print, "connect again")

    handler = Again()
    connected(handler)
    loop.close()
    assert handler.events[-1] == "connection_lost"
    assert reported == []


# -- close -------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", range(5))
def test_close_delivers_everything_though_input_is_unread(
    loop: EventLoop, connected: Connect, attempt: int
) -> None:
    handler = Replier(pattern(MIB), close=True)
    link = connected(handler)
    link.peer.send(b"the last command")

    def ended() -> bool:
        if len(link.peer.pull()) < MIB // 2:
            link.peer.send(b"junk" * 1000)
        return link.peer.ended()

    run_until(loop, ended)
    assert link.peer.received == pattern(MIB)
    assert link.peer.error is None
    link.peer.end()
    run_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.error is None


def test_close_ends_the_stream_when_the_peer_ends_too(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.close()
    run_until(loop, link.peer.ended)
    assert handler.events == ["connection_made"]
    link.peer.end()
    run_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.events == ["connection_made", "connection_lost"]
    assert handler.error is None


def test_after_close_nothing_is_delivered(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.close()
    link.peer.send(b"too late")
    link.peer.end()
    run_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.events == ["connection_made", "connection_lost"]


def test_close_in_data_received_drops_the_rest_of_the_buffer(
    loop: EventLoop, connected: Connect
) -> None:
    class Closer(Keeper):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert self.stream is not None
            self.stream.close()
            super().data_received(buffer)

    handler = Closer()
    connected(handler).peer.send(b"x" * 100)
    run_until(loop, lambda: handler.sizes)
    assert handler.sizes == [0]


def test_close_reads_on_though_reading_was_paused(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.pause_reading()
    link.peer.send(b"unread")
    link.peer.end()
    link.stream.close()
    run_until(loop, link.peer.ended)
    assert link.peer.error is None
    run_until(loop, lambda: "connection_lost" in handler.events)
    assert handler.events == ["connection_made", "connection_lost"]


def test_close_before_connection_made_delivers_what_was_written(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    stream, _ = stream_pair(loop, left, right)
    stream.write(b"early")
    stream.close()
    loop.run()
    assert right.received == b"early"
    assert left.events == ["connection_made", "connection_lost"]


def test_a_peer_that_never_reads_is_given_up_exactly_at_the_deadline(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.write(bytes(15 * MIB))
    link.stream.close(timeout=8.0)
    settle(loop)
    clock.advance(7.75)
    settle(loop)
    assert handler.events == ["connection_made"]
    clock.advance(0.25)
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]
    assert isinstance(handler.error, TimeoutError)
    assert "bytes unsent" in str(handler.error)


@pytest.mark.parametrize("end", [Stream.write_eof, Stream.close])
def test_the_end_of_output_holds_for_a_stream_that_has_just_broken(
    loop: EventLoop, link: Link, end: Callable[[Stream], None]
) -> None:
    link.sock.script("send", [errno.ECONNRESET])
    link.stream.write(b"x")
    loop.run_once(0)
    assert link.stream.write(b"no mistake yet") is False
    end(link.stream)
    with pytest.raises(StreamClosed):
        link.stream.write(b"a mistake")


def test_a_process_that_was_suspended_tries_to_send_before_it_gives_up(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.write(b"all of it")
    link.stream.close(timeout=8.0)
    clock.advance(3600.0)
    settle(loop)
    assert link.peer.wait().pull() == b"all of it"
    assert handler.error is None


def test_a_process_that_was_suspended_sends_all_that_the_system_takes_before_it_gives_up(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    for _ in range(MIB // 4096):
        link.stream.write(pattern(4096))
    link.stream.close(timeout=8.0)
    clock.advance(3600.0)
    settle(loop)
    assert handler.error is None
    while not link.peer.ended():
        link.peer.wait()
    assert len(link.peer.received) == MIB


def test_a_deadline_holds_though_an_instrument_leaves_the_program_at_it(
    selector: SpySelector, clock: ManualClock
) -> None:
    class Leaving(Instrument):
        def bytes_queued(self, fd: int, size: int) -> None:
            if clock() >= 8.0:
                raise SystemExit

    handler = RecordingHandler()
    near, far = tcp_pair()
    with far, EventLoop(selector=selector, clock=clock, instrument=Leaving()) as loop:
        stream = Stream(loop, near, handler)
        stream.write(bytes(15 * MIB))
        stream.close(timeout=8.0)
        settle(loop)
        clock.advance(8.0)
        with pytest.raises(SystemExit):
            settle(loop)
        settle(loop)
        assert handler.events[-1] == "connection_lost"


def test_a_peer_that_never_ends_is_left_at_the_deadline_without_an_error(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.write(b"all of it")
    link.stream.close(timeout=8.0)
    settle(loop)
    clock.advance(7.75)
    settle(loop)
    assert handler.events == ["connection_made"]
    clock.advance(0.25)
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]
    assert handler.error is None


def test_a_peer_that_sends_for_ever_does_not_move_the_deadline(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.close(timeout=8.0)
    for _ in range(8):
        assert handler.events == ["connection_made"]
        link.peer.send(b"and another thing")
        clock.advance(1.0)
        settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


def test_without_a_word_the_deadline_is_5_seconds(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.close()
    clock.advance(4.75)
    settle(loop)
    assert handler.events == ["connection_made"]
    clock.advance(0.25)
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


def test_closing_twice_keeps_the_first_deadline(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.close(timeout=2.0)
    link.stream.close(timeout=8.0)
    clock.advance(2.0)
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_close_leaves_no_timer_however_often_it_was_asked_for(
    loop: EventLoop, link: Link, handler: RecordingHandler, selector: SpySelector, times: int
) -> None:
    for _ in range(times):
        link.stream.close(timeout=1000.0)
    link.peer.end()
    run_until(loop, lambda: "connection_lost" in handler.events)
    link.stream.close(timeout=1000.0)
    loop.run_once()
    assert selector.timeouts[-1] == 0.0


@pytest.mark.parametrize("timeout", [float("inf"), float("nan")])
def test_a_close_with_a_deadline_that_is_no_time_changes_nothing(
    loop: EventLoop, link: Link, timeout: float
) -> None:
    with pytest.raises(ValueError, match="finite"):
        link.stream.close(timeout)
    link.stream.write(b"still open")
    link.stream.close()
    run_until(loop, link.peer.ended)
    assert link.peer.received == b"still open"


# -- abort -------------------------------------------------------------------------------


def test_abort_ends_the_stream_without_waiting(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.write(b"lost")
    link.stream.abort()
    assert handler.events == ["connection_made"]
    loop.run()
    assert handler.events == ["connection_made", "connection_lost"]
    assert handler.error is None
    assert link.peer.wait().ended()
    assert link.peer.received == b""


def test_abort_cuts_a_close_short(loop: EventLoop, link: Link, handler: RecordingHandler) -> None:
    link.stream.close()
    settle(loop)
    link.stream.abort()
    link.stream.abort()
    loop.run()
    assert handler.events == ["connection_made", "connection_lost"]


def test_an_ended_stream_has_no_sockname_but_a_peername(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    peername = link.stream.peername
    link.stream.abort()
    loop.run()
    with pytest.raises(StreamClosed):
        _ = link.stream.sockname
    assert link.stream.peername == peername


def test_an_ended_stream_holds_no_bytes(loop: EventLoop, link: Link) -> None:
    link.stream.write(b"lost")
    link.stream.abort()
    assert link.stream.write_buffer_size == 0


# -- the peer vanishes -------------------------------------------------------------------


def lost_with_an_error(handler: RecordingHandler) -> bool:
    return isinstance(handler.error, ConnectionError)


def test_a_reset_while_reading_ends_the_stream_once(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.peer.reset()
    run_until(loop, lambda: lost_with_an_error(handler))
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


def test_a_reset_while_writing_and_paused_ends_the_stream_once_and_in_time(
    loop: EventLoop, clock: ManualClock, link: Link, handler: RecordingHandler
) -> None:
    link.stream.pause_reading()
    link.stream.write(bytes(15 * MIB))
    settle(loop)
    link.peer.reset()
    run_until(loop, lambda: "resume_writing" in handler.events)
    clock.advance(5.0)
    settle(loop)
    assert lost_with_an_error(handler)
    assert handler.events == ["connection_made", "resume_writing", "connection_lost"]


def test_a_reset_seen_by_a_send_ends_the_stream_once(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.peer.reset()
    link.stream.write(b"x")
    run_until(loop, lambda: lost_with_an_error(handler))
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


def test_a_reset_while_paused_does_not_wake_the_loop_and_is_met_on_resuming(
    loop: EventLoop, link: Link, handler: RecordingHandler, selector: SpySelector
) -> None:
    link.stream.pause_reading()
    link.peer.reset()
    link.wait()
    selector.timeouts.clear()
    loop.run()
    assert selector.timeouts == []
    link.stream.resume_reading()
    run_until(loop, lambda: lost_with_an_error(handler))
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


def test_a_reset_while_closing_ends_the_stream_once(
    loop: EventLoop, link: Link, handler: RecordingHandler
) -> None:
    link.stream.write(bytes(15 * MIB))
    link.stream.close()
    settle(loop)
    link.peer.reset()
    run_until(loop, lambda: lost_with_an_error(handler))
    settle(loop)
    assert handler.events == ["connection_made", "connection_lost"]


def test_a_reset_after_a_half_close_is_met_by_the_next_write(
    loop: EventLoop, connected: Connect
) -> None:
    handler = RecordingHandler(keep_open=True)
    link = connected(handler)
    link.peer.end()
    run_until(loop, lambda: "eof_received" in handler.events)
    link.peer.reset()

    def lost() -> bool:
        return lost_with_an_error(handler) or link.stream.write(b"x") is None

    run_until(loop, lost)
    settle(loop)
    assert handler.events == ["connection_made", "eof_received", "connection_lost"]


@pytest.mark.parametrize("code", [errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH])
@pytest.mark.parametrize("call", ["recv", "send"])
def test_any_error_of_the_connection_ends_the_stream_with_it(
    loop: EventLoop,
    clock: ManualClock,
    link: Link,
    handler: RecordingHandler,
    call: str,
    code: int,
) -> None:
    link.sock.script(call, [code])
    link.peer.send(b"x")
    link.wait()
    link.stream.write(b"x")
    settle(loop)
    clock.advance(5.0)
    settle(loop)
    assert handler.events[-1] == "connection_lost"
    assert isinstance(handler.error, OSError)
    assert handler.error.errno == code


# -- keepalive ---------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="needs TCP_KEEPIDLE")
def test_keepalive_is_set_as_asked(link: Link) -> None:
    link.stream.set_keepalive(idle=7, interval=3, count=2)
    names = ["TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"]
    options = [link.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
    assert options == [7, 3, 2]
    assert link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="needs TCP_KEEPIDLE")
def test_without_a_word_a_vanished_peer_is_found_within_25_seconds(link: Link) -> None:
    link.stream.set_keepalive()
    names = ["TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"]
    options = [link.sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in names]
    assert options == [10, 5, 3]


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs TCP_USER_TIMEOUT")
def test_written_bytes_may_stay_unacknowledged_as_long_as_probes_unanswered(link: Link) -> None:
    link.stream.set_keepalive(idle=7, interval=3, count=2)
    assert link.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 13_000


def test_keepalive_does_without_what_the_system_lacks(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(socket, "TCP_KEEPIDLE", raising=False)
    monkeypatch.delattr(socket, "TCP_USER_TIMEOUT", raising=False)
    link.stream.set_keepalive(idle=7)
    assert link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_keepalive_of_an_ended_stream_is_harmless(loop: EventLoop, link: Link) -> None:
    link.stream.abort()
    link.stream.set_keepalive()


# -- a handler raises --------------------------------------------------------------------


def drive(loop: EventLoop, link: Link) -> None:
    """Give each callback of a handler a reason to be called."""
    if not link.stream.closing:
        link.stream.set_write_buffer_limits(high=10)
        link.stream.write(bytes(11))
    settle(loop)
    link.peer.send(b"x")
    link.wait()
    settle(loop)
    link.peer.end()
    link.wait()
    settle(loop)
    link.stream.abort()
    settle(loop)


class Raising(RecordingHandler):
    """Raises in one of its methods."""

    def __init__(self, where: str, error: BaseException) -> None:
        super().__init__()
        self._where = where
        self._error = error

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name.startswith("_") or name != self._where:
            return method

        def call_and_raise(*args: Any) -> None:
            method(*args)
            raise self._error

        return call_and_raise


@pytest.mark.parametrize("where", CALLBACKS)
def test_a_handler_that_raises_loses_its_stream_and_is_reported_once(
    loop: EventLoop, connected: Connect, reported: Reported, where: str
) -> None:
    error = ZeroDivisionError()
    handler = Raising(where, error)
    drive(loop, connected(handler))
    assert handler.events[-2:] == [where, "connection_lost"]
    assert handler.events.count("connection_lost") == 1
    assert handler.error is error
    assert [exc for _, exc in reported] == [error]
    assert "Raising" in reported[0][0]
    reported.clear()


def test_a_handler_that_raises_in_connection_lost_is_reported_once(
    loop: EventLoop, connected: Connect, reported: Reported
) -> None:
    error = ZeroDivisionError()
    handler = Raising("connection_lost", error)
    drive(loop, connected(handler))
    assert handler.events.count("connection_lost") == 1
    assert [exc for _, exc in reported] == [error]
    reported.clear()


@pytest.mark.parametrize("where", [*CALLBACKS, "connection_lost"])
def test_a_handler_that_raises_costs_no_other_stream_anything(
    loop: EventLoop, connected: Connect, reported: Reported, where: str
) -> None:
    bystander = RecordingHandler()
    other = connected(bystander)
    drive(loop, connected(Raising(where, ZeroDivisionError())))
    other.peer.send(b"hello")
    run_until(loop, lambda: bystander.received)
    assert bystander.events == ["connection_made", "data_received"]
    reported.clear()


@pytest.mark.parametrize("where", [*CALLBACKS, "connection_lost"])
def test_an_exception_handler_that_raises_changes_nothing(
    loop: EventLoop, connected: Connect, where: str
) -> None:
    def fail(message: str, exc: Exception) -> None:
        raise ZeroDivisionError

    loop.set_exception_handler(fail)
    handler = Raising(where, ValueError())
    drive(loop, connected(handler))
    assert handler.events.count("connection_lost") == 1


@pytest.mark.parametrize("where", CALLBACKS)
def test_an_interrupt_in_a_handler_ends_the_run(
    loop: EventLoop, connected: Connect, where: str
) -> None:
    handler = Raising(where, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        drive(loop, connected(handler))
    loop.close()
    assert handler.events.count("connection_lost") == 1


# -- everything from inside everything ---------------------------------------------------


def write_above_the_limit(stream: Stream) -> None:
    stream.set_write_buffer_limits(1, 1, 1)
    stream.write(bytes(1000))
    stream.write(bytes(1000))


def pause_and_resume(stream: Stream) -> None:
    stream.pause_reading()
    stream.resume_reading()


def close_and_abort(stream: Stream) -> None:
    stream.close()
    stream.abort()


ACTIONS: dict[str, Callable[[Stream], object]] = {
    "write": lambda stream: stream.write(b"x"),
    "write above high water": lambda stream: stream.write(bytes(1000)),
    "write above the limit": write_above_the_limit,
    "write_eof": lambda stream: stream.write_eof(),
    "pause_reading": lambda stream: stream.pause_reading(),
    "resume_reading": lambda stream: stream.resume_reading(),
    "pause and resume": pause_and_resume,
    "set_write_buffer_limits": lambda stream: stream.set_write_buffer_limits(0),
    "set_keepalive": lambda stream: stream.set_keepalive(),
    "close": lambda stream: stream.close(),
    "close at once": lambda stream: stream.close(0),
    "abort": lambda stream: stream.abort(),
    "close and abort": close_and_abort,
    "sockname": lambda stream: stream.sockname,
    "repr": lambda stream: [repr(stream), stream.closing, stream.write_buffer_size],
}


class Acting(StreamHandler):
    """Does something to its stream in one of its methods, and minds not to be re-entered."""

    def __init__(self, where: str, action: Callable[[Stream], object]) -> None:
        self._where = where
        self._action = action
        self._busy = False
        self.calls: list[str] = []

    def _enter(self, name: str) -> None:
        assert not self._busy, f"{name} was called inside a handler"
        self.calls.append(name)
        if name == self._where:
            self._busy = True
            try:
                self._action(self.stream)
            except StreamClosed:
                pass
            finally:
                self._busy = False

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream
        self._enter("connection_made")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._enter("data_received")
        buffer.take_all()

    def eof_received(self) -> None:
        self._enter("eof_received")

    def resume_writing(self) -> None:
        self._enter("resume_writing")

    def connection_lost(self, exc: Exception | None) -> None:
        self._enter("connection_lost")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("where", [*CALLBACKS, "connection_lost"])
def test_every_method_can_be_called_from_inside_every_callback(
    loop: EventLoop, connected: Connect, where: str, action: str
) -> None:
    handler = Acting(where, ACTIONS[action])
    drive(loop, connected(handler))
    assert where in handler.calls
    assert handler.calls.count("connection_lost") == 1
    assert handler.calls[-1] == "connection_lost"


# -- depth -------------------------------------------------------------------------------


def depth() -> int:
    frame: FrameType | None = sys._getframe()
    count = 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


class LineCounter(StreamHandler):
    """Answers each line, and notes how deep the stack is."""

    def __init__(self) -> None:
        self.lines = 0
        self.depths: set[int] = set()

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self.depths.add(depth())
        while buffer.take_line(100) is not None:
            self.lines += 1
            self.stream.write(b"OK\n")


def test_pipelined_commands_are_answered_at_constant_depth(
    loop: EventLoop, connected: Connect
) -> None:
    handler = LineCounter()
    link = connected(handler)
    commands = b"command\n" * 200_000
    sent = 0

    def all_answered() -> bool:
        nonlocal sent
        sent += link.peer.send(commands[sent : sent + 65536])
        return len(link.peer.pull()) == 3 * 200_000

    run_until(loop, all_answered, 30)
    assert handler.lines == 200_000
    assert len(handler.depths) == 1


def test_commands_taken_one_by_one_are_answered_at_constant_depth(
    loop: EventLoop, connected: Connect
) -> None:
    class OneLine(LineCounter):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            self.depths.add(depth())
            if buffer.take_line(100) is not None:
                self.lines += 1
            self.stream.pause_reading()
            self.stream.resume_reading()

    handler = OneLine()
    count = 2 * sys.getrecursionlimit()
    connected(handler).peer.send(b"\n" * count)
    run_until(loop, lambda: handler.lines == count)
    assert max(handler.depths) - min(handler.depths) < 5


# -- nothing is kept alive ---------------------------------------------------------------


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What lives in a cycle lives for ever."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Friend(StreamHandler):
    """Keeps its stream, as handlers do."""

    def connection_made(self, stream: Stream) -> None:
        self.stream = stream


class Clumsy(Friend):
    def data_received(self, buffer: ReceiveBuffer) -> None:
        raise ZeroDivisionError


def end_by_closing(link: Link) -> None:
    link.stream.close()
    link.peer.end()


def end_by_aborting(link: Link) -> None:
    link.stream.write(b"x")
    link.stream.abort()


def end_by_reset(link: Link) -> None:
    link.peer.reset()


def end_by_peer(link: Link) -> None:
    link.peer.end()


def end_by_data(link: Link) -> None:
    link.peer.send(b"x")


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (Friend, end_by_closing),
        (Friend, end_by_aborting),
        (Friend, end_by_reset),
        (Friend, end_by_peer),
        (Clumsy, end_by_data),
    ],
)
def test_an_ended_stream_and_its_handler_are_freed_at_once(
    loop: EventLoop,
    reported: Reported,
    no_collector: None,
    kind: type[Friend],
    end: Callable[[Link], None],
) -> None:
    near, far = tcp_pair()
    handler = kind()
    link = Link(Stream(loop, near, handler), FaultySocket(), Peer(far))
    references: list[Callable[[], object]] = [weakref.ref(handler), weakref.ref(link.stream)]
    loop.run_once(0)
    end(link)
    with far, link.sock:
        del handler, link
        loop.run()
    reported.clear()
    assert [reference() for reference in references] == [None, None]


def test_an_ended_stream_that_somebody_keeps_does_not_keep_its_handler(
    loop: EventLoop, no_collector: None
) -> None:
    handler: StreamHandler | None = Friend()
    reference = weakref.ref(handler)
    assert handler is not None
    stream, _ = stream_pair(loop, handler, StreamHandler())
    handler = None
    stream.close()
    loop.run()
    assert reference() is None
    assert stream.closing


def test_a_thousand_connections_leave_nothing_behind(
    loop: EventLoop, selector: SpySelector, no_collector: None
) -> None:
    handlers: weakref.WeakSet[StreamHandler] = weakref.WeakSet()

    def make_handler() -> StreamHandler:
        handler = Friend()
        handlers.add(handler)
        return handler

    listener = listen(loop, make_handler, "127.0.0.1", 0)
    for _ in range(20):
        peers = [socket.create_connection(listener.sockname) for _ in range(50)]
        run_until(loop, lambda: len(handlers) == 50)
        for peer in peers:
            peer.close()
        run_until(loop, lambda: not handlers)
    assert listener.accepted == 1000
    assert selector.watched == 1


def test_a_stream_that_ends_while_it_flushes_is_not_asked_for_more(
    loop: EventLoop, selector: SpySelector, link: Link, handler: RecordingHandler
) -> None:
    link.stream.set_write_buffer_limits(high=1)
    link.stream.pause_reading()
    link.stream.write(b"123456")
    link.sock.script("send", [Cut(4)])
    selector.refusal = errno.ENOSPC  # the wait for the peer can't be registered
    settle(loop)
    selector.refusal = None
    assert handler.events == ["connection_made", "connection_lost"]
