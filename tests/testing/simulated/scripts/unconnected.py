"""Stream sockets that nobody is connected to: new, bound, listening, closed."""

import socket

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.script import script


@script
def a_new_socket(bench: Bench) -> None:
    sock = bench.tcp("new")
    bench.settle((sock, "rw"))
    try_everything(bench, sock)
    bench.call(sock, "accept")


@script
def a_bound_socket(bench: Bench) -> None:
    sock = bench.tcp("bound")
    sock.bind(("127.0.0.1", 0))
    bench.settle((sock, "rw"))
    try_everything(bench, sock)
    bench.call(sock, "bind", ("127.0.0.1", 0))


@script
def a_listening_socket(bench: Bench) -> None:
    listener = bench.listener()
    bench.settle((listener, ""))
    try_everything(bench, listener)
    bench.call(listener, "accept")
    bench.connect(listener, listener)
    bench.call(listener, "bind", ("127.0.0.1", 0))
    bench.call(listener, "listen", 4)


@script
def what_is_told_of_listening(bench: Bench) -> None:
    listener = bench.listener()
    caller = bench.tcp("caller")
    bench.call(caller, "getsockopt", socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    bench.call(listener, "getsockopt", socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    bench.connect(caller, listener.getsockname())
    bench.settle((caller, "w"), (listener, "r"))
    accepted = bench.accept(listener, "accepted")
    bench.call(accepted, "getsockopt", socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


@script
def a_listening_socket_that_was_never_bound(bench: Bench) -> None:
    listener = bench.tcp("listener")
    listener.listen(4)
    bench.call(listener, "getsockname")
    bench.call(bench.caller("caller", listener), "getpeername")


@script
def a_closed_socket(bench: Bench) -> None:
    sock = bench.tcp("closed")
    sock.close()
    try_everything(bench, sock)
    bench.call(sock, "close")
    bench.call(sock, "fileno")
    bench.call(sock, "bind", ("127.0.0.1", 0))
    bench.call(sock, "listen", 4)
    bench.call(sock, "accept")
    bench.call(sock, "setblocking", False)
    bench.call(sock, "setsockopt", socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    bench.call(sock, "getsockopt", socket.SOL_SOCKET, socket.SO_ERROR)
    bench.note(bench.outcome(sock.connect_ex, ("127.0.0.1", 9)))


def try_everything(bench: Bench, sock: socket.socket) -> None:
    """What can be asked of any stream socket."""
    bench.call(sock, "getsockname")
    bench.call(sock, "getpeername")
    bench.call(sock, "recv", 10)
    bench.call(sock, "send", b"x")
    bench.call(sock, "shutdown", socket.SHUT_WR)


@script
def a_kind_of_socket_that_there_is_not(bench: Bench) -> None:
    make = bench.system.network.socket
    bench.note(bench.outcome(make, socket.AF_INET, socket.SOCK_RAW))


@script
def the_lowest_free_descriptor(bench: Bench) -> None:
    socks = [bench.tcp(f"{number}") for number in range(6)]
    numbers = [sock.fileno() for sock in socks]
    bench.note("rising", numbers == sorted(numbers))
    for number in (4, 1, 3):
        socks[number].close()
    again = [bench.tcp("again"), *bench.pair()]
    bench.note("reused", [numbers.index(sock.fileno()) for sock in again])
