"""What several rows look at: time that must pass, who was woken for what, how clients end."""

import selectors
import socket
from collections.abc import Callable

import pytest

from reactor import EventLoop
from reactor.testing import ManualClock
from tests.doubles.controller import Controller
from tests.doubles.faulty_socket import FaultySocket
from tests.doubles.studio import Studio
from tests.test_gso_sockets import TS, needs_offload

__all__ = [
    "code_of",
    "end_by_endless_line",
    "end_by_good_bye",
    "every_selector",
    "iterate_until",
    "let_wait",
    "numbered",
    "pass_time",
    "roomy",
    "runs_and_singles",
]

every_selector = pytest.mark.parametrize(
    "selector",
    [
        name
        for name in ("EpollSelector", "PollSelector", "SelectSelector")
        if hasattr(selectors, name)
    ],
    indirect=True,
)

runs_and_singles = pytest.mark.parametrize(
    "segmentation", [False, pytest.param(True, marks=needs_offload)]
)


def iterate_until(loop: EventLoop, condition: Callable[[], object], iterations: int = 120) -> None:
    """Like `run_until`, but bounded by the number of iterations: a loop that spins fails soon."""
    for _ in range(iterations):
        if condition():
            return
        loop.run_once(0.01)
    assert condition(), f"still waiting after {iterations} iterations"


def pass_time(loop: EventLoop, clock: ManualClock, seconds: float, iterations: int) -> None:
    """Run the loop for that long in virtual time, in at most so many iterations.

    A loop that spins stops its own clock: it is found by the count, not by waiting.
    """
    until = clock() + seconds
    for _ in range(iterations):
        if clock() >= until:
            return
        loop.run_once(until - clock())
    pytest.fail(f"{iterations} iterations, and only {clock() - until + seconds:g} s have passed")


# -- datagrams ---------------------------------------------------------------------------


def roomy(sock: FaultySocket) -> FaultySocket:
    """With room for all that a test sends at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    return sock


def numbered(count: int, size: int = TS) -> list[bytes]:
    """Datagrams of one size that differ."""
    return [(b"%d." % number * size)[:size] for number in range(count)]


# -- the clients of a relay --------------------------------------------------------------


def let_wait(relay: Studio, count: int) -> None:
    """Run until the relay has so many bytes of unfinished commands."""

    def waiting() -> int:
        return sum(client._parser.waiting for client in relay.server.connections)

    iterate_until(relay.loop, lambda: waiting() == count)


def code_of(reply: bytes) -> str:
    """The code of an ERROR."""
    word, found = reply.split(b" ", 2)[:2]
    assert word == b"ERROR"
    return found.decode()


def end_by_good_bye(relay: Studio, client: Controller) -> None:
    assert client.ask(b"DESCONECTAR") == b"OK"


def end_by_endless_line(relay: Studio, client: Controller) -> None:
    client.say(b"x" * 300)
    assert code_of(client.hear()[0]) == "LARGO"
