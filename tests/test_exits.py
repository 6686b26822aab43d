"""Whoever leaves the program from inside the loop, at whatever place, tears nothing.

A small program is run once for each place at which it is called: each callback of its
handlers, each hook of its instrument, each report of a fault. There it leaves by an exit;
then the loop is run again, and the program must end as if nothing had been.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pytest

from reactor import (
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    Instrument,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    bind_udp,
    connect,
    listen,
)
from tests.doubles.descriptors import open_descriptors

EXITS: Final = [SystemExit, KeyboardInterrupt, GeneratorExit]
LINES: Final = [b"%d\n" % number for number in range(5)]
CLIENTS: Final = 2

_T = TypeVar("_T")


def haste() -> float:
    """Time that flies: a stream that was torn in its last callback ends by its deadline."""
    return 20 * time.monotonic()


class Places:
    """The places that a program comes to; at one of them it leaves."""

    def __init__(self, target: int, kind: type[BaseException]) -> None:
        self._target = target
        self._kind = kind
        self.passed = 0
        self.left = ""
        """Where that was."""

    def come_to(self, name: str) -> None:
        self.passed += 1
        if self.passed == self._target:
            self.left = name
            raise self._kind(name)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        self.come_to(f"before {name}")
        yield
        self.come_to(f"after {name}")


class Hooks(Instrument):
    """An instrument each of whose hooks is a place."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self._places.come_to("select_started")

    def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
        self._places.come_to("select_ended")

    def timer_due(self, late: float) -> None:
        self._places.come_to("timer_due")

    def flushes_started(self, count: int) -> None:
        self._places.come_to("flushes_started")

    def callback_started(self, callback: Callable[..., object], fd: int | None) -> None:
        self._places.come_to("callback_started")

    def callback_ended(self, callback: Callable[..., object], fd: int | None) -> None:
        self._places.come_to("callback_ended")

    def bytes_queued(self, fd: int, size: int) -> None:
        self._places.come_to("bytes_queued")

    def exception_reported(self, exception: Exception) -> None:
        self._places.come_to("exception_reported")


class Visited(StreamHandler):
    """A handler each of whose callbacks is two places."""

    def __init__(self, program: "Program") -> None:
        self.program = program
        self.made = self.lost = 0

    def connection_made(self, stream: Stream) -> None:
        self.made += 1
        self.stream = stream
        self.program.handlers.append(self)
        with self.program.places.around("connection_made"):
            stream.set_write_buffer_limits(high=0)

    def data_received(self, buffer: ReceiveBuffer) -> None:
        with self.program.places.around("data_received"):
            self.take(buffer)

    def take(self, buffer: ReceiveBuffer) -> None:
        raise NotImplementedError

    def eof_received(self) -> None:
        with self.program.places.around("eof_received"):
            pass

    def resume_writing(self) -> None:
        with self.program.places.around("resume_writing"):
            self.stream.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost += 1
        with self.program.places.around("connection_lost"):
            pass


class Echo(Visited):
    """Says each line again, one at a time, as long as there is room."""

    def take(self, buffer: ReceiveBuffer) -> None:
        while (line := buffer.take_line(limit=100)) is not None:
            if line == b"fault":
                raise ValueError("a fault in a handler")
            if not self.stream.write(line + b"\n"):
                self.stream.pause_reading()
                return


class Client(Visited):
    """Says its lines and half-closes; what comes back is `heard`."""

    def __init__(self, program: "Program", lines: list[bytes]) -> None:
        super().__init__(program)
        self._lines = lines
        self.heard = b""

    def connection_made(self, stream: Stream) -> None:
        stream.write(b"".join(self._lines))
        stream.write_eof()
        super().connection_made(stream)

    def take(self, buffer: ReceiveBuffer) -> None:
        self.heard += buffer.take_all()


class Datagrams(DatagramHandler):
    """Counts what comes."""

    def __init__(self, program: "Program") -> None:
        self.program = program
        self.received = self.lost = 0

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        self.received += len(batch)
        self.program.places.come_to("datagrams_received")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost += 1
        self.program.places.come_to("connection_lost of an endpoint")


class Program:
    """Two clients of an echo server and one that meets a fault, timers, calls, and datagrams."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.handlers: list[Visited] = []
        self.calls: list[str] = []
        self.faults: list[Exception] = []
        self.loop = EventLoop(instrument=Hooks(places), clock=haste)
        self.loop.set_exception_handler(self._note)
        self.clients = [Client(self, LINES) for _ in range(CLIENTS)]
        self.unlucky = Client(self, [b"fault\n"])
        self.datagrams = Datagrams(self)
        address = listen(self.loop, lambda: Echo(self), "127.0.0.1", 0).sockname
        for client in (*self.clients, self.unlucky):
            connect(self.loop, client, *address)
        endpoint = bind_udp(self.loop, self.datagrams, "127.0.0.1", 0)
        endpoint.send(b"one", endpoint.sockname)
        self.loop.call_soon(self._call, "call")
        self.loop.call_later(0.001, self._call, "timer")
        self.loop.call_soon_threadsafe(self._call, "thread")

    def _note(self, message: str, exc: Exception) -> None:
        self.faults.append(exc)
        self.places.come_to("a report")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.places.come_to(f"a {name}")

    @property
    def is_done(self) -> bool:
        everybody = (*self.clients, self.unlucky)
        return (
            all(client.lost for client in everybody)
            and len(self.handlers) == 2 * len(everybody)
            and all(handler.lost for handler in self.handlers)
            and len(self.calls) == 3
            and self.datagrams.received == 1
        )

    def run(self) -> None:
        """Run to the end, however often it is left."""
        for _ in range(500):
            if self.is_done:
                return
            leaving(lambda: self.loop.run_once(0.01))
        pytest.fail(f"left at {self.places.left!r}, it never comes to its end")


def leaving(act: Callable[[], _T]) -> _T | None:
    """What `act` returns; None if it is left."""
    try:
        return act()
    except tuple(EXITS):
        return None


def run_and_leave(target: int) -> Places:
    """Run the program, and leave it once, at its place number `target`."""
    places = Places(target, EXITS[target % len(EXITS)])
    program = Program(places)
    try:
        program.run()
        where = places.left
        for client in program.clients:
            assert client.heard == b"".join(LINES), where
        assert sorted(program.calls) == ["call", "thread", "timer"], where
        assert [type(exc) for exc in program.faults] == [ValueError], where
    finally:
        leaving(program.loop.close)
    assert [(handler.made, handler.lost) for handler in program.handlers] == [(1, 1)] * 6
    assert program.datagrams.lost == 1
    return places


def test_a_program_that_is_left_at_any_place_ends_as_if_it_had_not_been() -> None:
    before = open_descriptors()
    for target in itertools.count(1):
        if not run_and_leave(target).left:
            break
        assert open_descriptors() == before
    assert target > 100


@pytest.mark.parametrize("kind", [*EXITS, ValueError])
@pytest.mark.parametrize("target", [1, 2, 3])
def test_a_loop_that_is_closed_tells_all_and_raises_the_first(
    kind: type[BaseException], target: int
) -> None:
    class Leaving(StreamHandler):
        def connection_lost(self, exc: Exception | None) -> None:
            told.append(self)
            if len(told) == target or (len(told) > target and kind is not ValueError):
                raise kind(len(told))

    before = open_descriptors()
    told: list[Any] = []
    reported: list[Exception] = []
    loop = EventLoop()
    loop.set_exception_handler(lambda message, exc: reported.append(exc))
    pairs = [loop.network.socketpair() for _ in range(3)]
    for near, _ in pairs:
        Stream(loop, near, Leaving(), peername="far")
    loop.run_once(0)
    if kind is ValueError:
        loop.close()
        assert len(reported) == 1
    else:
        with pytest.raises(kind) as caught:
            loop.close()
        assert caught.value.args == (target,)
    loop.close()
    for _, far in pairs:
        far.close()
    assert len(told) == 3
    assert open_descriptors() == before
