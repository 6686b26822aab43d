"""What raw sockets do on Linux they do in the simulation: the same scripts leave the same traces.

Each script is written once. The trace that it leaves on the kernel, watched by epoll, is the
truth; poll, select, and simulated systems, perfect and gentle, have to leave the same.
"""

import functools
import itertools
import socket
import struct
import sys

import pytest

from tests.testing.systems import Bench, Script, Trace, gentle, run_really, run_simulated

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the simulation is one of Linux"),
    pytest.mark.usefixtures("watchdog"),
]

GENTLE_SEEDS = 20
MEMINFO = struct.Struct("9I")
SCRIPTS: list[Script] = []


def script(function: Script) -> Script:
    """One more way to try a system."""
    SCRIPTS.append(function)
    return function


# -- stream sockets that nobody is connected to ----------------------------------------------


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


# -- connecting ------------------------------------------------------------------------------


@script
def a_connection_that_is_accepted(bench: Bench) -> None:
    listener, caller = bench.listener(), bench.tcp("caller")
    bench.connect(caller, listener)
    bench.settle((caller, "w"), (listener, "r"))
    bench.error_of(caller)
    bench.call(caller, "getsockname")
    bench.call(caller, "getpeername")
    accepted = bench.accept(listener, "accepted")
    bench.settle((caller, "w"), (accepted, "w"), (listener, ""))
    bench.call(accepted, "getsockname")
    bench.call(accepted, "getpeername")
    for sock in (accepted, caller):
        bench.call(sock, "listen", 1)
        bench.call(sock, "bind", ("127.0.0.1", 0))
        bench.call(sock, "accept")


@script
def connecting_again(bench: Bench) -> None:
    listener, caller = bench.listener(), bench.tcp("caller")
    bench.connect(caller, listener)
    bench.settle((caller, "w"), (listener, "r"))
    bench.connect(caller, listener)
    bench.connect(caller, listener)
    bench.connect(bench.accept(listener, "accepted"), listener)


@script
def connecting_again_after_a_half_close(bench: Bench) -> None:
    listener = bench.listener()
    caller = bench.caller("caller", listener)
    bench.call(caller, "shutdown", socket.SHUT_WR)
    bench.connect(caller, listener)


@script
def connecting_again_after_a_reset(bench: Bench) -> None:
    listener = bench.listener()
    caller = bench.caller("caller", listener)
    reset(bench.accept(listener, "accepted"))
    bench.settle((caller, "rw"))
    bench.connect(caller, listener)
    bench.connect(caller, listener)
    bench.settle((caller, "w"))


@script
def connecting_the_accepted_end_after_a_reset(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    bench.connect(near, bench.listener("another"))


@script
def a_refusal_told_by_the_option(bench: Bench) -> None:
    caller, nobody = refused(bench)
    bench.call(caller, "getpeername")
    bench.error_of(caller)
    bench.error_of(caller)
    bench.settle((caller, "rw"))
    bench.call(caller, "recv", 10)
    bench.call(caller, "send", b"x")
    bench.connect(caller, nobody)


@script
def a_refusal_told_by_connect(bench: Bench) -> None:
    caller, nobody = refused(bench)
    bench.connect(caller, nobody)
    bench.error_of(caller)
    bench.call(caller, "getpeername")
    bench.call(caller, "recv", 10)
    bench.call(caller, "send", b"x")
    bench.settle((caller, "rw"))
    bench.connect(caller, bench.listener())
    bench.settle((caller, "w"))


@script
def a_refusal_told_by_recv(bench: Bench) -> None:
    caller, _ = refused(bench)
    bench.call(caller, "recv", 10)
    bench.call(caller, "recv", 10)
    bench.error_of(caller)


@script
def a_refusal_told_by_send(bench: Bench) -> None:
    caller, _ = refused(bench)
    bench.call(caller, "send", b"x")
    bench.call(caller, "send", b"x")
    bench.error_of(caller)


def refused(bench: Bench) -> tuple[socket.socket, socket.socket]:
    """A caller, and a bound socket that does not listen."""
    nobody, caller = bench.tcp("nobody"), bench.tcp("caller")
    nobody.bind(("127.0.0.1", 0))
    bench.connect(caller, nobody)
    bench.settle((caller, "rw"))
    return caller, nobody


@script
def a_connection_in_progress(bench: Bench) -> None:
    listener, caller = unanswered(bench)
    bench.settle((caller, ""))
    bench.connect(caller, listener)
    bench.error_of(caller)
    bench.call(caller, "getsockname")
    bench.call(caller, "getpeername")
    bench.call(caller, "recv", 10)
    bench.call(caller, "send", b"x")
    bench.call(caller, "listen", 1)


@script
def a_connection_in_progress_called_off(bench: Bench) -> None:
    _, caller = unanswered(bench)
    bench.call(caller, "shutdown", socket.SHUT_WR)
    bench.settle((caller, "rw"))
    bench.call(caller, "recv", 10)
    bench.call(caller, "send", b"x")


@script
def a_caller_that_has_to_wait_for_room(bench: Bench) -> None:
    listener, caller = unanswered(bench)
    bench.settle((listener, "r"), (caller, ""))
    for name in ("first", "second"):
        bench.accept(listener, name)
    bench.settle((listener, "r"), (caller, "w"))


@script
def no_backlog_at_all(bench: Bench) -> None:
    listener = bench.listener(backlog=0)
    bench.caller("first", listener)
    second = bench.tcp("second")
    bench.connect(second, listener)
    bench.settle((second, ""))


def unanswered(bench: Bench) -> tuple[socket.socket, socket.socket]:
    """A listener that has no room, and somebody who calls nevertheless."""
    listener = bench.listener(backlog=1)
    for name in ("one", "another"):
        bench.caller(name, listener)
    caller = bench.tcp("caller")
    bench.connect(caller, listener)
    return listener, caller


@script
def a_listener_closed_while_callers_wait(bench: Bench) -> None:
    listener = bench.listener()
    silent, writing = bench.caller("silent", listener), bench.caller("writing", listener)
    bench.give(writing, b"x")
    finished = bench.caller("finished", listener)
    bench.call(finished, "shutdown", socket.SHUT_WR)
    listener.close()
    for sock in (silent, writing, finished):
        bench.settle((sock, "rw"))
        bench.until_broken(sock)
        bench.call(sock, "recv", 10)
        bench.call(sock, "recv", 10)


@script
def a_caller_that_hangs_up_before_it_is_accepted(bench: Bench) -> None:
    listener = bench.listener()
    bench.caller("caller", listener).close()
    bench.settle((listener, "r"))
    accepted = bench.accept(listener, "accepted")
    bench.settle((accepted, "rw"))
    bench.call(accepted, "getpeername")
    bench.call(accepted, "recv", 10)


@script
def a_caller_that_resets_before_it_is_accepted(bench: Bench) -> None:
    listener = bench.listener()
    caller = bench.caller("caller", listener)
    bench.settle((listener, "r"))
    reset(caller)
    accepted = bench.accept(listener, "accepted")
    bench.settle((accepted, "rw"))
    bench.call(accepted, "getpeername")
    bench.call(accepted, "getsockname")
    bench.call(accepted, "recv", 10)
    bench.call(accepted, "recv", 10)


@script
def a_port_that_was_given_back(bench: Bench) -> None:
    listener = bench.listener()
    address = listener.getsockname()
    listener.close()
    caller = bench.tcp("caller")
    bench.connect(caller, address)
    bench.settle((caller, "rw"))
    bench.error_of(caller)


@script
def connecting_to_any_address(bench: Bench) -> None:
    for host in ("0.0.0.0", "::"):
        listener = bench.listener(f"listener at {host}", host)
        caller = bench.caller(f"caller of {host}", listener)
        bench.call(caller, "getsockname")
        bench.call(caller, "getpeername")
        bench.settle((listener, "r"))
        accepted = bench.accept(listener, f"accepted at {host}")
        bench.call(accepted, "getsockname")
        bench.call(accepted, "getpeername")


@script
def an_ipv4_caller_of_a_dual_stack_listener(bench: Bench) -> None:
    listener = bench.listener(host="::")
    caller = bench.tcp("caller")
    bench.connect(caller, ("127.0.0.1", listener.getsockname()[1]))
    bench.settle((caller, "w"), (listener, "r"))
    bench.call(caller, "getsockname")
    bench.call(caller, "getpeername")
    accepted = bench.accept(listener, "accepted")
    bench.call(accepted, "getsockname")
    bench.call(accepted, "getpeername")


@script
def an_ipv6_caller_of_a_mapped_address(bench: Bench) -> None:
    listener = bench.listener()
    address = ("::ffff:127.0.0.1", listener.getsockname()[1], 0, 0)
    caller = bench.tcp("caller", socket.AF_INET6)
    bench.connect(caller, address)
    bench.settle((caller, "w"), (listener, "r"))
    bench.call(caller, "getsockname")
    bench.call(caller, "getpeername")
    bench.call(bench.accept(listener, "accepted"), "getpeername")
    choosy = bench.tcp("choosy", socket.AF_INET6)
    choosy.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bench.connect(choosy, address)


# -- bytes and their end ---------------------------------------------------------------------


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


# -- resets ----------------------------------------------------------------------------------


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@script
def a_look_at_what_comes(bench: Bench) -> None:
    near, far = bench.connection()
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.call(near, "recv", 1)
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    bench.call(near, "recv", 1, socket.MSG_PEEK)


@script
def a_look_at_what_came_before_a_reset(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.call(near, "recv", 10)
    bench.call(near, "recv", 10, socket.MSG_PEEK)
    bench.error_of(near)


@script
def a_look_after_an_end_and_a_reset(bench: Bench) -> None:
    near, far = bench.connection()
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.error_of(near)


@script
def a_look_before_anybody_answers(bench: Bench) -> None:
    listener = bench.listener()
    caller = bench.tcp("caller")
    bench.call(caller, "recv", 1, socket.MSG_PEEK)
    bench.connect(caller, listener)
    bench.settle((caller, "w"))
    bench.call(caller, "recv", 1, socket.MSG_PEEK)


@script
def a_reset_received(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def a_reset_sent_into(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    bench.call(near, "send", b"x")
    bench.call(near, "send", b"x")
    bench.call(near, "recv", 10)


@script
def a_reset_asked_for(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    bench.error_of(near)
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def a_reset_after_data(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.settle((near, "rw"))
    bench.take(near, 1)
    what_is_left(bench, near)


@script
def a_reset_after_data_sent_into(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.call(near, "send", b"x")
    bench.call(near, "send", b"x")
    bench.take(near, 1)
    bench.call(near, "recv", 10)


@script
def a_reset_after_the_end(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    bench.take(near, 1)
    bench.settle((near, "rw"))
    bench.call(near, "recv", 10)
    reset(far)
    bench.until_broken(near)
    what_is_left(bench, near)


@script
def a_reset_after_an_unread_end(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    bench.take(near, 1)
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.error_of(near)
    what_is_left(bench, near)


@script
def a_reset_after_a_half_close_of_ours(bench: Bench) -> None:
    near, far = bench.connection()
    bench.call(near, "shutdown", socket.SHUT_WR)
    bench.settle((far, "rw"))
    reset(far)
    bench.until_broken(near)
    what_is_left(bench, near)


@script
def input_left_unread(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(near, b"x")
    bench.settle((far, "rw"))
    far.close()
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def input_left_unread_after_a_reply(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"r")
    bench.settle((near, "rw"))
    bench.give(near, b"x")
    bench.settle((far, "rw"))
    far.close()
    bench.until_broken(near)
    bench.take(near, 1)
    what_is_left(bench, near)


@script
def input_left_unread_that_came_with_an_end(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(near, b"x")
    bench.call(near, "shutdown", socket.SHUT_WR)
    bench.settle((far, "rw"))
    far.close()
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def input_left_unread_when_all_is_over(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(near, b"x")
    for sock in (near, far):
        bench.call(sock, "shutdown", socket.SHUT_WR)
        bench.settle((near if sock is far else far, "rw"))
    bench.until_broken(far)
    bench.until_broken(near)
    far.close()
    bench.error_of(near)
    what_is_left(bench, near)


@script
def input_left_unread_in_a_pair(bench: Bench) -> None:
    near, far = bench.pair()
    bench.give(near, b"x")
    far.close()
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def input_left_unread_in_a_pair_after_a_reply(bench: Bench) -> None:
    near, far = bench.pair()
    bench.give(near, b"x")
    bench.give(far, b"r")
    far.close()
    bench.settle((near, "rw"))
    bench.call(near, "send", b"x")
    bench.take(near, 1)
    what_is_left(bench, near)


@script
def a_pair_left_by_one(bench: Bench) -> None:
    near, far = bench.pair()
    far.close()
    bench.settle((near, "rw"))
    bench.call(near, "send", b"x")
    what_is_left(bench, near)


@script
def sending_to_somebody_who_has_gone(bench: Bench) -> None:
    near, far = bench.connection()
    far.close()
    bench.settle((near, "rw"))
    bench.call(near, "getpeername")
    bench.call(near, "send", b"x")
    bench.until_broken(near)
    bench.call(near, "send", b"x")
    bench.call(near, "send", b"x")
    what_is_left(bench, near)


@script
def reading_from_somebody_who_has_gone(bench: Bench) -> None:
    near, far = bench.connection()
    far.close()
    bench.settle((near, "rw"))
    bench.give(near, b"x")
    bench.until_broken(near)
    bench.error_of(near)
    what_is_left(bench, near)


# -- full buffers ----------------------------------------------------------------------------


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


# -- datagrams -------------------------------------------------------------------------------


@script
def a_datagram_socket(bench: Bench) -> None:
    for name, host in (("bound", "127.0.0.1"), ("unbound", None)):
        sock = bench.udp(name, host)
        bench.settle((sock, "w"))
        bench.call(sock, "getsockname")
        bench.call(sock, "recv", 10)
        bench.call(sock, "recv_into", bytearray(10))
        bench.call(sock, "recvfrom_into", bytearray(10))
        bench.error_of(sock)
        sock.close()
        bench.call(sock, "recv", 10)
        bench.call(sock, "sendto", b"x", ("127.0.0.1", 9))
        bench.call(sock, "getsockname")


@script
def a_datagram_and_its_source(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    bench.call(far, "sendto", b"hello", near.getsockname())
    bench.settle((near, "rw"), (far, "w"))
    receive(bench, near)
    bench.settle((near, "w"))
    bench.call(near, "recv", 10)


@script
def a_datagram_of_an_unbound_socket(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far", None)
    bench.call(far, "sendto", b"hello", near.getsockname())
    bench.call(far, "getsockname")
    bench.call(far, "bind", ("127.0.0.1", 0))
    receive(bench, near)
    bench.call(near, "sendto", b"back", ("127.0.0.1", far.getsockname()[1]))
    receive(bench, far)


@script
def a_datagram_of_a_socket_bound_to_any_address(bench: Bench) -> None:
    near = bench.udp("near", "0.0.0.0")
    far = bench.udp("far", "0.0.0.0")
    bench.call(far, "sendto", b"hello", ("127.0.0.1", near.getsockname()[1]))
    receive(bench, near)
    bench.call(far, "sendto", b"hello", ("0.0.0.0", near.getsockname()[1]))
    receive(bench, near)


@script
def datagrams_between_families(bench: Bench) -> None:
    four, six = bench.udp("four"), bench.udp("six", "::")
    mapped = ("::ffff:127.0.0.1", four.getsockname()[1], 0, 0)
    bench.call(four, "sendto", b"up", ("127.0.0.1", six.getsockname()[1]))
    receive(bench, six)
    bench.call(six, "sendto", b"down", mapped)
    receive(bench, four)
    choosy = bench.adopt("choosy", bench.system.network.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    choosy.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bench.call(choosy, "sendto", b"across", ("::1", six.getsockname()[1], 0, 0))
    receive(bench, six)
    bench.call(choosy, "sendto", b"down", mapped)


@script
def datagrams_of_all_sizes(bench: Bench) -> None:
    for host, most in (("127.0.0.1", 65507), ("::1", 65527)):
        near, far = bench.udp(f"near {host}", host), bench.udp(f"far {host}", host)
        for size in (0, 1, most, most + 1):
            data = bytes(size)
            bench.call(far, "sendto", data, near.getsockname())
            bench.call(far, "sendmsg", [data], [], 0, near.getsockname())
            for _ in range(2 * (size <= most)):
                receive(bench, near)


@script
def a_datagram_that_does_not_fit_the_buffer(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for _ in range(3):
        far.sendto(b"hello", near.getsockname())
        bench.settle((near, "rw"))
        bench.call(near, "recv", 2)
        far.sendto(b"hello", near.getsockname())
        bench.settle((near, "rw"))
        buffer = bytearray(3)
        bench.call(near, "recv_into", buffer)
        bench.note("buffer", bytes(buffer))
        bench.call(near, "recv", 10)


@script
def datagrams_to_nobody(bench: Bench) -> None:
    sock, gone = bench.udp("sock"), bench.udp("gone")
    nobody = gone.getsockname()
    gone.close()
    for _ in range(3):
        bench.call(sock, "sendto", b"x", nobody)
    bench.settle((sock, "w"))
    bench.error_of(sock)
    bench.call(sock, "recv", 10)
    bench.call(sock, "sendto", b"x", ("127.0.0.1", 0))
    bench.call(sock, "sendto", b"x", sock.getsockname())
    receive(bench, sock)


# Not on a gentle system: there a datagram may overtake.
@script
def datagrams_in_order(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for number in range(20):
        far.sendto(b"%d" % number, near.getsockname())
    bench.note([received(bench, near)[0] for _ in range(20)])


@script
def a_run_of_datagrams(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    for data, size in ((b"aabbc", 2), (b"aabb", 2), (b"aa", 2), (b"a", 2), (b"abc", 0), (b"", 2)):
        bench.call(far, "sendmsg", [data[:1], data[1:]], [segments_of(size)], 0, near.getsockname())
        count = -(-len(data) // size) if size and data else 1
        bench.note(sorted(received(bench, near)[0] for _ in range(count)))
    bench.settle((near, "w"))


@script
def runs_that_are_too_long(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    # 64 segments before Linux 6.9, 128 from then on.
    for count, size in ((64, 10), (129, 10), (50, 1310), (51, 1310), (49, 1316), (1, 65507)):
        data = bytes(size) * count
        bench.call(far, "sendmsg", [data], [segments_of(size)], 0, near.getsockname())
        arriving = count * (len(data) <= 65507 and count <= 64)
        bench.note([len(received(bench, near)[0]) for _ in range(arriving)])
    bench.settle((near, "w"))


@script
def runs_that_go_astray(bench: Bench) -> None:
    far = bench.udp("far")
    bench.call(far, "sendmsg", [b"aabb"], [segments_of(2)], 0, ("127.0.0.1", 0))
    gone = bench.udp("gone")
    nobody = gone.getsockname()
    gone.close()
    bench.call(far, "sendmsg", [b"aabb"], [segments_of(2)], 0, nobody)
    bench.settle((far, "w"))


@script
def a_full_receive_buffer(bench: Bench) -> None:
    near, far = bench.udp("near"), bench.udp("far")
    near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    bench.call(near, "getsockopt", socket.SOL_SOCKET, socket.SO_RCVBUF)
    bench.note("no drops", drops(near))
    for number in range(200):
        assert far.sendto(b"%d" % number + bytes(500), near.getsockname())
    bench.until(lambda: drops(near))
    count = 0
    while count + drops(near) < 200:
        received(bench, near)
        count += 1
    bench.settle((near, "w"))
    bench.note("all received or dropped", count + drops(near) == 200, 0 < count < 200)
    bench.error_of(near)
    far.sendto(b"there is room again", near.getsockname())
    receive(bench, near)


@script
def the_sizes_of_buffers(bench: Bench) -> None:
    sock = bench.udp("sock")
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, 100_000)
        bench.call(sock, "getsockopt", socket.SOL_SOCKET, option)


def drops(sock: socket.socket) -> int:
    info = sock.getsockopt(socket.SOL_SOCKET, 55, MEMINFO.size)
    return int(MEMINFO.unpack(info)[-1])


def segments_of(size: int) -> tuple[int, int, bytes]:
    return socket.IPPROTO_UDP, 103, struct.pack("H", size)


def received(bench: Bench, sock: socket.socket) -> tuple[bytes, object]:
    """The next datagram, however long it takes, and its source."""
    buffer = bytearray(65536)
    while True:
        try:
            size, source = sock.recvfrom_into(buffer)
        except BlockingIOError:
            bench.system.pass_time()
        else:
            return bytes(buffer[:size]), source


def receive(bench: Bench, sock: socket.socket) -> None:
    data, source = received(bench, sock)
    bench.note("received", data, bench.outcome(lambda: source))


# -- addresses -------------------------------------------------------------------------------

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


# -- selectors -------------------------------------------------------------------------------


@script
def registering(bench: Bench) -> None:
    selector, sock = bench.system.selector, bench.udp("sock")
    for events in (0, 4, 7, -1):
        bench.note("events", events, bench.outcome(selector.register, sock, events))
    bench.note("first", bench.outcome(selector.register, sock, 1, "data"))
    bench.note("again", bench.outcome(selector.register, sock, 2))
    bench.note("by number", bench.outcome(selector.register, sock.fileno(), 2))
    bench.note("negative", bench.outcome(selector.register, -1, 1))
    bench.note("no number", bench.outcome(selector.register, "sock", 1))
    closed = bench.udp("closed")
    closed.close()
    bench.note("closed", bench.outcome(selector.register, closed, 1))
    bench.note("modify", bench.outcome(selector.modify, sock, 3, "other data"))
    bench.note("modify data", bench.outcome(selector.modify, sock, 3, "data"))
    bench.note("unregister", bench.outcome(selector.unregister, sock))
    for method in (selector.unregister, selector.get_key):
        bench.note("unknown", bench.outcome(method, sock))
        bench.note("unknown and closed", bench.outcome(method, closed))
    bench.note("unknown", bench.outcome(selector.modify, sock, 1))
    bench.note("unknown and closed", bench.outcome(selector.modify, closed, 1))
    selector.register(sock, 1)


@script
def the_map_of_a_selector(bench: Bench) -> None:
    selector = bench.system.selector
    socks = [bench.udp(name) for name in ("a", "b", "c")]
    for sock in socks:
        selector.register(sock, 1)
    held = selector.get_map()
    bench.note(len(held), set(held) == {sock.fileno() for sock in socks})
    for sock in socks:
        bench.note(bench.outcome(held.__getitem__, sock))
        bench.note(bench.outcome(held.__getitem__, sock.fileno()), sock in held)
    bench.note(bench.outcome(held.__getitem__, 999_999))
    selector.unregister(socks[0])
    bench.note(len(held), socks[0] in held, socks[0].fileno() in held)
    selector.close()
    bench.note("closed", selector.get_map() is None)
    bench.note("closed", bench.outcome(selector.get_key, socks[1]))


@script
def closed_while_registered(bench: Bench) -> None:
    selector = bench.system.selector
    sock, other = bench.udp("sock"), bench.udp("other")
    number = sock.fileno()
    selector.register(sock, 1, "data")
    sock.close()
    bench.note("still there", len(selector.get_map()), number in selector.get_map())
    bench.note("again", bench.outcome(selector.register, sock, 1))
    bench.note("key", bench.outcome(selector.get_key, sock))
    heir = bench.udp("heir")
    bench.note("heir has the number", heir.fileno() == number)
    bench.note("heir", bench.outcome(selector.register, heir, 1))
    bench.note("unregister", bench.outcome(selector.unregister, sock))
    bench.note("heir", bench.outcome(selector.register, heir, 1))
    bench.note("other", bench.outcome(selector.register, other, 1))


@script
def only_what_is_asked_for(bench: Bench) -> None:
    near, far = bench.connection()
    selector = bench.system.selector
    far.close()
    bench.until(lambda: bench.readiness(near) == "rw")
    for events in (1, 2, 3):
        key = selector.register(near, events, "data")
        bench.note(events, bench.system.ready() == {key.fd: events})
        selector.unregister(near)
    bench.note(bench.system.ready())


# Only epoll: poll and select look at whoever has the number now.
def a_number_that_has_passed_to_another(bench: Bench) -> None:
    selector = bench.system.selector
    near, _ = bench.pair()
    number = near.fileno()
    selector.register(near, 3, "data")
    near.close()
    heir, _ = bench.pair()
    bench.note("heir has the number", heir.fileno() == number)
    bench.note("ready", bench.system.ready())
    heir.close()
    selector.unregister(number)
    bench.note("not open", bench.outcome(selector.register, number, 1))
    bench.note("known", number in selector.get_map())


# -- the tests -------------------------------------------------------------------------------


@functools.cache
def truth(script: Script) -> Trace:
    """What Linux says."""
    return run_really(script, "EpollSelector")


def named(scripts: list[Script]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("script", scripts, ids=lambda function: function.__name__)


@pytest.mark.parametrize("kind", ["PollSelector", "SelectSelector"])
@named(SCRIPTS)
def test_all_selectors_of_the_system_say_the_same(script: Script, kind: str) -> None:
    assert run_really(script, kind) == truth(script)


@named([*SCRIPTS, a_number_that_has_passed_to_another])
def test_a_perfect_simulated_system_says_what_the_real_one_says(script: Script) -> None:
    assert run_simulated(script) == truth(script)


@named([script for script in SCRIPTS if script is not datagrams_in_order])
def test_a_gentle_simulated_system_says_what_the_real_one_says(script: Script) -> None:
    for seed in range(GENTLE_SEEDS):
        faults = gentle(seed)
        assert run_simulated(script, seed, faults) == truth(script), f"seed {seed}: {faults}"
