"""The real system and a simulated one behind one door, for scripts that are to run on both.

A script does with raw sockets what it likes, and everything it is told goes into a trace. Two
systems are the same to a program if they leave the same trace.
"""

import errno
import random
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, TypeAlias

from reactor.testing import Faults
from tests.doubles.system import RealSystem, SimulatedSystem, System

Script: TypeAlias = "Callable[[Bench], object]"
Trace: TypeAlias = list[tuple[object, ...]]

_BOTH = EVENT_READ | EVENT_WRITE
_MASKS = {0: "", EVENT_READ: "r", EVENT_WRITE: "w", _BOTH: "rw"}


class Bench:
    """A script's tools: sockets with names, whose every answer is written down."""

    def __init__(self, system: System, cleanup: ExitStack) -> None:
        self.system = system
        self.trace: Trace = []
        self._cleanup = cleanup
        self._names: dict[object, str] = {}
        self._ports: dict[int, str] = {0: "port 0"}

    # -- sockets ---------------------------------------------------------------------

    def adopt(self, name: str, sock: socket.socket) -> socket.socket:
        """Give a socket a name, make it non-blocking, and close it in the end."""
        self._cleanup.callback(sock.close)
        self._names[sock] = name
        sock.setblocking(False)
        return sock

    def tcp(self, name: str, family: int = socket.AF_INET) -> socket.socket:
        return self.adopt(name, self.system.network.socket(family, socket.SOCK_STREAM))

    def udp(self, name: str, host: str | None = "127.0.0.1") -> socket.socket:
        """A datagram socket bound to `host`, or to nothing."""
        family = socket.AF_INET6 if host and ":" in host else socket.AF_INET
        sock = self.adopt(name, self.system.network.socket(family, socket.SOCK_DGRAM))
        if host is not None:
            sock.bind((host, 0))
        return sock

    def listener(
        self, name: str = "listener", host: str = "127.0.0.1", backlog: int = 8
    ) -> socket.socket:
        sock = self.tcp(name, socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.bind((host, 0))
        sock.listen(backlog)
        return sock

    def caller(self, name: str, listener: socket.socket) -> socket.socket:
        """A socket whose connection to `listener` stands."""
        sock = self.tcp(name, listener.family)
        assert sock.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        self.settle((sock, "w"))
        return sock

    def connection(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of a connection: who called, and who was called."""
        listener = self.listener()
        far = self.caller("far", listener)
        self.until(lambda: self.readiness(listener) == "r")
        near = self.adopt("near", listener.accept()[0])
        listener.close()
        return near, far

    def pair(self) -> tuple[socket.socket, socket.socket]:
        near, far = self.system.network.socketpair()
        return self.adopt("near", near), self.adopt("far", far)

    # -- what is written down --------------------------------------------------------

    def note(self, *entry: object) -> None:
        self.trace.append(entry)

    def call(self, sock: socket.socket, method: str, *args: Any) -> None:
        """Call a method, and write down what it says."""
        self.note(self._names[sock], method, self.outcome(getattr(sock, method), *args))

    def outcome(self, function: Callable[..., object], *args: Any) -> object:
        """What a function returns, or the error that it raises."""
        try:
            return self._in_words(function(*args))
        except OSError as exc:
            return errno.errorcode[exc.errno or 0]
        except (KeyError, ValueError, RuntimeError) as exc:
            return type(exc).__name__

    def connect(self, sock: socket.socket, to: socket.socket | tuple[Any, ...]) -> None:
        address = to if isinstance(to, tuple) else to.getsockname()
        code = sock.connect_ex(address)
        self.note(self._names[sock], "connect", errno.errorcode.get(code, "done"))

    def accept(self, listener: socket.socket, name: str) -> socket.socket:
        sock, address = listener.accept()
        self.note(self._names[listener], "accept", self._in_words(address))
        return self.adopt(name, sock)

    def error_of(self, sock: socket.socket) -> None:
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self.note(self._names[sock], "SO_ERROR", errno.errorcode.get(code, "none"))

    def give(self, sock: socket.socket, data: bytes) -> None:
        """Send it all, however often that has to be tried."""
        self.note(self._names[sock], "gives", data)
        while data:
            try:
                data = data[sock.send(data) :]
            except BlockingIOError:
                self.system.pass_time()

    def take(self, sock: socket.socket, size: int) -> None:
        """Receive so many bytes, however they are cut."""
        data = b""
        while len(data) < size:
            try:
                more = sock.recv(size - len(data))
            except BlockingIOError:
                self.system.pass_time()
                continue
            assert more, f"the end after {data!r}"
            data += more
        self.note(self._names[sock], "takes", data)

    def carry(self, source: socket.socket, to: socket.socket, data: bytes) -> None:
        """Send and receive, however little fits at a time."""
        sent, received = 0, b""
        while len(received) < len(data):
            try:
                sent += source.send(data[sent:]) if sent < len(data) else 0
            except BlockingIOError:
                pass
            try:
                received += to.recv(len(data))
            except BlockingIOError:
                self.system.pass_time()
        self.note(self._names[source], "to", self._names[to], received)

    # -- waiting ---------------------------------------------------------------------

    def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self.system.pass_time()

    def until_broken(self, sock: socket.socket) -> None:
        """Wait for the other side's reset, which need not show in what a socket is ready for."""

        def broken() -> bool:
            try:
                sock.getpeername()
            except OSError:
                return True
            return False

        self.until(broken)

    def settle(self, *expected: tuple[socket.socket, str]) -> None:
        """Wait until each of these sockets is ready for just that: "r", "w", "rw" or ""."""
        with self._watched([sock for sock, _ in expected]):
            wanted = {sock.fileno(): mask for sock, mask in expected}

            def reached() -> bool:
                ready = self.system.ready()
                told.clear()
                told.update({number: _MASKS[ready.get(number, 0)] for number in wanted})
                return told == wanted

            told: dict[int, str] = {}
            try:
                self.until(reached)
            except AssertionError as exc:
                names = {sock.fileno(): self._names[sock] for sock, _ in expected}
                seen = {names[number]: mask for number, mask in told.items()}
                raise AssertionError(f"{exc}; ready at last: {seen}") from None
        self.note("ready", *[(self._names[sock], mask) for sock, mask in expected])

    def readiness(self, sock: socket.socket) -> str:
        with self._watched([sock]):
            return _MASKS[self.system.ready().get(sock.fileno(), 0)]

    @contextmanager
    def _watched(self, socks: list[socket.socket]) -> Iterator[None]:
        for sock in socks:
            self.system.selector.register(sock, _BOTH)
        yield
        for sock in socks:
            self.system.selector.unregister(sock)

    def _in_words(self, result: object) -> object:
        """Ports and descriptors are another system's business: the first seen is the first."""
        if isinstance(result, selectors.SelectorKey):
            return self._names[result.fileobj], result.events, result.data
        if isinstance(result, tuple) and len(result) in (2, 4) and isinstance(result[0], str):
            host, port, *rest = result
            return host, self._ports.setdefault(port, f"port {len(self._ports)}"), *rest
        if isinstance(result, tuple):
            return tuple(map(self._in_words, result))
        return result


def run(script: Script, system: System) -> Trace:
    """The trace that a script leaves on a system."""
    with ExitStack() as cleanup:
        cleanup.callback(system.selector.close)
        bench = Bench(system, cleanup)
        script(bench)
        return bench.trace


def run_really(script: Script, kind: str = "EpollSelector") -> Trace:
    return run(script, RealSystem(getattr(selectors, kind)()))


def run_simulated(script: Script, seed: int = 0, faults: Faults | None = None) -> Trace:
    """On a perfect system, or on one with these faults."""
    system = SimulatedSystem(seed, faults or Faults())
    trace = run(script, system)
    assert not system.kernel.descriptors
    return trace


def gentle(seed: int) -> Faults:
    return Faults.gentle(random.Random(f"conformance {seed}"))
