"""Stream: exactly one end to each connection, whoever makes it, and in time."""

import errno
from collections.abc import Callable
from typing import Final

import pytest

from reactor import EventLoop, Instrument, ReceiveBuffer, Stream, StreamClosed
from reactor.testing import ManualClock, RecordingHandler, run_until, stream_pair
from tests.conftest import Connect
from tests.doubles.peer import Link, tcp_pair
from tests.doubles.spy_selector import SpySelector
from tests.size import thoroughly
from tests.stream.conftest import Keeper, Replier, pattern, settle

MIB: Final = 1024 * 1024


# -- close -------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", [0, *map(thoroughly, range(1, 5))])
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


def test_abort_closes_the_descriptor_at_once(link: Link) -> None:
    link.stream.abort()
    assert link.sock.fileno() < 0


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
