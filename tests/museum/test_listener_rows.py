"""Rows about accepting: limits, peers that are gone, and connections that stay half-built."""

import errno
import itertools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from reactor import EventLoop, Listener, Stream, StreamHandler, listen
from reactor.testing import ManualClock, RecordingHandler
from tests.conftest import Reported
from tests.doubles.descriptors import open_descriptors
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.peer import Peer, wait_for
from tests.doubles.spy_selector import SpySelector
from tests.doubles.wakes import Wakes
from tests.museum.scenes import every_selector, iterate_until, pass_time

pytestmark = every_selector

EXHAUSTED = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]

Call = Callable[[Listener, int], list[Peer]]


def name_of_errno(code: int) -> str:
    return errno.errorcode[code]


class Door(FaultySocket):
    """A listening socket whose connections can be scripted too, before they are handed out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.faults_of_connections: dict[str, list[int]] = {}

    def accept(self) -> tuple[socket.socket, Any]:
        sock, address = super().accept()
        faulty = FaultySocket.adopt(sock)
        for name, faults in self.faults_of_connections.items():
            faulty.script(name, faults)
        self.faults_of_connections = {}
        return faulty, address


@pytest.fixture
def door() -> Door:
    """A bound socket for a listener, which closes it."""
    door = Door(socket.AF_INET, socket.SOCK_STREAM)
    door.bind(("127.0.0.1", 0))
    return door


@pytest.fixture
def call() -> Iterator[Call]:
    """Connects to a listener, as often as told; all wait to be accepted."""
    with ExitStack() as stack:

        def make(listener: Listener, count: int) -> list[Peer]:
            made = [socket.create_connection(listener.sockname, 5) for _ in range(count)]
            return [Peer(stack.enter_context(sock)) for sock in made]

        yield make


class Greeter(RecordingHandler):
    """Says a word as soon as there is a connection."""

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.write(b"welcome")


# -- row 1: at the limit of descriptors ----------------------------------------------------


@pytest.mark.parametrize("code", EXHAUSTED, ids=name_of_errno)
def test_row_01_a_limit_costs_few_attempts_and_one_timer(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    door: Door,
    call: Call,
    code: int,
) -> None:
    selector.clock = clock
    listener = listen(loop, StreamHandler, sock=door)
    door.script("accept", itertools.repeat(code))
    call(listener, 3)
    wait_for(door)
    pass_time(loop, clock, 2.0, iterations=200)
    assert 10 <= door.calls["accept"] <= 40
    listener.close()
    closed_at = clock()
    loop.run()
    assert clock() == closed_at, "a timer was left"


def test_row_01_service_goes_on_within_a_second_of_a_release(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, door: Door, call: Call
) -> None:
    guests: list[RecordingHandler] = []

    class Guest(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            guests.append(self)

    def one_table_of_ten() -> Iterator[int | None]:
        while True:
            seated = sum("connection_lost" not in guest.events for guest in guests)
            yield errno.EMFILE if seated >= 10 else None

    selector.clock = clock
    listener = listen(loop, Guest, sock=door)
    door.script("accept", one_table_of_ten())
    call(listener, 30)
    wait_for(door)
    pass_time(loop, clock, 1.0, iterations=200)
    assert len(guests) == 10
    for guest in guests[:5]:
        assert guest.stream is not None
        guest.stream.abort()
    pass_time(loop, clock, 1.0, iterations=200)
    assert len(guests) == 15


@pytest.fixture
def pausing(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, door: Door, call: Call
) -> tuple[Listener, Peer]:
    """A listener in the pause after a limit, in virtual time, and who waits meanwhile."""
    listener = listen(loop, Greeter, sock=door)
    door.script("accept", [errno.EMFILE])
    (peer,) = call(listener, 1)
    iterate_until(loop, lambda: listener.pauses)
    selector.clock = clock
    return listener, peer


def test_row_01_a_listener_that_pauses_can_be_closed(
    loop: EventLoop, clock: ManualClock, door: Door, pausing: tuple[Listener, Peer]
) -> None:
    pausing[0].close()
    pass_time(loop, clock, 1.0, iterations=20)
    assert door.calls["accept"] == 1


def test_row_161_a_listeners_pause_goes_on_while_the_selector_has_no_room(
    loop: EventLoop, clock: ManualClock, selector: SpySelector, pausing: tuple[Listener, Peer]
) -> None:
    selector.refusal = errno.ENOSPC
    pass_time(loop, clock, 1.0, iterations=40)
    selector.refusal = None
    pass_time(loop, clock, 1.0, iterations=40)
    selector.clock = None
    iterate_until(loop, lambda: pausing[1].pull() == b"welcome")


# -- row 2: gone before its turn -----------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "counted"),
    [
        (errno.ECONNABORTED, 1),
        (errno.EPROTO, 1),
        (errno.EPERM, 1),
        (errno.EINTR, 0),
        (errno.EAGAIN, 0),
    ],
)
def test_row_02_whatever_one_accept_answers_all_others_are_served(
    loop: EventLoop, call: Call, code: int, counted: int
) -> None:
    for place in range(5):
        with Door(socket.AF_INET, socket.SOCK_STREAM) as door:
            door.bind(("127.0.0.1", 0))
            door.script("accept", [None] * place + [code])
            serve_four(loop, door, call, counted, least=place + 1)


def serve_four(loop: EventLoop, door: Door, call: Call, counted: int, least: int) -> None:
    """Serve four callers with at least so many accepts, of which so many count as failed."""
    listener = listen(loop, Greeter, sock=door)
    peers = call(listener, 4)
    iterate_until(loop, lambda: all(peer.pull() for peer in peers))
    iterate_until(loop, lambda: door.calls["accept"] >= least)
    assert listener.failed == counted
    listener.close()


def test_row_02_a_peer_that_was_reset_in_the_queue_costs_nobody_anything(
    loop: EventLoop, door: Door, call: Call, reported: Reported
) -> None:
    listener = listen(loop, Greeter, sock=door)
    first, second, third = call(listener, 3)
    second.reset()
    iterate_until(loop, lambda: first.pull() and third.pull())
    assert not reported


# -- row 3: half-built ----------------------------------------------------------------------


class Step:
    """One step after accept that fails, once."""

    def __init__(self, door: Door, selector: SpySelector) -> None:
        self._door = door
        self._selector = selector
        self._raising = ""
        self.handlers: list[Newcomer] = []
        self.lost: list[Exception | None] = []

    def fail(self, name: str) -> None:
        if name == "setblocking":
            self._door.faults_of_connections = {"setblocking": [errno.EIO]}
        elif name == "register":
            self._selector.refusal = errno.ENOSPC
        else:
            self._raising = name

    def make_handler(self) -> StreamHandler:
        self.perhaps_raise("factory")
        self.handlers.append(Newcomer(self))
        return self.handlers[-1]

    def perhaps_raise(self, name: str) -> None:
        if name == self._raising:
            self._raising = ""
            raise ZeroDivisionError


class Newcomer(RecordingHandler):
    """A handler that may raise at its first step, and notes its end."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self._step = step

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        self._step.perhaps_raise("connection_made")

    def connection_lost(self, exc: Exception | None) -> None:
        self._step.lost.append(exc)


@pytest.mark.parametrize("name", ["factory", "setblocking", "register", "connection_made"])
def test_row_03_a_connection_that_can_not_be_set_up_leaves_nothing_behind(
    loop: EventLoop,
    clock: ManualClock,
    selector: SpySelector,
    reported: Reported,
    door: Door,
    call: Call,
    name: str,
) -> None:
    selector.clock = clock
    step = Step(door, selector)
    listener = listen(loop, step.make_handler, sock=door)
    loop.run_once(0)
    (peer,) = call(listener, 1)
    wait_for(door)
    before = open_descriptors()
    step.fail(name)
    for _ in range(3):
        loop.run_once(0)
    selector.refusal = None
    reported.clear()
    assert (open_descriptors(), selector.watched) == (before, 1)
    assert peer.wait().ended()
    assert len(step.lost) == (name in ("register", "connection_made"))
    wakes = Wakes(selector)
    pass_time(loop, clock, 60.0, iterations=3)
    assert wakes.count == 0


@pytest.mark.parametrize("name", ["factory", "setblocking", "register", "connection_made"])
def test_row_03_the_next_connection_is_served(
    loop: EventLoop, selector: SpySelector, reported: Reported, door: Door, call: Call, name: str
) -> None:
    step = Step(door, selector)
    listener = listen(loop, step.make_handler, sock=door)
    loop.run_once(0)
    call(listener, 1)
    wait_for(door)
    step.fail(name)
    loop.run_once(0)
    selector.refusal = None
    reported.clear()
    (good,) = call(listener, 1)
    good.send(b"and me?")
    iterate_until(loop, lambda: any(handler.received == b"and me?" for handler in step.handlers))
