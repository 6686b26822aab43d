"""Watches a loop that runs in a simulation, and objects to whatever a loop must not do.

What is promised of streams, endpoints, timers and watchers is checked here against what
really passed through the simulated system, at each turn and at the end.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final, TypeAlias

from ...addresses import Address
from ...connector import Connector
from ...datagrams import DatagramEndpoint
from ...instruments import Instrument
from ...listener import Listener
from ...loop import EventLoop, Resource
from ...stream import Stream
from ...watcher import FileObject, Watcher
from .endpoint_audit import EndpointAudit
from .kernel import Kernel
from .selector import SimulatedSelector
from .stream_audit import StreamAudit
from .timer_audit import TimerAudit
from .udp import UdpSocket

__all__ = ["Auditor", "Violation"]

Callback: TypeAlias = Callable[..., object]

_MAX_WAKES: Final = 3
_OWNERS: Final = (Stream, Listener, Connector, DatagramEndpoint)


class Violation(AssertionError):
    """A promise of the library, or of the program on top of it, was broken."""


class Auditor(Instrument):
    """Raises Violation at the end of the turn in which a promise is broken."""

    loop: EventLoop
    selector: SimulatedSelector

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._complaints: list[str] = []
        self._cause: Exception | None = None
        self._streams: dict[Stream, StreamAudit] = {}
        self._endpoints: dict[DatagramEndpoint, EndpointAudit] = {}
        self._finished: list[StreamAudit] = []
        self._connectors: list[Connector] = []
        self._wakes: dict[int, tuple[int, int]] = {}
        self._turns_left = 0
        self.timers = TimerAudit(kernel, self.complain)

    # -- complaints ------------------------------------------------------------------

    def complain(self, complaint: str, cause: Exception | None = None) -> None:
        """A promise was broken; `check` will say so."""
        self._kernel.tell("auditor", "VIOLATION", complaint)
        self._complaints.append(complaint)
        if self._cause is None:
            self._cause = cause

    def note_exception(self, message: str, exception: Exception) -> None:
        """The loop's exception handler, unless the program sets one of its own."""
        self.complain(f"{message}: {exception!r}", exception)

    def check(self) -> None:
        """Raise Violation for what was complained of so far."""
        complaints, self._complaints = self._complaints, []
        cause, self._cause = self._cause, None
        if complaints:
            raise Violation("; ".join(complaints)) from cause

    # -- what is watched -------------------------------------------------------------

    def watch(self, resource: Resource) -> None:
        """The loop has got something to own."""
        if isinstance(resource, Stream):
            sock = self._socket_of(resource)
            self._streams[resource] = StreamAudit(resource, sock, self.complain)
        elif isinstance(resource, DatagramEndpoint):
            sock = self._socket_of(resource)
            audit = EndpointAudit(resource, sock, self._socket_at, self.complain)
            self._endpoints[resource] = audit
        elif isinstance(resource, Connector):
            self._connectors.append(resource)

    def _socket_of(self, resource: Resource) -> Any:
        watchers = self.loop.state.watchers
        (number,) = [each.fd for each in watchers if _owner_of(each.callback) is resource]
        return self._kernel.descriptors[number]

    def _socket_at(self, address: Address) -> UdpSocket:
        everything = self._kernel.descriptors.values()
        return next(s for s in everything if isinstance(s, UdpSocket) and s.address == address)

    def allow(self, turns: int) -> None:
        """From here the loop may make so many iterations."""
        self._turns_left = turns

    def excuse(self) -> None:
        """The program left in the middle of a turn: what was due then is done in the next."""
        self._wakes = {}
        self.timers.woke = -inf

    # -- each turn, and the end ------------------------------------------------------

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self._turns_left -= 1
        if self._turns_left < 0:
            self.complain("the loop is still busy: it turns and turns")
        state = self.loop.state
        queued = {id(_owner_of(callback)) for callback in (*state.calls, *state.flushes)}
        for stream, audit in list(self._streams.items()):
            audit.check(is_queued=id(stream) in queued)
            if audit.lost and stream.closing:
                self._finished.append(self._streams.pop(stream))
        for books in self._endpoints.values():
            books.check()
        self._check_registered(set(state.resources))
        self.timers.check()
        self.check()

    def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
        self.timers.wake()
        wakes = {}
        for key, _ in self.selector.truth:
            what = self._kernel.descriptors[key.fd]
            activity, count = self._wakes.get(key.fd, (-1, 0))
            count = count + 1 if activity == what.activity else 1
            wakes[key.fd] = what.activity, count
            if count > _MAX_WAKES:
                self.complain(f"{what.name} wakes the loop, and nothing comes of it: it spins")
        self._wakes = wakes

    def callback_started(self, callback: Callback, fd: int | None) -> None:
        called = getattr(callback, "func", callback)  # of a partial
        name = getattr(called, "__qualname__", type(called).__qualname__)
        self._kernel.tell("loop", "call", name)

    def finish(self) -> None:
        """The loop is closed: everything must have ended, each in its way."""
        for audit in [*self._finished, *self._streams.values()]:
            audit.finish()
        for books in self._endpoints.values():
            books.finish()
        for connector in self._connectors:
            if connector.handler is not None:
                self.complain("nobody was told what became of an attempt to connect")
        for what in self._kernel.descriptors.values():
            self.complain(f"{what.name} was never closed")
        self.check()

    def _check_registered(self, resources: set[Resource]) -> None:
        for key in self.selector.keys:
            what = self._kernel.descriptors.get(key.fd)
            if what is None or _number_of(key.fileobj) != key.fd:
                self.complain(f"descriptor {key.fd} is watched, but closed")
                continue
            watcher: Watcher = key.data
            if watcher.events != key.events:
                self.complain(f"{what.name} is watched for {key.events}, not {watcher.events}")
            owner = _owner_of(watcher.callback)
            if isinstance(owner, _OWNERS) and owner not in resources:
                self.complain(f"{what.name} is watched, but nobody owns it any more")


def _number_of(fileobj: FileObject) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


def _owner_of(callback: Callback) -> object:
    """Whose method is called, perhaps through a partial."""
    return getattr(getattr(callback, "func", callback), "__self__", None)
