"""Streams and a diary for whoever tests a server of their own."""

import socket
import threading

import pytest

from reactor import EventLoop, Stream, StreamHandler
from reactor.testing import ManualClock, RecordingHandler, run_until, stream_pair
from tests.doubles.descriptors import open_descriptors
from tests.doubles.spy_selector import SpySelector

# -- stream_pair -------------------------------------------------------------------------


def test_what_one_writes_the_other_receives(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    first, second = stream_pair(loop, left, right)
    first.write(b"to the right")
    second.write(b"to the left")
    run_until(loop, lambda: left.received and right.received)
    assert left.received == b"to the left"
    assert right.received == b"to the right"


def test_both_handlers_are_told_in_the_next_iteration(loop: EventLoop) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    streams = stream_pair(loop, left, right)
    assert left.events == right.events == []
    loop.run_once(0)
    assert left.events == right.events == ["connection_made"]
    assert (left.stream, right.stream) == streams


def test_each_stream_of_a_pair_is_named_by_where_it_leads(loop: EventLoop) -> None:
    first, second = stream_pair(loop, StreamHandler(), StreamHandler())
    assert (first.peername, second.peername) == ("right", "left")


def test_closing_one_stream_closes_the_other(loop: EventLoop, clock: ManualClock) -> None:
    left, right = RecordingHandler(), RecordingHandler()
    first, _ = stream_pair(loop, left, right)
    first.close()
    loop.run()
    assert left.events == ["connection_made", "connection_lost"]
    assert right.events == ["connection_made", "eof_received", "connection_lost"]


def test_a_pair_leaves_no_descriptor_behind(loop: EventLoop) -> None:
    before = open_descriptors()
    first, second = stream_pair(loop, StreamHandler(), StreamHandler())
    first.abort()
    second.abort()
    loop.run()
    assert open_descriptors() == before


def test_a_pair_on_a_closed_loop_is_refused_and_leaks_nothing(loop: EventLoop) -> None:
    loop.close()
    before = open_descriptors()
    with pytest.raises(RuntimeError, match="closed") as caught:
        stream_pair(loop, StreamHandler(), StreamHandler())
    # The exception keeps alive what was made and not closed.
    assert caught.traceback
    assert open_descriptors() == before


def test_keepalive_of_a_pair_is_harmless(loop: EventLoop) -> None:
    class Server(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            stream.set_keepalive()
            super().connection_made(stream)

    server = Server()
    stream_pair(loop, server, StreamHandler())
    loop.run_once(0)
    assert server.events == ["connection_made"]


# -- RecordingHandler --------------------------------------------------------------------


def test_a_recording_handler_writes_down_each_call(loop: EventLoop) -> None:
    handler = RecordingHandler()
    stream, other = stream_pair(loop, handler, StreamHandler())
    stream.set_write_buffer_limits(high=0)
    stream.write(b"x")
    loop.run_once(0)
    other.write(b"one")
    other.write(b"two")
    other.close()
    loop.run()
    assert handler.events == [
        "connection_made",
        "resume_writing",
        "data_received",
        "eof_received",
        "connection_lost",
    ]
    assert handler.received == b"onetwo"
    assert handler.stream is stream
    assert handler.error is None


def test_a_recording_handler_keeps_what_was_in_the_way(loop: EventLoop) -> None:
    handler, error = RecordingHandler(), ConnectionRefusedError()
    handler.connection_failed(error)
    assert (handler.events, handler.error) == (["connection_failed"], error)


def test_a_recording_handler_can_keep_its_side_open(loop: EventLoop) -> None:
    handler, far = RecordingHandler(keep_open=True), RecordingHandler(keep_open=True)
    stream, other = stream_pair(loop, handler, far)
    other.write_eof()
    run_until(loop, lambda: "eof_received" in handler.events)
    stream.write(b"still here")
    run_until(loop, lambda: far.received)
    assert not stream.closing


# -- run_until ---------------------------------------------------------------------------


def test_run_until_does_not_iterate_when_the_condition_is_true_already(
    loop: EventLoop, selector: SpySelector
) -> None:
    run_until(loop, lambda: True)
    assert selector.timeouts == []


def test_run_until_iterates_until_the_condition_is_true(loop: EventLoop) -> None:
    seen: list[int] = []

    def count() -> None:
        seen.append(len(seen))
        loop.call_soon(count)

    count()
    run_until(loop, lambda: len(seen) == 3)
    assert seen == [0, 1, 2]


def test_run_until_sees_what_the_loop_does_not_watch(loop: EventLoop) -> None:
    done = threading.Event()
    near, far = socket.socketpair()
    with near, far:
        loop.register(near, 1, int)
        thread = threading.Thread(target=done.set)
        thread.start()
        run_until(loop, done.is_set)
        thread.join()


def test_run_until_gives_up_after_its_timeout(loop: EventLoop) -> None:
    with pytest.raises(AssertionError, match=r"still waiting after 0\.01 s"):
        run_until(loop, lambda: False, 0.01)


def test_run_until_measures_real_time_whatever_the_loop_does(
    loop: EventLoop, clock: ManualClock
) -> None:
    with pytest.raises(AssertionError, match="still waiting"):
        run_until(loop, lambda: False, 0.01)
