"""Listener: bounded accepts, no spinning at a limit, and no error that ends it by mistake."""

import errno
import gc
import itertools
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from reactor import EventLoop, Listener, Stream, StreamHandler, listen
from reactor.testing import ManualClock, RecordingHandler, run_until
from tests.conftest import Call, Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.peer import wait_for
from tests.doubles.spy_selector import SpySelector


def settle(loop: EventLoop) -> None:
    """Let everything happen that does not depend on time."""
    for _ in range(5):
        loop.run_once(0)


@pytest.fixture
def door() -> FaultySocket:
    """A bound socket for a listener, which closes it."""
    sock = FaultySocket(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    return sock


@pytest.fixture
def listener(
    loop: EventLoop, door: FaultySocket, factory: Callable[[], RecordingHandler]
) -> Listener:
    """A listener at `door` whose handlers come from `factory`."""
    return listen(loop, factory, sock=door)


# -- accepting ---------------------------------------------------------------------------


def test_each_connection_gets_a_handler_of_its_own(
    loop: EventLoop, listener: Listener, handlers: list[RecordingHandler], call: Call
) -> None:
    first, second = call(listener.sockname, 2)
    first.send(b"first")
    second.send(b"second")
    run_until(loop, lambda: sum(bool(handler.received) for handler in handlers) == 2)
    assert sorted(bytes(handler.received) for handler in handlers) == [b"first", b"second"]


def test_a_handler_sees_who_connected(
    loop: EventLoop, listener: Listener, handlers: list[RecordingHandler], call: Call
) -> None:
    (peer,) = call(listener.sockname)
    run_until(loop, lambda: handlers and handlers[0].stream)
    assert handlers[0].stream is not None
    assert handlers[0].stream.peername == peer.sock.getsockname()


def test_accepted_counts_connections(loop: EventLoop, listener: Listener, call: Call) -> None:
    call(listener.sockname, 3)
    run_until(loop, lambda: listener.accepted == 3)
    assert (listener.failed, listener.pauses) == (0, 0)


def test_one_wake_accepts_at_most_64_and_the_next_goes_on(
    loop: EventLoop, listener: Listener, door: FaultySocket, call: Call
) -> None:
    call(listener.sockname, 100)
    loop.run_once(0)
    assert door.calls["accept"] == 64
    run_until(loop, lambda: listener.accepted == 100)


def test_port_0_is_replaced_by_the_port_that_was_chosen(loop: EventLoop, call: Call) -> None:
    listener = listen(loop, StreamHandler, "127.0.0.1", 0)
    assert listener.sockname[1] != 0
    call(listener.sockname)
    run_until(loop, lambda: listener.accepted == 1)


def test_the_repr_names_the_address(listener: Listener) -> None:
    host, port = listener.sockname
    assert repr(listener) == f"<Listener {host}:{port}>"


def test_accepted_connections_send_small_replies_at_once(
    loop: EventLoop, factory: Callable[[], RecordingHandler], call: Call
) -> None:
    options: list[int] = []

    class Door(FaultySocket):
        def accept(self) -> tuple[socket.socket, Any]:
            sock, address = super().accept()
            options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            return sock, address

    door = Door(socket.AF_INET, socket.SOCK_STREAM)
    door.bind(("127.0.0.1", 0))
    call(listen(loop, factory, sock=door).sockname)
    run_until(loop, lambda: options)
    assert options[0]


# -- limits of the system ----------------------------------------------------------------

EXHAUSTED = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]


@pytest.mark.parametrize("code", EXHAUSTED, ids=errno.errorcode.get)
def test_a_limit_pauses_the_listener(
    loop: EventLoop,
    clock: ManualClock,
    listener: Listener,
    door: FaultySocket,
    call: Call,
    selector: SpySelector,
    code: int,
) -> None:
    door.script("accept", itertools.repeat(code))
    call(listener.sockname)
    wait_for(door)
    settle(loop)
    assert listener.pauses == 1
    assert door.calls["accept"] == 1
    assert selector.watched == 0


@pytest.mark.parametrize("code", EXHAUSTED, ids=errno.errorcode.get)
def test_a_listener_goes_on_100_ms_after_a_limit(
    loop: EventLoop,
    clock: ManualClock,
    listener: Listener,
    door: FaultySocket,
    call: Call,
    code: int,
) -> None:
    door.script("accept", [code])
    call(listener.sockname)
    wait_for(door)
    settle(loop)
    clock.advance(0.09375)
    settle(loop)
    assert listener.accepted == 0
    clock.advance(0.00625)
    settle(loop)
    assert listener.accepted == 1


@pytest.mark.parametrize("code", EXHAUSTED, ids=errno.errorcode.get)
def test_a_program_that_wants_to_know_of_a_limit_is_told_in_the_pause(
    loop: EventLoop, listener: Listener, door: FaultySocket, call: Call, code: int
) -> None:
    told: list[int] = []
    listener.on_exhausted = lambda: told.append(listener.pauses)
    door.script("accept", [errno.ECONNABORTED, code])
    call(listener.sockname)
    run_until(loop, lambda: listener.accepted)
    assert told == [1]


def test_what_a_program_raises_when_told_of_a_limit_is_reported_and_costs_nobody_anything(
    loop: EventLoop, listener: Listener, door: FaultySocket, call: Call, reported: Reported
) -> None:
    listener.on_exhausted = lambda: 1 / 0
    door.script("accept", [errno.EMFILE])
    call(listener.sockname)
    run_until(loop, lambda: listener.accepted)
    assert [type(exc) for _, exc in reported] == [ZeroDivisionError]
    assert repr(listener) in reported[0][0]
    reported.clear()


def test_what_ends_the_program_when_told_of_a_limit_finds_the_listener_in_its_pause(
    loop: EventLoop, listener: Listener, door: FaultySocket, call: Call
) -> None:
    def leave() -> None:
        raise SystemExit

    listener.on_exhausted = leave
    door.script("accept", [errno.EMFILE])
    call(listener.sockname)
    with pytest.raises(SystemExit):
        run_until(loop, lambda: listener.accepted)
    run_until(loop, lambda: listener.accepted)


def test_a_lasting_limit_costs_ten_attempts_a_second(
    loop: EventLoop, clock: ManualClock, listener: Listener, door: FaultySocket, call: Call
) -> None:
    door.script("accept", itertools.repeat(errno.EMFILE))
    call(listener.sockname, 10)
    wait_for(door)
    for _ in range(100):
        clock.advance(0.01)
        settle(loop)
    assert 9 <= door.calls["accept"] <= 11


def test_what_was_accepted_before_the_limit_is_served_during_the_pause(
    loop: EventLoop,
    clock: ManualClock,
    listener: Listener,
    door: FaultySocket,
    handlers: list[RecordingHandler],
    call: Call,
) -> None:
    door.script("accept", [None, errno.EMFILE])
    for peer in call(listener.sockname, 2):
        peer.send(b"hello")
    run_until(loop, lambda: handlers and handlers[0].received)
    assert listener.pauses == 1


def test_a_pause_goes_on_while_the_selector_has_no_room(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    listener: Listener,
    door: FaultySocket,
    call: Call,
) -> None:
    door.script("accept", [errno.EMFILE])
    call(listener.sockname)
    wait_for(door)
    settle(loop)
    selector.refusal = errno.ENOSPC
    clock.advance(0.1)
    settle(loop)
    assert (listener.accepted, listener.pauses) == (0, 2)
    selector.refusal = None
    clock.advance(0.1)
    run_until(loop, lambda: listener.accepted)


def test_a_listener_can_be_closed_during_the_pause(
    loop: EventLoop, clock: ManualClock, listener: Listener, door: FaultySocket, call: Call
) -> None:
    door.script("accept", [errno.EMFILE])
    call(listener.sockname)
    wait_for(door)
    settle(loop)
    listener.close()
    clock.advance(1.0)
    loop.run()
    assert listener.accepted == 0


def test_the_loop_can_be_closed_during_the_pause(
    loop: EventLoop, clock: ManualClock, listener: Listener, door: FaultySocket, call: Call
) -> None:
    door.script("accept", [errno.EMFILE])
    call(listener.sockname)
    wait_for(door)
    settle(loop)
    loop.close()


@pytest.mark.parametrize("call", ["getsockname", "setsockopt"])
def test_a_socket_that_can_not_be_used_stays_the_caller_s(
    loop: EventLoop, door: FaultySocket, call: str
) -> None:
    door.script(call, itertools.repeat(errno.ENOBUFS))
    with door:
        with pytest.raises(OSError, match="No buffer space"):
            listen(loop, StreamHandler, sock=door)
        assert door.fileno() >= 0


@pytest.mark.parametrize("call", ["getsockname", "setsockopt"])
def test_a_socket_that_was_made_and_can_not_be_used_is_closed(
    loop: EventLoop, doors: list[FaultySocket], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*args: Any) -> None:
        raise OSError(errno.ENOBUFS, "No buffer space")

    before = open_descriptors()
    monkeypatch.setattr(FaultySocket, call, refuse)
    with pytest.raises(OSError, match="No buffer space"):
        listen(loop, StreamHandler, "127.0.0.1")
    assert open_descriptors() == before


def test_a_loop_that_is_closed_changes_no_socket(loop: EventLoop, door: FaultySocket) -> None:
    loop.close()
    with door:
        with pytest.raises(RuntimeError, match="closed"):
            listen(loop, StreamHandler, sock=door)
        assert door.getblocking()
        assert not door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_a_socket_that_has_an_owner_is_refused_and_left_to_that(
    loop: EventLoop, door: FaultySocket, listener: Listener, call: Call
) -> None:
    with pytest.raises((KeyError, ValueError)):
        listen(loop, StreamHandler, sock=door)
    call(listener.sockname)
    run_until(loop, lambda: listener.accepted)


AT_THE_REAL_LIMIT = """
import resource, socket
from reactor import EventLoop, StreamHandler, listen
from reactor.testing import ManualClock, run_until

clock = ManualClock()
with EventLoop(clock=clock) as loop:
    listener = listen(loop, StreamHandler, "127.0.0.1", 0)
    callers = [socket.create_connection(listener.sockname) for _ in range(40)]
    highest = max(caller.fileno() for caller in callers)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 11, highest + 11))
    run_until(loop, lambda: listener.pauses)
    for _ in range(100):
        loop.run_once(0)
    print(listener.accepted, listener.pauses)
    for caller in callers:
        caller.close()
    for _ in range(100):
        loop.run_once(0.01)
    print(listener.accepted, listener.pauses)
    clock.advance(0.1)
    run_until(loop, lambda: listener.accepted == 40)
    print(listener.accepted, listener.failed)
"""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_NOFILE")
def test_at_the_real_limit_of_descriptors_the_listener_waits_for_their_release() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AT_THE_REAL_LIMIT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split("\n")[:3] == ["10 1", "10 1", "40 0"]


# -- connections that come to nothing ----------------------------------------------------


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize(
    ("code", "failed"),
    [
        (errno.ECONNABORTED, 1),
        (errno.EPROTO, 1),
        (errno.EPERM, 1),
        (errno.EINTR, 0),
        (errno.EAGAIN, 0),
    ],
)
def test_one_connection_that_fails_costs_no_other_anything(
    loop: EventLoop,
    listener: Listener,
    door: FaultySocket,
    call: Call,
    position: int,
    code: int,
    failed: int,
) -> None:
    door.script("accept", [None] * position + [code])
    call(listener.sockname, 3)
    run_until(loop, lambda: listener.accepted == 3)
    assert listener.failed == failed


def test_errors_of_connections_have_their_cap_too(
    loop: EventLoop, listener: Listener, door: FaultySocket, call: Call
) -> None:
    door.script("accept", itertools.repeat(errno.ECONNABORTED, 100))
    call(listener.sockname)
    wait_for(door)
    loop.run_once(0)
    assert door.calls["accept"] == 64


def test_a_connection_that_may_not_be_accepted_and_stays_is_asked_for_ten_times_a_second(
    loop: EventLoop, clock: ManualClock, listener: Listener, door: FaultySocket, call: Call
) -> None:
    door.script("accept", itertools.repeat(errno.EPERM))
    call(listener.sockname)
    wait_for(door)
    for _ in range(100):
        clock.advance(0.01)
        settle(loop)
    assert 9 * 64 <= door.calls["accept"] <= 11 * 64
    assert listener.pauses == door.calls["accept"] / 64


def test_a_peer_that_is_gone_before_its_turn_does_no_harm(
    loop: EventLoop, listener: Listener, handlers: list[RecordingHandler], call: Call
) -> None:
    gone, there = call(listener.sockname, 2)
    gone.reset()
    there.send(b"hello")
    run_until(loop, lambda: any(handler.received for handler in handlers))


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of Linux's accept")
def test_a_listening_socket_that_is_unusable_is_reported_once_and_closed(
    loop: EventLoop, listener: Listener, door: FaultySocket, reported: Reported
) -> None:
    door.shutdown(socket.SHUT_RDWR)
    loop.run()
    assert (door.fileno(), listener.failed) == (-1, 0)
    assert [repr(listener) in message for message, _ in reported] == [True]
    reported.clear()


# -- connections that can't be set up ----------------------------------------------------


def test_a_handler_factory_that_raises_costs_only_that_connection(
    loop: EventLoop, reported: Reported, call: Call
) -> None:
    made = iter([None, StreamHandler()])

    def make() -> StreamHandler:
        handler = next(made)
        if handler is None:
            raise ZeroDivisionError
        return handler

    listener = listen(loop, make, "127.0.0.1", 0)
    first, _ = call(listener.sockname, 2)
    run_until(loop, lambda: listener.accepted == 1)
    assert first.wait().ended()
    assert listener.failed == 1
    assert [type(exc) for _, exc in reported] == [ZeroDivisionError]
    reported.clear()


def test_a_connection_that_can_not_be_set_up_costs_only_itself(
    loop: EventLoop, factory: Callable[[], RecordingHandler], reported: Reported, call: Call
) -> None:
    class Door(FaultySocket):
        def accept(self) -> tuple[socket.socket, Any]:
            sock, address = super().accept()
            faulty = FaultySocket.adopt(sock)
            if self.calls["accept"] == 1:
                faulty.script("setblocking", [errno.EIO])
            return faulty, address

    door = Door(socket.AF_INET, socket.SOCK_STREAM)
    door.bind(("127.0.0.1", 0))
    listener = listen(loop, factory, sock=door)
    first, _ = call(listener.sockname, 2)
    run_until(loop, lambda: listener.accepted == 1)
    assert first.wait().ended()
    assert listener.failed == 1
    assert [exc.errno for _, exc in reported if isinstance(exc, OSError)] == [errno.EIO]
    reported.clear()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_the_program_in_a_handler_factory_leaves_no_connection_half_made(
    loop: EventLoop, call: Call, error: type[BaseException]
) -> None:
    ends = iter([error()])

    def make() -> StreamHandler:
        for end in ends:
            raise end
        return StreamHandler()

    listener = listen(loop, make, "127.0.0.1", 0)
    first, _ = call(listener.sockname, 2)
    with pytest.raises(error):
        run_until(loop, lambda: False)
    assert first.wait().ended()
    run_until(loop, lambda: listener.accepted == 1)
    assert listener.failed == 1


def test_what_ends_the_program_in_connection_made_finds_the_connection_made(
    loop: EventLoop, call: Call
) -> None:
    class Leaving(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            raise SystemExit

    handler = Leaving()
    listener = listen(loop, lambda: handler, "127.0.0.1", 0)
    (peer,) = call(listener.sockname)
    with pytest.raises(SystemExit):
        run_until(loop, lambda: False)
    assert (listener.accepted, listener.failed) == (1, 0)
    loop.close()
    assert handler.events == ["connection_made", "connection_lost"]
    assert peer.wait().ended()


def test_an_unusable_socket_is_closed_before_it_is_reported(
    loop: EventLoop, listener: Listener, door: FaultySocket, call: Call
) -> None:
    open_when_told: list[bool] = []
    loop.set_exception_handler(lambda *told: open_when_told.append(door.fileno() >= 0))
    door.script("accept", [errno.EINVAL])
    call(listener.sockname)
    run_until(loop, lambda: open_when_told)
    assert open_when_told == [False]


def test_connections_that_can_not_be_set_up_leave_nothing_behind(
    loop: EventLoop, reported: Reported, selector: SpySelector, call: Call
) -> None:
    def make() -> StreamHandler:
        raise ZeroDivisionError

    listener = listen(loop, make, "127.0.0.1", 0)
    call(listener.sockname, 5)
    before = open_descriptors()
    run_until(loop, lambda: listener.failed == 5)
    reported.clear()
    assert open_descriptors() == before
    assert selector.watched == 1


# -- closing -----------------------------------------------------------------------------


def test_a_closed_listener_leaves_its_connections_alone(
    loop: EventLoop, listener: Listener, handlers: list[RecordingHandler], call: Call
) -> None:
    (peer,) = call(listener.sockname)
    run_until(loop, lambda: handlers and handlers[0].stream)
    listener.close()
    peer.send(b"still here")
    run_until(loop, lambda: handlers[0].received)
    assert handlers[0].received == b"still here"


def test_a_closed_listener_refuses_connections(loop: EventLoop, listener: Listener) -> None:
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.sockname)


def test_closing_twice_is_harmless(loop: EventLoop, listener: Listener) -> None:
    listener.close()
    listener.close()
    loop.run()


def test_a_closed_listener_is_freed_at_once(loop: EventLoop) -> None:
    listener = listen(loop, StreamHandler, "127.0.0.1", 0)
    reference = weakref.ref(listener)
    listener.close()
    gc.disable()
    try:
        del listener
        assert reference() is None
    finally:
        gc.enable()


def test_a_handler_factory_may_close_the_listener(loop: EventLoop, call: Call) -> None:
    class Greeter(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            stream.write(b"the last one")

    def make() -> StreamHandler:
        made[0].close()
        return Greeter()

    made = [listen(loop, make, "127.0.0.1", 0)]
    (listener,) = made
    peers = call(listener.sockname, 2)
    run_until(loop, lambda: any(peer.pull() for peer in peers))
    assert listener.accepted == 1
