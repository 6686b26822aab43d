"""Who may have which address, beside whom."""

import itertools
import socket

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.script import script

PLACES = [
    (socket.AF_INET, "127.0.0.1", False),
    (socket.AF_INET, "127.0.0.2", False),
    (socket.AF_INET, "0.0.0.0", False),
    (socket.AF_INET6, "::1", False),
    (socket.AF_INET6, "::1", True),
    (socket.AF_INET6, "::", False),
    (socket.AF_INET6, "::", True),
    (socket.AF_INET6, "::ffff:127.0.0.1", False),
]


@script
def stream_addresses_in_use(bench: Bench) -> None:
    for first, second in itertools.product(PLACES, PLACES):
        port = free_port(bench, socket.SOCK_STREAM)
        with bound(bench, socket.SOCK_STREAM, first, port) as listener:
            listener.listen(1)
            bench.note(first, second, bench.outcome(bind, bench, socket.SOCK_STREAM, second, port))


@script
def datagram_addresses_in_use(bench: Bench) -> None:
    for first, second in itertools.product(PLACES, PLACES):
        port = free_port(bench, socket.SOCK_DGRAM)
        with bound(bench, socket.SOCK_DGRAM, first, port):
            bench.note(first, second, bench.outcome(bind, bench, socket.SOCK_DGRAM, second, port))


def bound(
    bench: Bench, kind: socket.SocketKind, place: tuple[int, str, bool], port: int
) -> socket.socket:
    family, host, v6_only = place
    sock = bench.system.network.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            # Else old connections of others to the same port would be in the way.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def bind(bench: Bench, kind: socket.SocketKind, place: tuple[int, str, bool], port: int) -> None:
    bound(bench, kind, place, port).close()


def free_port(bench: Bench, kind: socket.SocketKind) -> int:
    """A port that is free at every address."""
    with bound(bench, kind, (socket.AF_INET6, "::", False), 0) as sock:
        return int(sock.getsockname()[1])


@script
def sharing_a_port(bench: Bench) -> None:
    for first, second in itertools.product((0, 1), (0, 1)):
        one, another = bench.tcp("one"), bench.tcp("another")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, first)
        another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, second)
        one.bind(("127.0.0.1", 0))
        bench.note(first, second)
        bench.call(another, "bind", one.getsockname())
        bench.call(one, "listen", 1)
        bench.call(another, "listen", 1)


@script
def sharing_a_datagram_port(bench: Bench) -> None:
    one, another, far = bench.udp("one", None), bench.udp("another", None), bench.udp("far")
    for sock in (one, another):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", 0))
    bench.call(another, "bind", one.getsockname())
    bench.call(far, "sendto", b"whose?", one.getsockname())
    bench.settle((one, "w"), (another, "rw"))


@script
def a_port_that_connections_still_use(bench: Bench) -> None:
    for reuse in (0, 1):
        listener = bench.tcp("listener")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        address = listener.getsockname()
        bench.caller("caller", listener)
        bench.settle((listener, "r"))
        accepted = bench.accept(listener, "accepted")
        listener.close()
        again = bench.tcp("again")
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        bench.call(again, "bind", address)
        bench.call(accepted, "getsockname")
