"""Stream: what is received is given to the handler, when it wants it, and so is the end."""

import errno
from typing import Final

import pytest

from reactor import BufferFull, EventLoop, ReceiveBuffer, Stream, StreamHandler
from reactor.testing import RecordingHandler, run_until
from tests.conftest import Connect
from tests.doubles.faulty_socket import Cut
from tests.doubles.peer import Link
from tests.doubles.spy_selector import SpySelector
from tests.stream.conftest import Keeper, Replier, pattern, settle

MIB: Final = 1024 * 1024


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
