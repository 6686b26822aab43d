"""Rows about streams whose halves end, fail, or are left in the middle."""

import errno
import socket
from collections.abc import Callable

import pytest

from reactor import EventLoop, ReceiveBuffer, SendQueue, Stream
from reactor.testing import ManualClock, RecordingHandler, stream_pair
from tests.conftest import Connect, Reported
from tests.doubles.memory import memory_left
from tests.doubles.peer import Peer
from tests.doubles.spy_selector import SpySelector
from tests.museum.scenes import iterate_until
from tests.stream.conftest import settle
from tests.stream.test_halves import (
    WAYS,
    Answering,
    Pausing,
    given_in_order,
)


def lost(handler: RecordingHandler) -> Callable[[], object]:
    return lambda: handler.events[-1:] == ["connection_lost"]


# -- row 201: the end comes last ----------------------------------------------


@pytest.mark.parametrize("end", [Peer.end, Peer.reset])
@pytest.mark.parametrize("way", WAYS)
def test_row_201_lines_that_are_taken_one_at_a_time_come_before_the_end(
    way: str, end: Callable[[Peer], object]
) -> None:
    said = [b"%d" % number for number in range(9)]
    handler = given_in_order([b"\n".join([*said, b""])], [0], [way] * 9, end)
    assert handler.lines == said
    assert handler.events[-1] == "connection_lost"


def test_row_201_pipelined_questions_and_a_half_close_are_answered_to_the_last(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Answering()
    link = connected(handler)
    link.stream.set_write_buffer_limits(high=20)
    link.peer.send(b"question\n" * 1000)
    link.peer.end()
    iterate_until(loop, link.peer.ended, 3000)
    assert link.peer.received == b"answer\n" * 1000


def test_row_201_who_pauses_again_before_the_rest_came_is_given_nothing(
    loop: EventLoop, connected: Connect
) -> None:
    class Hesitant(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            self.events.append("data_received")
            assert self.stream is not None
            self.stream.pause_reading()

    handler = Hesitant()
    link = connected(handler)
    link.peer.send(b"x")
    link.wait()
    settle(loop)
    link.stream.resume_reading()
    link.stream.pause_reading()
    settle(loop)
    assert handler.events == ["connection_made", "data_received"]


# -- row 202: a half that fails ----------------------------------------------


def test_row_202_what_is_heard_comes_before_what_can_not_be_said(
    loop: EventLoop, connected: Connect
) -> None:
    class Leaving(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            super().data_received(buffer)
            assert self.stream is not None
            self.closing = self.stream.closing

    handler = Leaving()
    link = connected(handler)
    link.sock.script("send", [errno.EAGAIN, errno.EPIPE])
    link.stream.write(b"x")
    loop.run_once(0)
    link.peer.send(b"last words")
    link.wait()
    loop.run_once(0)
    assert handler.closing is False


def test_row_202_a_paused_stream_whose_peer_has_reset_it_is_asked_and_then_left(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, connected: Connect
) -> None:
    selector.clock = clock
    handler, pausing = RecordingHandler(), Pausing()
    links = [connected(handler), connected(pausing)]
    for link in links:
        link.peer.send(bytes(100_000))
        link.stream.pause_reading()
        link.stream.write(bytes(15_000_000))
        settle(loop)
        link.peer.reset()
        link.wait()
    iterate_until(loop, lost(pausing), 30)
    assert len(pausing.received) == 100_000
    while not lost(handler)():
        loop.run_once()
    assert handler.events == ["connection_made", "resume_writing", "connection_lost"]
    assert clock() <= 5.1


def test_row_202_who_waits_for_room_to_answer_hears_all(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Answering()
    link = connected(handler)
    link.stream.set_write_buffer_limits(high=0)
    link.peer.send(b"question\n" * 50)
    link.wait()
    link.sock.script("send", [errno.EPIPE])
    iterate_until(loop, lambda: handler.lines == 50, 200)


# -- row 203: who leaves by an exit ----------------------------------------------


class Leaving(RecordingHandler):
    """Leaves by an exit the first time that it comes to `where`, and has then done nothing."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def _leave(self, where: str) -> None:
        if where == self._where:
            self._where = ""
            self.events.append("exit")
            raise SystemExit(where)

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        self._leave("connection_made")

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._leave("data_received")
        super().data_received(buffer)

    def eof_received(self) -> bool:
        self._leave("eof_received")
        return super().eof_received()

    def resume_writing(self) -> None:
        self._leave("resume_writing")
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave("connection_lost")


@pytest.mark.parametrize(
    "where",
    ["connection_made", "data_received", "eof_received", "resume_writing", "connection_lost"],
)
def test_row_203_a_loop_that_runs_again_goes_on_with_the_stream(
    loop: EventLoop, where: str
) -> None:
    near, far = socket.socketpair()
    handler = Leaving(where)
    with far:
        stream = Stream(loop, near, handler, peername="far")
        stream.set_write_buffer_limits(high=0)
        stream.write(b"answer")
        far.sendall(b"question")
        far.shutdown(socket.SHUT_WR)
        exits = 0
        for _ in range(20):
            try:
                loop.run_once(0)
            except SystemExit:
                exits += 1
        assert exits == 1
        assert handler.received == b"question"
        assert far.recv(100) == b"answer"
        assert far.recv(100) == b""
    assert where != "resume_writing" or where in handler.events
    assert near.fileno() == -1
    assert handler.events.count("connection_lost") == 1


def test_row_203_a_fault_is_reported_when_its_stream_has_ended(
    loop: EventLoop, connected: Connect
) -> None:
    class Faulty(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            self.events.append("data_received")
            raise ValueError("a bug")

    def leave(message: str, exc: Exception) -> None:
        raise SystemExit(message)

    handler = Faulty()
    link = connected(handler)
    loop.set_exception_handler(leave)
    link.peer.send(b"x")
    link.wait()
    with pytest.raises(SystemExit):
        loop.run_once(0)
    settle(loop)
    assert handler.events == ["connection_made", "data_received", "connection_lost"]
    assert isinstance(handler.error, ValueError)


def test_row_204_at_a_deadline_that_was_slept_through_all_is_tried(
    loop: EventLoop, clock: ManualClock, connected: Connect
) -> None:
    handler = RecordingHandler()
    link = connected(handler)
    for _ in range(250):
        link.stream.write(bytes(4096))
    link.stream.close(timeout=5.0)
    clock.advance(3600.0)
    settle(loop)
    assert handler.error is None


# -- row 207, the stream's share ----------------------------------------------


def test_row_207_a_last_word_to_who_is_still_to_be_told_is_no_mistake(
    loop: EventLoop, reported: Reported
) -> None:
    class Polite(RecordingHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            for other in room:
                if other.stream is not None and "connection_lost" not in other.events:
                    other.stream.write(b"somebody left")

    room = [Polite(), Polite()]
    stream_pair(loop, *room)
    loop.run_once(0)
    loop.close()
    assert reported == []


# -- row 208: both halves are over ----------------------------------------------


def test_row_208_who_paused_for_room_and_half_closed_goes_on(
    loop: EventLoop, connected: Connect
) -> None:
    handler = Pausing()
    link = connected(handler)
    link.stream.write(bytes(300_000))
    link.stream.write_eof()
    link.peer.end()

    def read_and_look() -> bool:
        link.peer.pull()
        return lost(handler)() is True

    iterate_until(loop, read_and_look, 100)
    assert len(link.peer.received) == 300_000


# -- row 211: bounds are bounds of memory ----------------------------------------------


def test_row_211_many_small_writes_keep_no_more_than_twice_their_payload() -> None:
    def write() -> SendQueue:
        queue = SendQueue()
        for number in range(20_000):
            queue.append(b"%03d" % (number % 1000))
        return queue

    assert memory_left(write) < 2 * 60_000


def test_row_211_what_has_been_joined_is_not_joined_again() -> None:
    queue = SendQueue()
    for number in range(100_000):
        queue.append(b"%03d" % (number % 1000))
    pieces: list[bytes] = []

    def send(data: bytes | memoryview) -> int:
        pieces.append(bytes(data))
        return len(data)

    while queue.size:
        queue.send_to(send)
    assert b"".join(pieces) == b"".join(b"%03d" % (number % 1000) for number in range(100_000))
    assert max(map(len, pieces)) < 70_000


def test_row_211_the_beginning_of_a_line_does_not_keep_its_block() -> None:
    def leave_ten_bytes() -> list[ReceiveBuffer]:
        buffers = [ReceiveBuffer() for _ in range(50)]
        for buffer in buffers:
            buffer.append(bytes(bytearray(b"x" * 99 + b"\n") * 320) + b"unfinished")
            while buffer.take_line(limit=100) is not None:
                pass
        return buffers

    assert memory_left(leave_ten_bytes) < 50 * 1024


def test_row_211_what_is_left_of_a_block_does_not_keep_it_though_nobody_asks_for_more() -> None:
    def leave_three_bytes() -> list[ReceiveBuffer]:
        buffers = [ReceiveBuffer() for _ in range(50)]
        for buffer in buffers:
            buffer.append(bytes(bytearray(32 * 1024)))
            buffer.take_exactly(32 * 1024 - 3)
        return buffers

    assert memory_left(leave_three_bytes) < 50 * 1024


def test_row_211_a_buffer_from_which_all_was_taken_keeps_nothing() -> None:
    def take_all() -> list[ReceiveBuffer]:
        buffers = [ReceiveBuffer() for _ in range(50)]
        for buffer in buffers:
            buffer.append(bytes(bytearray(32 * 1024)))
            buffer.discard(32 * 1024)
        return buffers

    assert memory_left(take_all) < 50 * 1024
