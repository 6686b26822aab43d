"""A peer that does not read: how much the system takes, and what it says then."""

import socket

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.script import script


@script
def a_peer_that_does_not_read(bench: Bench) -> None:
    listener = bench.listener()
    # Accepted sockets inherit it: less to fill.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    near = bench.caller("near", listener)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    bench.settle((listener, "r"))
    full_buffers(bench, near, bench.accept(listener, "far"))


@script
def a_pair_that_is_full(bench: Bench) -> None:
    full_buffers(bench, *bench.pair())


def full_buffers(bench: Bench, near: socket.socket, far: socket.socket) -> None:
    sent = fill(bench, near)
    bench.settle((far, "rw"))
    bench.note("drained", drain(bench, far, sent) == sent)
    bench.settle((near, "w"), (far, "w"))
    bench.carry(near, far, b"more")


def fill(bench: Bench, sock: socket.socket) -> int:
    """Send until there is no room, and the selector says so, too."""
    size = 0
    while True:
        try:
            size += sock.send(bytes(2000))
        except BlockingIOError:
            if bench.readiness(sock) == "":
                return size


def drain(bench: Bench, sock: socket.socket, size: int) -> int:
    received = 0
    while received < size:
        try:
            received += len(sock.recv(65536))
        except BlockingIOError:
            bench.system.pass_time()
    return received
