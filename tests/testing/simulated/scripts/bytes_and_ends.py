"""Bytes there and back, and the end of either direction."""

import socket

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.script import script


@script
def bytes_there_and_back(bench: Bench) -> None:
    near, far = bench.connection()
    there_and_back(bench, near, far)


@script
def bytes_through_a_pair(bench: Bench) -> None:
    near, far = bench.pair()
    bench.call(near, "getsockname")
    bench.call(near, "getpeername")
    there_and_back(bench, near, far)


def there_and_back(bench: Bench, near: socket.socket, far: socket.socket) -> None:
    bench.settle((near, "w"), (far, "w"))
    bench.call(near, "recv", 10)
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    bench.take(near, 1)
    bench.settle((near, "w"))
    bench.call(near, "recv", 10)
    bench.call(near, "send", b"")
    bench.carry(far, near, b"there")
    bench.carry(near, far, b"and back")
    bench.settle((near, "w"), (far, "w"))


@script
def a_half_close(bench: Bench) -> None:
    half_close(bench, *bench.connection())


@script
def a_half_close_of_a_pair(bench: Bench) -> None:
    half_close(bench, *bench.pair())


def half_close(bench: Bench, near: socket.socket, far: socket.socket) -> None:
    bench.give(far, b"x")
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.take(near, 1)
    bench.settle((near, "rw"), (far, "w"))
    for _ in range(2):
        bench.call(near, "recv", 10)
    bench.call(far, "send", b"x")
    bench.call(far, "recv", 10)
    bench.give(near, b"x")
    bench.take(far, 1)
    bench.call(near, "getpeername")
    bench.call(near, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"), (far, "rw"))
    what_is_left(bench, near)
    what_is_left(bench, far)


@script
def an_end_that_is_not_read_at_once(bench: Bench) -> None:
    end_unread(bench, *bench.connection())


@script
def an_end_of_a_pair_that_is_not_read_at_once(bench: Bench) -> None:
    end_unread(bench, *bench.pair())


def end_unread(bench: Bench, near: socket.socket, far: socket.socket) -> None:
    bench.give(far, b"x")
    far.close()
    bench.settle((near, "rw"))
    bench.take(near, 1)
    bench.settle((near, "rw"))
    bench.error_of(near)
    bench.call(near, "recv", 10)
    bench.call(near, "getpeername")


def what_is_left(bench: Bench, sock: socket.socket) -> None:
    """The answers of an end that has heard, or said, the last."""
    bench.until(lambda: bench.readiness(sock) == "rw")
    bench.call(sock, "getsockname")
    bench.call(sock, "getpeername")
    bench.call(sock, "shutdown", socket.SHUT_WR)
    for _ in range(3):
        bench.call(sock, "recv", 10)
    for _ in range(2):
        bench.call(sock, "send", b"x")
    bench.error_of(sock)
    bench.settle((sock, "rw"))
