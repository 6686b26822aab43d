"""Programs without a bug, into which bugs are planted."""

from collections.abc import Callable
from typing import TypeAlias

from reactor import (
    DatagramBatch,
    DatagramHandler,
    ReceiveBuffer,
    StreamHandler,
    bind_udp,
    connect,
    listen,
)
from reactor.testing import Faults, RecordingHandler, Simulation, stream_pair

Program: TypeAlias = Callable[[Simulation], object]

SERVER = ("127.0.0.1", 7000)
SLOW = Faults(delay=1.0)
"""Nothing goes wrong, but connecting takes its time."""
MANY = bytes(300_000)
"""More than a connection of two sockets in one process holds."""


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
