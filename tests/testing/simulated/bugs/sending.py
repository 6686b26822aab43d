"""Bugs in what a stream sends, planted in its public methods and in its socket."""

import socket

from reactor import EVENT_WRITE, Stream, StreamHandler, Watcher
from reactor.testing import Simulation, stream_pair
from reactor.testing.simulated.stream_audit import StreamAudit
from reactor.testing.simulated.tcp import TcpSocket
from tests.testing.simulated.bugs.bug import Patch, found
from tests.testing.simulated.bugs.programs import (
    overflow,
    say_hello,
    write_in_vain,
    write_much,
)


@found(r"1 bytes wait, not 0")
def a_stream_that_loses_a_byte(simulation: Simulation, patch: Patch) -> None:
    send = TcpSocket.send
    patch.setattr(TcpSocket, "send", lambda sock, data: send(sock, data[:-1]) + 1)
    say_hello(simulation)


@found(r"5 bytes wait, not 10")
def a_stream_that_doubles_what_was_written(simulation: Simulation, patch: Patch) -> None:
    write = Stream.write
    patch.setattr(Stream, "write", lambda stream, data: write(stream, data * 2))
    say_hello(simulation)


@found(r"what was sent is not what was written")
def a_stream_that_reorders_what_was_written(simulation: Simulation, patch: Patch) -> None:
    send = TcpSocket.send
    patch.setattr(TcpSocket, "send", lambda sock, data: send(sock, bytes(data)[::-1]))
    say_hello(simulation)


@found(r"0 bytes wait, not 1")
def a_stream_that_keeps_what_was_taken(simulation: Simulation, patch: Patch) -> None:
    send = TcpSocket.send
    patch.setattr(TcpSocket, "send", lambda sock, data: send(sock, data) - 1)
    say_hello(simulation)


@found(r"5 bytes wait, not 0")
def a_stream_that_drops_what_was_written(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "write", lambda stream, data: True)
    say_hello(simulation)


@found(r"half-closed with 5 bytes unsent")
def a_stream_that_half_closes_before_it_has_sent_all(simulation: Simulation, patch: Patch) -> None:
    send = TcpSocket.send

    def shut_first(sock: TcpSocket, data: bytes) -> int:
        sock.shutdown(socket.SHUT_WR)
        return send(sock, data)

    patch.setattr(TcpSocket, "send", shut_first)
    say_hello(simulation)


@found(r"closed cleanly, but \d+ bytes were never sent")
def a_stream_that_calls_an_unsent_rest_a_clean_end(simulation: Simulation, patch: Patch) -> None:
    tell = StreamAudit.connection_lost
    patch.setattr(StreamAudit, "connection_lost", lambda audit, exc: tell(audit, None))
    write_in_vain(simulation)


@found(r"closed cleanly, but the peer was not told of the end")
def a_stream_that_closes_without_half_closing(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(TcpSocket, "shutdown", lambda sock, how: None)
    say_hello(simulation)


@found(r"bytes wait, and nobody waits for the socket to take them")
def a_stream_that_forgets_to_wait_for_its_socket(simulation: Simulation, patch: Patch) -> None:
    modify = Watcher.modify
    patch.setattr(Watcher, "modify", lambda watcher, events: modify(watcher, events & ~EVENT_WRITE))
    write_much(simulation)


@found(r"the queue is low, and resume_writing has not come")
def a_stream_that_does_not_ask_for_more(simulation: Simulation, patch: Patch) -> None:
    write = Stream.write
    patch.setattr(Stream, "write", lambda stream, data: write(stream, data) and False)
    left, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    left.write(b"hello")
    simulation.run(10.0)


@found(r"both halves are over, and the stream is not")
def a_stream_that_outlives_both_its_halves(simulation: Simulation, patch: Patch) -> None:
    receive = TcpSocket.recv

    def miss_the_end(sock: TcpSocket, size: int, flags: int = 0) -> bytes:
        data = receive(sock, size, flags)
        if not data:
            raise BlockingIOError
        return data

    patch.setattr(TcpSocket, "recv", miss_the_end)
    for stream in stream_pair(simulation.loop, StreamHandler(), StreamHandler()):
        stream.write_eof()
    simulation.run(10.0)


@found(r"\d+ bytes wait: more than the limit")
def a_stream_without_a_limit_to_what_waits(simulation: Simulation, patch: Patch) -> None:
    write = Stream.write

    def write_anyway(stream: Stream, data: bytes) -> bool:
        state = stream.state
        stream.set_write_buffer_limits(high=1_000_000_000, limit=1_000_000_000)
        answer = write(stream, data)
        stream.set_write_buffer_limits(state.high, state.low, state.limit)
        return answer

    patch.setattr(Stream, "write", write_anyway)
    overflow(simulation)
