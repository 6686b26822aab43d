"""A checker that can't fail is none: each complaint of the auditor is provoked by a planted bug.

And the very programs into which the bugs are planted pass as long as nothing is planted.
"""

import ast
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    Address,
    Connector,
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    Listener,
    ReceiveBuffer,
    SendQueue,
    Stream,
    StreamHandler,
    Watcher,
    bind_udp,
    connect,
    listen,
)
from reactor import stream as stream_module
from reactor.testing import Faults, RecordingHandler, Simulation, Violation, stream_pair
from reactor.testing.simulated import audit
from reactor.timers import TimerQueue

Patch: TypeAlias = pytest.MonkeyPatch
Program: TypeAlias = Callable[[Simulation], object]

SERVER = ("127.0.0.1", 7000)
SLOW = Faults(delay=1.0)
"""Nothing goes wrong, but connecting takes its time."""
MANY = bytes(300_000)
"""More than a connection of two sockets in one process holds."""


# -- programs without a bug ------------------------------------------------------------------


def say_hello(simulation: Simulation) -> None:
    """A stream says hello and closes; so does the other."""
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(b"hello")
    left.close()
    simulation.run(10.0)


def write_much(simulation: Simulation) -> None:
    """A peer that reads everything, but not at once."""
    left, right = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(MANY)
    right.pause_reading()
    simulation.loop.call_later(1.0, right.resume_reading)
    simulation.run(10.0)
    left.close()
    simulation.run(10.0)


def write_in_vain(simulation: Simulation) -> None:
    """A peer that does not read, until the writer has closed and given up."""
    left, right = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    right.pause_reading()
    left.write(MANY)
    left.close(timeout=1.0)
    simulation.run(10.0)


def overflow(simulation: Simulation) -> None:
    """One write more than the limit allows."""
    left, right = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.set_write_buffer_limits(high=1, limit=10)
    right.pause_reading()
    left.write(MANY)
    left.write(MANY)
    left.write(MANY)
    simulation.run(10.0)


def hoard(simulation: Simulation) -> None:
    """A handler that never takes what it is given."""

    class Hoarder(StreamHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            """Not yet."""

    left, _ = stream_pair(simulation.loop, StreamHandler(), Hoarder())
    left.write(bytes(2_000_000))
    simulation.run(10.0)


def write_more_when_asked(simulation: Simulation) -> None:
    """A handler that writes as soon as it may: while the loop flushes, for the next time."""

    class Writer(RecordingHandler):
        def resume_writing(self) -> None:
            super().resume_writing()
            assert self.stream is not None
            self.stream.write(b"more")

    writer = Writer()
    stream, _ = stream_pair(simulation.loop, writer, RecordingHandler())
    stream.set_write_buffer_limits(0)
    stream.write(b"x")
    simulation.run_until(lambda: writer.events.count("resume_writing") == 2)


def take_a_line_at_a_time(simulation: Simulation) -> None:
    """A handler that pauses with whole lines left, and goes on by a timer."""

    class OneByOne(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            line = buffer.take_line(limit=10)
            if line is not None and self.stream is not None:
                self.received += line
                self.stream.pause_reading()
                simulation.loop.call_later(0.1, self.stream.resume_reading)

    left, _ = stream_pair(simulation.loop, StreamHandler(), OneByOne())
    left.write(b"one\ntwo\nsix\n")
    left.write_eof()
    simulation.run(10.0)


def half_close_both_ways(simulation: Simulation) -> None:
    """Each side ends its output and leaves the other time to end its own."""
    left, right = stream_pair(
        simulation.loop, RecordingHandler(keep_open=True), RecordingHandler(keep_open=True)
    )
    left.write_eof()
    simulation.loop.call_later(1.0, right.write_eof)
    simulation.run(10.0)


def set_timers(simulation: Simulation) -> None:
    """Timers of each kind, while the loop has other things to do."""
    simulation.loop.call_later(1.0, int)
    simulation.loop.call_at(2.0, int)
    simulation.loop.call_every(3.0, int)
    simulation.run(10.0)


def set_metronome(simulation: Simulation) -> None:
    """A repeated timer alone."""
    simulation.loop.call_every(3.0, int)
    simulation.run(10.0)


def accept_one(simulation: Simulation) -> None:
    """A listener that closes as soon as somebody has come."""
    door = listen(simulation.loop, lambda: StreamHandler(), *SERVER)
    visitor = RecordingHandler()
    connect(simulation.loop, visitor, *SERVER)
    simulation.run_until(lambda: visitor.events)
    door.close()
    simulation.run(10.0)


def call_off(simulation: Simulation) -> None:
    """An attempt to connect that is called off before its time."""
    listen(simulation.loop, StreamHandler, *SERVER)
    attempt = connect(simulation.loop, StreamHandler(), *SERVER)
    simulation.loop.call_later(0.5, attempt.cancel)
    simulation.run(10.0)


def send_datagrams(simulation: Simulation) -> None:
    """One endpoint sends to another, in all ways; then both close."""
    loop = simulation.loop
    left = bind_udp(loop, DatagramHandler(), "127.0.0.1", 0)
    right = bind_udp(loop, DatagramHandler(), "127.0.0.1", 0)
    left.send(b"one", right.sockname)
    left.send_batch(DatagramBatch.of([b"two", b"six"]), right.sockname)
    simulation.run(1.0)
    left.close()
    right.close()
    simulation.run(1.0)


PROGRAMS: list[Program] = [
    say_hello,
    write_much,
    write_in_vain,
    overflow,
    hoard,
    set_timers,
    set_metronome,
    accept_one,
    call_off,
    send_datagrams,
    write_more_when_asked,
    take_a_line_at_a_time,
    half_close_both_ways,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_nothing_is_said_against_a_program_without_a_bug(program: Program) -> None:
    with Simulation(faults=SLOW) as simulation:
        program(simulation)


# -- bugs ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bug:
    """A bug that can be planted, in a program that shows it."""

    plant: Callable[[Simulation, Patch], object]
    complaint: str


BUGS: list[Bug] = []


def found(complaint: str) -> Callable[[Callable[[Simulation, Patch], object]], object]:
    """One more bug, and what must be said of it."""

    def note(plant: Callable[[Simulation, Patch], object]) -> object:
        BUGS.append(Bug(plant, complaint))
        return plant

    return note


def complaints_about(bug: Bug, patch: Patch) -> str:
    with pytest.raises(Violation) as caught, Simulation(faults=SLOW) as simulation:
        bug.plant(simulation, patch)
    return str(caught.value)


# -- bugs in what a stream sends -------------------------------------------------------------


@found(r"5 bytes wait, not 4")
def a_stream_that_loses_a_byte(simulation: Simulation, patch: Patch) -> None:
    append = SendQueue.append
    patch.setattr(SendQueue, "append", lambda queue, data: append(queue, data[:-1]))
    say_hello(simulation)


@found(r"5 bytes wait, not 10")
def a_stream_that_doubles_what_was_written(simulation: Simulation, patch: Patch) -> None:
    append = SendQueue.append
    patch.setattr(SendQueue, "append", lambda queue, data: append(queue, data * 2))
    say_hello(simulation)


@found(r"what was sent is not what was written")
def a_stream_that_reorders_what_was_written(simulation: Simulation, patch: Patch) -> None:
    peek = SendQueue.peek
    patch.setattr(SendQueue, "peek", lambda queue: bytes(peek(queue))[::-1])
    say_hello(simulation)


@found(r"0 bytes wait, not 1")
def a_stream_that_sends_again_what_was_taken(simulation: Simulation, patch: Patch) -> None:
    advance = SendQueue.advance
    patch.setattr(SendQueue, "advance", lambda queue, count: advance(queue, count - 1))
    say_hello(simulation)


@found(r"half-closed with 5 bytes unsent")
def a_stream_that_half_closes_before_it_has_sent_all(simulation: Simulation, patch: Patch) -> None:
    flush = Stream._flush

    def shut_first(stream: Stream) -> None:
        stream._shut_output()
        flush(stream)

    patch.setattr(Stream, "_flush", shut_first)
    say_hello(simulation)


@found(r"closed cleanly, but \d+ bytes were never sent")
def a_stream_that_calls_an_unsent_rest_a_clean_end(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "_on_deadline", lambda stream: stream._end(None))
    write_in_vain(simulation)


@found(r"closed cleanly, but the peer was not told of the end")
def a_stream_that_closes_without_half_closing(simulation: Simulation, patch: Patch) -> None:
    def close(stream: Stream, timeout: float = 5.0) -> None:
        stream._flush()
        stream._set_deadline(timeout)
        stream._end(None)

    patch.setattr(Stream, "close", close)
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    simulation.run(1.0)
    left.write(b"hello")
    left.close()
    simulation.run(10.0)


@found(r"bytes wait, and nobody waits for the socket to take them")
def a_stream_that_forgets_to_wait_for_its_socket(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "_watch_output", lambda stream: None)
    write_much(simulation)


@found(r"what was written was dropped, and nothing had failed")
def a_stream_that_drops_what_was_written(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "pause_reading", lambda stream: stream._queue.clear())
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(b"hello")
    left.pause_reading()
    simulation.run(10.0)


@found(r"the queue is low, and resume_writing has not come")
def a_stream_that_does_not_ask_for_more(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "_resume_writing", lambda stream: None)
    write_more_when_asked(simulation)


@found(r"both halves are over, and the stream is not")
def a_stream_that_outlives_both_its_halves(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "_end_if_over", lambda stream: None)
    half_close_both_ways(simulation)


@found(r"\d+ bytes wait: more than the limit")
def a_stream_without_a_limit_to_what_waits(simulation: Simulation, patch: Patch) -> None:
    write = Stream.write

    def hoard(stream: Stream, data: bytes) -> bool:
        limit, stream._write_limit = stream._write_limit, 1 << 30
        try:
            return write(stream, data)
        finally:
            stream._write_limit = limit

    patch.setattr(Stream, "write", hoard)
    overflow(simulation)


# -- bugs in what a stream receives ----------------------------------------------------------


@found(r"5 bytes were received and not delivered")
def a_stream_that_drops_what_it_received(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(ReceiveBuffer, "append", lambda buffer, data: None)
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(b"hello")
    simulation.run(10.0)


@found(r"what was delivered is not what was received")
def a_stream_that_delivers_twice(simulation: Simulation, patch: Patch) -> None:
    append = ReceiveBuffer.append
    patch.setattr(ReceiveBuffer, "append", lambda buffer, data: append(buffer, data * 2))
    say_hello(simulation)


@found(r"what was delivered is not what was received")
def a_stream_that_alters_what_it_received(simulation: Simulation, patch: Patch) -> None:
    append = ReceiveBuffer.append
    patch.setattr(ReceiveBuffer, "append", lambda buffer, data: append(buffer, data.upper()))
    say_hello(simulation)


@found(r"\d+ bytes were left: more than the limit")
def a_stream_without_a_limit_to_what_is_left(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(stream_module, "_RECEIVE_LIMIT", None)
    hoard(simulation)


# -- bugs in what a stream tells its handler -------------------------------------------------


@found(r"connection_made was called 0 times, not 1")
def a_stream_that_delivers_before_connection_made(simulation: Simulation, patch: Patch) -> None:
    def make(stream: Stream) -> None:
        stream._life = stream_module.Life.OPEN
        stream._watch_input()

    patch.setattr(Stream, "_make", make)
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    simulation.run(1.0)
    left.write(b"hello")
    simulation.run(1.0)


@found(r"connection_made was called 1 times, not 0")
def a_stream_that_is_made_twice(simulation: Simulation, patch: Patch) -> None:
    make = Stream._make

    def twice(stream: Stream) -> None:
        make(stream)
        make(stream)

    patch.setattr(Stream, "_make", twice)
    say_hello(simulation)


@found(r"the end of input was told twice")
def a_stream_that_tells_the_end_of_input_twice(simulation: Simulation, patch: Patch) -> None:
    receive_eof = Stream._receive_eof

    def twice(stream: Stream) -> None:
        receive_eof(stream)
        stream._handler.eof_received()

    patch.setattr(Stream, "_receive_eof", twice)
    say_hello(simulation)


@found(r"the handler was called after connection_lost")
def a_stream_that_tells_its_end_twice(simulation: Simulation, patch: Patch) -> None:
    finish = Stream.finish

    def twice(stream: Stream) -> None:
        handler = stream._handler
        finish(stream)
        handler.connection_lost(None)

    patch.setattr(Stream, "finish", twice)
    say_hello(simulation)


@found(r"the handler was called after connection_lost")
def a_stream_that_delivers_after_the_end(simulation: Simulation, patch: Patch) -> None:
    finish = Stream.finish

    def finish_too_early(stream: Stream) -> None:
        handler = stream._handler
        finish(stream)
        handler.data_received(stream._buffer)

    patch.setattr(Stream, "finish", finish_too_early)
    say_hello(simulation)


@found(r"the handler was called after connection_lost")
def a_stream_that_resumes_writing_after_the_end(simulation: Simulation, patch: Patch) -> None:
    finish = Stream.finish

    def finish_too_early(stream: Stream) -> None:
        handler = stream._handler
        finish(stream)
        handler.resume_writing()

    patch.setattr(Stream, "finish", finish_too_early)
    say_hello(simulation)


@found(r"connection_lost was called 0 times after connection_made")
def a_stream_that_never_tells_its_end(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "finish", lambda stream: stream._loop.detach(stream))
    say_hello(simulation)


@found(r"connection_lost was called 2 times after connection_made")
def a_stream_whose_end_is_told_again_when_the_loop_closes(
    simulation: Simulation, patch: Patch
) -> None:
    handlers: list[StreamHandler] = []
    finish, close = Stream.finish, EventLoop.close

    def keep(stream: Stream) -> None:
        handlers.append(stream._handler)
        finish(stream)

    def tell_all_again(loop: EventLoop) -> None:
        close(loop)
        for handler in handlers:
            handler.connection_lost(None)

    patch.setattr(Stream, "finish", keep)
    patch.setattr(EventLoop, "close", tell_all_again)
    say_hello(simulation)


@found(r"the handler of <Stream right .*> raised: ValueError\('careless'\)")
def a_handler_that_raises(simulation: Simulation, patch: Patch) -> None:
    class Careless(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            raise ValueError("careless")

    stream_pair(simulation.loop, Careless(), StreamHandler())
    simulation.run(1.0)


# -- bugs in timers and in the loop ----------------------------------------------------------


def early(patch: Patch) -> None:
    expire, pop_expired = TimerQueue.expire, TimerQueue.pop_expired
    patch.setattr(TimerQueue, "expire", lambda queue, now: expire(queue, now + 0.01))
    patch.setattr(TimerQueue, "pop_expired", lambda queue, now: pop_expired(queue, now + 0.01))
    patch.setattr(TimerQueue, "next_when", lambda queue: min(queue._heap)[0] - 0.01)


@found(r"a timer that is due at [\d.]+ ran at 0\.99")
def a_timer_that_runs_early(simulation: Simulation, patch: Patch) -> None:
    early(patch)
    set_timers(simulation)


@found(r"a timer that is due at [\d.]+ ran at 2\.99")
def a_repeated_timer_that_runs_early(simulation: Simulation, patch: Patch) -> None:
    early(patch)
    set_metronome(simulation)


@found(r"a timer that is due at 6\.0\d* ran at 3\.")
def a_repeated_timer_that_loses_its_rhythm(simulation: Simulation, patch: Patch) -> None:
    add = TimerQueue.add

    def with_an_echo(queue: TimerQueue, when: float, *rest: Any) -> object:
        add(queue, when + 0.01, *rest)
        return add(queue, when, *rest)

    patch.setattr(TimerQueue, "add", with_an_echo)
    set_metronome(simulation)


@found(r"the loop is still busy: it turns and turns")
def a_loop_that_never_comes_to_rest(simulation: Simulation, patch: Patch) -> None:
    patch.setattr("reactor.testing.simulation._MAX_TURNS", 1000)

    def again() -> None:
        simulation.loop.call_soon(again)

    again()
    simulation.run(1.0)


# -- bugs in watchers and descriptors --------------------------------------------------------


@found(r"2 tcp unnamed to unnamed wakes the loop, and nothing comes of it: it spins")
def a_watcher_that_does_not_read(simulation: Simulation, patch: Patch) -> None:
    near, far = free_pair(simulation)
    simulation.loop.register(near, EVENT_READ, lambda events: None)
    far.send(b"x")
    simulation.run(1.0)


@found(r"wakes the loop, and nothing comes of it: it spins")
def a_stream_that_waits_to_write_with_nothing_to_say(simulation: Simulation, patch: Patch) -> None:
    watch = Stream._watch
    patch.setattr(Stream, "_watch", lambda stream, events: watch(stream, events | EVENT_WRITE))
    stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    simulation.run(1.0)


@found(r"descriptor 100000\d is watched, but closed")
def a_watcher_left_on_a_closed_descriptor(simulation: Simulation, patch: Patch) -> None:
    near, far = free_pair(simulation)
    simulation.loop.register(near, EVENT_READ, lambda events: None)
    near.close()
    far.close()
    simulation.run(1.0)


@found(r"descriptor 100000\d is watched, but closed")
def a_watcher_left_on_a_number_that_is_anothers_now(simulation: Simulation, patch: Patch) -> None:
    near, far = free_pair(simulation)
    simulation.loop.register(near, EVENT_READ, lambda events: None)
    number = near.fileno()
    near.close()
    with far, simulation.network.socket() as another:
        assert another.fileno() == number
        simulation.run(1.0)


@found(r"is watched for 1, not 3")
def a_watcher_that_does_not_tell_the_selector(simulation: Simulation, patch: Patch) -> None:
    modify = Watcher.modify

    def forget(watcher: Watcher, events: int) -> None:
        if watcher.events and events:
            watcher.events = events
        else:
            modify(watcher, events)

    patch.setattr(Watcher, "modify", forget)
    write_much(simulation)


@found(r"is watched, but nobody owns it any more")
def a_listener_that_does_not_stop_watching(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Listener, "close", lambda listener: listener._loop.detach(listener))
    accept_one(simulation)


@found(r"is watched, but nobody owns it any more")
def a_connector_that_does_not_let_go(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Connector, "cancel", lambda connector: connector._loop.detach(connector))
    call_off(simulation)


@found(r"is watched, but nobody owns it any more")
def an_endpoint_that_does_not_stop_watching(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "close", DatagramEndpoint.finish)
    send_datagrams(simulation)


@found(r"is watched, but nobody owns it any more")
def a_stream_that_does_not_stop_watching(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "close", lambda stream: stream._loop.detach(stream))
    say_hello(simulation)


@found(r"2 tcp unnamed to unnamed was never closed")
def a_program_that_leaves_a_descriptor_open(simulation: Simulation, patch: Patch) -> None:
    free_pair(simulation)[1].close()


@found(r"tcp 127\.0\.0\.1:7000 was never closed")
def a_listener_that_does_not_close_its_socket(simulation: Simulation, patch: Patch) -> None:
    def close(listener: Listener) -> None:
        listener._watchers[0].close()
        listener._loop.detach(listener)

    patch.setattr(Listener, "close", close)
    accept_one(simulation)


def free_pair(simulation: Simulation) -> tuple[socket.socket, socket.socket]:
    """Two connected sockets that are nobody's but the test's."""
    return simulation.network.socketpair()


# -- bugs in endpoints -----------------------------------------------------------------------


@found(r"counts 0 datagrams sent and 0 received; the system counts 3 and 0")
def an_endpoint_that_does_not_count_what_it_sends(simulation: Simulation, patch: Patch) -> None:
    send_batch = DatagramEndpoint.send_batch

    def forget(endpoint: DatagramEndpoint, batch: DatagramBatch, address: Address) -> int:
        taken = send_batch(endpoint, batch, address)
        endpoint.counters.sent = 0
        return taken

    patch.setattr(DatagramEndpoint, "send_batch", forget)
    send_datagrams(simulation)


@found(r"counts 0 datagrams sent and 6 received; the system counts 0 and 3")
def an_endpoint_that_counts_twice_what_it_receives(simulation: Simulation, patch: Patch) -> None:
    def twice(handler: object, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        endpoint.counters.received += len(batch)

    patch.setattr(DatagramHandler, "datagrams_received", twice)
    send_datagrams(simulation)


@found(r"called its handler after connection_lost")
def an_endpoint_that_delivers_after_the_end(simulation: Simulation, patch: Patch) -> None:
    finish = DatagramEndpoint.finish

    def deliver_after(endpoint: DatagramEndpoint) -> None:
        handler = endpoint.handler
        finish(endpoint)
        assert handler is not None
        handler.datagrams_received(endpoint, DatagramBatch.of([b"late"]))

    patch.setattr(DatagramEndpoint, "finish", deliver_after)
    send_datagrams(simulation)


@found(r"delivered an empty batch")
def an_endpoint_that_delivers_nothing(simulation: Simulation, patch: Patch) -> None:
    close = DatagramEndpoint.close

    def deliver_nothing(endpoint: DatagramEndpoint) -> None:
        assert endpoint.handler is not None
        endpoint.handler.datagrams_received(endpoint, DatagramBatch.of([]))
        close(endpoint)

    patch.setattr(DatagramEndpoint, "close", deliver_nothing)
    send_datagrams(simulation)


@found(r"an endpoint called connection_lost 0 times")
def an_endpoint_that_never_tells_its_end(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "finish", lambda endpoint: simulation.loop.detach(endpoint))
    send_datagrams(simulation)


@found(r"an endpoint called connection_lost 2 times")
def an_endpoint_that_tells_its_end_twice(simulation: Simulation, patch: Patch) -> None:
    finish = DatagramEndpoint.finish

    def twice(endpoint: DatagramEndpoint) -> None:
        handler = endpoint.handler
        finish(endpoint)
        assert handler is not None
        handler.connection_lost(None)

    patch.setattr(DatagramEndpoint, "finish", twice)
    send_datagrams(simulation)


# -- bugs that only the mended auditor finds -------------------------------------------------


@found(r"the end of input was told, and has not come")
def a_stream_that_tells_an_end_that_has_not_come(simulation: Simulation, patch: Patch) -> None:
    deliver = Stream._deliver

    def deliver_and_end(stream: Stream) -> None:
        deliver(stream)
        stream._receive_eof()

    patch.setattr(Stream, "_deliver", deliver_and_end)
    say_hello(simulation)


@found(r"nobody waits for what the peer has to say")
def a_stream_that_does_not_read_again_after_a_pause(simulation: Simulation, patch: Patch) -> None:
    def forget_to_watch(stream: Stream) -> None:
        stream._input = stream_module.Input.OPEN

    patch.setattr(Stream, "resume_reading", forget_to_watch)
    write_much(simulation)


@found(r"the socket was read before its turn")
def a_stream_that_reads_on_while_a_rest_is_held(simulation: Simulation, patch: Patch) -> None:
    def watch_at_once(stream: Stream) -> None:
        if stream._input is not stream_module.Input.ENDED:
            stream._watch(EVENT_READ)

    patch.setattr(Stream, "_watch_input", watch_at_once)
    take_a_line_at_a_time(simulation)


@found(r"bytes were received and not delivered")
def a_buffer_that_loses_a_byte(simulation: Simulation, patch: Patch) -> None:
    append = ReceiveBuffer.append
    patch.setattr(ReceiveBuffer, "append", lambda buffer, data: append(buffer, data[:-1]))
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(b"hello")
    simulation.run(10.0)


@found(r"nobody was told what became of an attempt to connect")
def a_connector_that_does_not_tell_that_it_gave_up(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Connector, "finish", lambda connector: connector._loop.detach(connector))
    connect(simulation.loop, StreamHandler(), *SERVER)
    simulation.run(20.0)


@found(r"a timer that was due at 1\.0\d* has not run")
def a_timer_that_is_lost(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(TimerQueue, "_push", lambda queue, timer: None)
    simulation.loop.call_later(1.0, int)
    patch.undo()
    set_timers(simulation)


# -- and each of them is found ---------------------------------------------------------------


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.plant.__name__)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: Patch) -> None:
    assert re.search(bug.complaint, complaints_about(bug, monkeypatch))


def complaints_in_source() -> Iterator[str]:
    """A pattern for each complaint that the auditor can make."""
    for node in ast.walk(ast.parse(Path(audit.__file__).read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr in ("complain", "_complain"):
            (text, *_) = node.args
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            words = [re.escape(part.value) if is_words(part) else ".*" for part in parts]  # type: ignore[attr-defined]
            yield "".join(words)


def is_words(part: ast.expr) -> bool:
    return isinstance(part, ast.Constant) and isinstance(part.value, str)


def test_each_complaint_is_provoked_by_some_bug() -> None:
    made = []
    for bug in BUGS:
        with pytest.MonkeyPatch.context() as patch:
            made.append(complaints_about(bug, patch))
    wanted = list(complaints_in_source())
    assert len(wanted) > 20
    assert [each for each in wanted if not re.search(each, "\n".join(made))] == []


# -- what is said and when -------------------------------------------------------------------


def test_all_that_is_wrong_in_a_turn_is_said_together() -> None:
    with pytest.raises(Violation, match=r"^2 tcp .* was never closed; 3 tcp .* was never closed$"):
        with Simulation() as simulation:
            free_pair(simulation)


def test_a_complaint_stands_in_the_transcript() -> None:
    with Simulation() as simulation:
        near, far = free_pair(simulation)
        with near, far, pytest.raises(Violation, match="never closed"):
            simulation.check_nothing_is_left()
    assert "auditor                       VIOLATION: 2 tcp" in simulation.transcript


def test_a_violation_has_what_the_handler_raised_as_its_cause() -> None:
    class Careless(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            raise ValueError("careless")

    with Simulation() as simulation:
        stream_pair(simulation.loop, Careless(), StreamHandler())
        with pytest.raises(Violation) as caught:
            simulation.run(1.0)
    assert isinstance(caught.value.__cause__, ValueError)


def test_of_several_handlers_that_raise_all_are_told_and_the_first_is_the_cause() -> None:
    class Careless(StreamHandler):
        def __init__(self, name: str) -> None:
            self._name = name

        def connection_made(self, stream: Stream) -> None:
            raise ValueError(self._name)

    with Simulation() as simulation:
        stream_pair(simulation.loop, Careless("left"), Careless("right"))
        with pytest.raises(Violation, match=r"'left'.*; .*'right'") as caught:
            simulation.run(1.0)
    assert str(caught.value.__cause__) == "left"


def test_what_a_program_reports_itself_is_no_violation() -> None:
    class Careless(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            raise ValueError("careless")

    reported: list[Exception] = []
    with Simulation() as simulation:
        simulation.loop.set_exception_handler(lambda message, exc: reported.append(exc))
        stream_pair(simulation.loop, Careless(), StreamHandler())
        simulation.run(1.0)
    assert [str(exc) for exc in reported] == ["careless"]


def test_a_bug_that_is_not_there_any_more_is_not_said_again() -> None:
    with Simulation() as simulation:
        near, far = free_pair(simulation)
        watcher = simulation.loop.register(near, EVENT_READ, lambda events: None)
        near.close()
        with pytest.raises(Violation, match="closed"):
            simulation.run(1.0)
        watcher.close()
        far.close()
        simulation.run(1.0)
