"""Connecting: accepted, refused, unanswered, called off, and by which address."""

import socket

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.resets import reset
from tests.testing.simulated.scripts.script import script


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
