"""Bugs in what a stream receives, planted in its socket and its buffer."""

from collections.abc import Callable
from typing import Any

from reactor import EVENT_READ, ReceiveBuffer, StreamHandler, Watcher
from reactor.testing import Simulation, stream_pair
from reactor.testing.simulated.stream_audit import StreamAudit
from reactor.testing.simulated.tcp import TcpSocket
from tests.testing.simulated.bugs.bug import Patch, found
from tests.testing.simulated.bugs.programs import (
    hoard,
    say_hello,
    take_a_line_at_a_time,
    write_much,
)


def hear(patch: Patch, change: Callable[[bytes], bytes]) -> None:
    """Let each socket give something else than what has come."""
    receive = TcpSocket.recv
    patch.setattr(TcpSocket, "recv", lambda sock, *rest: change(receive(sock, *rest)))


@found(r"5 bytes were received and not delivered")
def a_stream_that_drops_what_it_received(simulation: Simulation, patch: Patch) -> None:
    def drop(data: bytes) -> bytes:
        raise BlockingIOError

    hear(patch, drop)
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(b"hello")
    simulation.run(10.0)


@found(r"what was delivered is not what was received")
def a_stream_that_delivers_twice(simulation: Simulation, patch: Patch) -> None:
    hear(patch, lambda data: data * 2)
    say_hello(simulation)


@found(r"what was delivered is not what was received")
def a_stream_that_alters_what_it_received(simulation: Simulation, patch: Patch) -> None:
    hear(patch, bytes.upper)
    say_hello(simulation)


@found(r"what was delivered is not what was received")
def a_buffer_that_loses_a_byte(simulation: Simulation, patch: Patch) -> None:
    append = ReceiveBuffer.append
    patch.setattr(ReceiveBuffer, "append", lambda buffer, data: append(buffer, data[:-1]))
    say_hello(simulation)


@found(r"what was delivered is not what was received")
def a_buffer_that_is_wrong_about_its_position(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(ReceiveBuffer, "position", 3)
    take_a_line_at_a_time(simulation)


@found(r"\d+ bytes were left: more than the limit")
def a_stream_without_a_limit_to_what_is_left(simulation: Simulation, patch: Patch) -> None:
    make = ReceiveBuffer.__init__
    patch.setattr(ReceiveBuffer, "__init__", lambda buffer, *limit: make(buffer))
    hoard(simulation)


@found(r"the end of input was told, and has not come")
def a_stream_that_tells_an_end_that_has_not_come(simulation: Simulation, patch: Patch) -> None:
    deliver = StreamAudit.data_received

    def deliver_and_end(audit: StreamAudit, buffer: ReceiveBuffer) -> None:
        deliver(audit, buffer)
        audit.eof_received()

    patch.setattr(StreamAudit, "data_received", deliver_and_end)
    say_hello(simulation)


@found(r"nobody waits for what the peer has to say")
def a_stream_that_does_not_wait_for_its_peer(simulation: Simulation, patch: Patch) -> None:
    modify = Watcher.modify
    patch.setattr(Watcher, "modify", lambda watcher, events: modify(watcher, events & ~EVENT_READ))
    write_much(simulation)


@found(r"the socket was read before its turn")
def a_stream_that_reads_on_while_a_rest_is_held(simulation: Simulation, patch: Patch) -> None:
    modify = Watcher.modify

    def watch_always(watcher: Watcher, events: int) -> Any:
        modify(watcher, EVENT_READ)

    patch.setattr(Watcher, "modify", watch_always)
    take_a_line_at_a_time(simulation)
