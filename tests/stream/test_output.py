"""Stream: what is written arrives once and in order, and every bound on it is kept."""

import errno
import socket
from array import array
from typing import Any, Final

import pytest

from reactor import (
    BufferFull,
    EventLoop,
    LoopClosed,
    ReceiveBuffer,
    Stream,
    StreamClosed,
    StreamHandler,
)
from reactor.testing import ManualClock, RecordingHandler, run_until, stream_pair
from tests.conftest import Connect, Reported
from tests.doubles.faulty_socket import Cut, Fault
from tests.doubles.peer import Link
from tests.doubles.spy_selector import SpySelector
from tests.stream.conftest import pattern, settle

MIB: Final = 1024 * 1024


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


def test_without_a_word_high_water_is_64_kib(link: Link) -> None:
    assert [link.stream.write(bytes(size)) for size in (64 * 1024, 1)] == [True, False]


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


def test_resume_writing_does_not_come_again_to_who_has_closed_in_it_and_left_by_an_exit(
    loop: EventLoop, connected: Connect
) -> None:
    class Leaving(RecordingHandler):
        def resume_writing(self) -> None:
            super().resume_writing()
            assert self.stream is not None
            self.stream.close()
            raise SystemExit

    handler = Leaving()
    link = connected(handler)
    link.stream.set_write_buffer_limits(high=0)
    link.stream.write(b"x")
    with pytest.raises(SystemExit):
        settle(loop)
    settle(loop)
    assert handler.events.count("resume_writing") == 1


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


def test_wanting_to_go_on_with_a_loop_that_was_closed_before_is_a_mistake(
    loop: EventLoop, connected: Connect, reported: Reported
) -> None:
    class Again(RecordingHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            closed.call_later(1.0, print, "connect again")

    closed = EventLoop()
    closed.close()
    connected(Again()).stream.abort()
    settle(loop)
    assert isinstance(reported.pop()[1], LoopClosed)


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
