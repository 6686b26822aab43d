"""Watches a loop that runs in a simulation, and objects to whatever a loop must not do.

What is promised of streams, endpoints, timers and watchers is checked here against what
really passed through the simulated system, at each turn and at the end.
"""

import functools
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final, TypeAlias

from ...addresses import Address
from ...batch import DatagramBatch
from ...buffers import ReceiveBuffer, SendQueue
from ...connector import Connector
from ...datagrams import DatagramEndpoint, DatagramHandler
from ...instruments import Instrument
from ...listener import Listener
from ...loop import EventLoop, Resource
from ...stream import Input, Life, Output, Stream, StreamHandler
from ...timers import Timer
from ...watcher import EVENT_READ, EVENT_WRITE, FileObject, Watcher
from .kernel import Kernel
from .selector import SimulatedSelector
from .udp import UdpSocket

__all__ = ["AuditedLoop", "Auditor", "Violation"]

Callback: TypeAlias = Callable[..., object]

_MAX_WAKES: Final = 3
# Relative: a repeated timer's next time is a sum of many.
_ROUNDING: Final = 1e-9
_OWNERS: Final = (Stream, Listener, Connector, DatagramEndpoint)
_RECEIVE_LIMIT: Final = 1024 * 1024 + 32 * 1024


class Violation(AssertionError):
    """A promise of the library, or of the program on top of it, was broken."""


class AuditedLoop(EventLoop):
    """An event loop whose resources and timers are watched."""

    def __init__(self, auditor: "Auditor", **options: Any) -> None:
        self._auditor = auditor
        super().__init__(**options)

    def attach(self, resource: Resource) -> None:
        super().attach(resource)
        self._auditor.watch(resource)

    def call_at(self, when: float, callback: Callback, *args: Any) -> Timer:
        return self._auditor.expect(
            super().call_at(when, self._auditor.timely(when, callback), *args)
        )

    def call_every(self, interval: float, callback: Callback, *args: Any) -> Timer:
        first = self._auditor.now + interval
        timely = self._auditor.timely(first, callback, interval)
        return self._auditor.expect(super().call_every(interval, timely, *args))


class Auditor(Instrument):
    """Raises Violation at the end of the turn in which a promise is broken."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._complaints: list[str] = []
        self._cause: Exception | None = None
        self._streams: dict[Stream, StreamAudit] = {}
        self._endpoints: dict[DatagramEndpoint, EndpointAudit] = {}
        self._finished: list[StreamAudit | EndpointAudit] = []
        self._connectors: list[Connector] = []
        self._timers: list[tuple[Timer, int]] = []  # with the turn in which each was armed
        self._turn = 0
        self._woke = 0.0
        self._wakes: dict[int, tuple[int, int]] = {}
        self._turns_left = 0
        self.loop: EventLoop
        self.selector: SimulatedSelector

    @property
    def now(self) -> float:
        """The simulated time; to look at it takes none."""
        return self._kernel.now

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
            self._streams[resource] = StreamAudit(self, resource)
        elif isinstance(resource, DatagramEndpoint):
            self._endpoints[resource] = EndpointAudit(self, resource)
        elif isinstance(resource, Connector):
            self._connectors.append(resource)

    def socket_at(self, address: Address) -> UdpSocket:
        """The datagram socket that is bound at `address`."""
        everything = self._kernel.descriptors.values()
        return next(s for s in everything if isinstance(s, UdpSocket) and s.address == address)

    def timely(self, when: float, callback: Callback, interval: float | None = None) -> Callback:
        """`callback`, with an eye on when it is called."""
        due = when

        @functools.wraps(callback)
        def call(*args: Any) -> None:
            nonlocal due
            if self.now < due - _ROUNDING * max(1.0, due):
                self.complain(f"a timer that is due at {due} ran at {self.now}")
            due += interval or 0.0
            callback(*args)

        return call

    def expect(self, timer: Timer) -> Timer:
        """A timer was armed."""
        self._timers.append((timer, self._turn))
        return timer

    def allow(self, turns: int) -> None:
        """From here the loop may make so many iterations."""
        self._turns_left = turns

    def excuse(self) -> None:
        """The program left in the middle of a turn: what was due then is done in the next."""
        self._wakes = {}
        self._woke = -inf

    # -- each turn -------------------------------------------------------------------

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self._turns_left -= 1
        if self._turns_left < 0:
            self.complain("the loop is still busy: it turns and turns")
        for stream, audit in list(self._streams.items()):
            audit.check()
            if stream.closing and audit.lost:
                self._finished.append(self._streams.pop(stream))
        for endpoint, books in self._endpoints.items():
            books.check(endpoint)
        self._check_registered()
        self._check_timers()
        self.check()

    def select_ended(self, ready: Sequence[tuple[int, int]]) -> None:
        self._turn += 1
        self._woke = self.now
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
        for audit in [*self._finished, *self._streams.values(), *self._endpoints.values()]:
            audit.finish()
        for connector in self._connectors:
            if connector._handler is not None:
                self.complain("nobody was told what became of an attempt to connect")
        for what in self._kernel.descriptors.values():
            self.complain(f"{what.name} was never closed")
        self.check()

    def _check_timers(self) -> None:
        self._timers = [entry for entry in self._timers if entry[0].active]
        for timer, armed in self._timers:
            if armed < self._turn and timer.when <= self._woke:
                self.complain(f"a timer that was due at {timer.when} has not run at {self.now}")

    def _check_registered(self) -> None:
        resources = self.loop._resources
        for key in self.selector.keys:
            what = self._kernel.descriptors.get(key.fd)
            if what is None or _number_of(key.fileobj) != key.fd:
                self.complain(f"descriptor {key.fd} is watched, but closed")
                continue
            watcher: Watcher = key.data
            if watcher.events != key.events:
                self.complain(f"{what.name} is watched for {key.events}, not {watcher.events}")
            callback = getattr(watcher.callback, "func", watcher.callback)
            owner = getattr(callback, "__self__", None)
            if isinstance(owner, _OWNERS) and owner not in resources:
                self.complain(f"{what.name} is watched, but nobody owns it any more")


def _number_of(fileobj: FileObject) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


class StreamAudit(StreamHandler):
    """One stream: stands between it and its socket, and between it and its handler."""

    def __init__(self, auditor: Auditor, stream: Stream) -> None:
        self._auditor = auditor
        self._stream = stream
        self._handler = stream._handler
        self._unsent = bytearray()  # written, not given to the socket
        self._undelivered = bytearray()  # taken from the socket, not given to the handler
        self._last_write = 0
        self._output_finished = self._input_ended = False
        self._made = self._eof = 0
        self.lost = 0
        """How often the end was told."""
        self._name = repr(stream)
        stream._handler = self
        stream._queue = _AuditedQueue(self)
        stream._buffer = _AuditedBuffer(self, stream._buffer._limit)
        sock: Any = stream._sock
        sock.observe(self)

    def _complain(self, complaint: str) -> None:
        self._auditor.complain(f"{self._name}: {complaint}")

    # -- towards the socket ----------------------------------------------------------

    def written(self, data: bytes) -> None:
        """The program wrote."""
        self._last_write = len(data)
        self._unsent += data

    def sent(self, data: bytes) -> None:
        """The socket took."""
        if not self._unsent.startswith(data):
            self._complain("what was sent is not what was written")
        del self._unsent[: len(data)]

    def dropped(self) -> None:
        """What was written will never be sent."""
        if self._stream._life is not Life.ENDED:
            self._unsent.clear()
            if self._stream._error is None:
                self._complain("what was written was dropped, and nothing had failed")

    def received(self, data: bytes) -> None:
        """The socket gave; b"" is the end."""
        match self._stream._input:
            case Input.OPEN:
                self._undelivered += data
            case Input.PAUSED | Input.HELD | Input.ENDED:
                self._complain("the socket was read before its turn")
        self._input_ended = not data

    def delivered(self, data: bytes | bytearray | memoryview) -> None:
        """The handler can see it."""
        if not self._undelivered.startswith(data):
            self._complain("what was delivered is not what was received")
        del self._undelivered[: len(data)]

    def finished(self) -> None:
        """The end of the output has left."""
        self._output_finished = True
        if self._unsent:
            self._complain(f"half-closed with {len(self._unsent)} bytes unsent")

    # -- towards the handler ---------------------------------------------------------

    def connection_made(self, stream: Stream) -> None:
        self._expect(made=0)
        self._made += 1
        self._handler.connection_made(stream)

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._expect(made=1)
        self._handler.data_received(buffer)

    def eof_received(self) -> bool | None:
        self._expect(made=1)
        self._eof += 1
        if self._eof > 1:
            self._complain("the end of input was told twice")
        if not self._input_ended:
            self._complain("the end of input was told, and has not come")
        return self._handler.eof_received()

    def resume_writing(self) -> None:
        self._expect(made=1)
        self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(made=1)
        self.lost += 1
        if exc is None and self._stream._deadline is not None:
            if self._unsent:
                self._complain(f"closed cleanly, but {len(self._unsent)} bytes were never sent")
            elif not self._output_finished:
                self._complain("closed cleanly, but the peer was not told of the end")
        self._handler.connection_lost(exc)

    def _expect(self, *, made: int) -> None:
        if self.lost:
            self._complain("the handler was called after connection_lost")
        if self._made != made:
            self._complain(f"connection_made was called {self._made} times, not {made}")

    # -- each turn, and the end ------------------------------------------------------

    def check(self) -> None:
        """The state in which a stream may be left when the loop goes to sleep."""
        stream = self._stream
        if stream._life is Life.ENDED:
            return
        if self._undelivered:
            self._complain(f"{len(self._undelivered)} bytes were received and not delivered")
        if stream._queue.size != len(self._unsent):
            self._complain(f"{len(self._unsent)} bytes wait, not {stream._queue.size}")
        if stream._queue.size - self._last_write > stream._write_limit:
            self._complain(f"{stream._queue.size} bytes wait: more than the limit")
        if len(stream._buffer) > _RECEIVE_LIMIT:
            self._complain(f"{len(stream._buffer)} bytes were left: more than the limit")
        if self._input_ended and self._output_finished:
            self._complain("both halves are over, and the stream is not")
        waits = stream._watcher.events & EVENT_WRITE or stream._flush in stream._loop._flushes
        if self._made and stream._queue.size and not waits:
            self._complain("bytes wait, and nobody waits for the socket to take them")
        low = stream._queue.size <= stream._low
        owed = stream._owes_resume and (stream._resume_writing, ()) not in stream._loop._calls
        if self._made and low and owed and stream._output is not Output.BROKEN:
            self._complain("the queue is low, and resume_writing has not come")
        reads = self._made and stream._input is Input.OPEN
        if reads and not stream._watcher.events & EVENT_READ:
            self._complain("nobody waits for what the peer has to say")

    def finish(self) -> None:
        """The loop is closed."""
        if self._made != self.lost:
            self._complain(f"connection_lost was called {self.lost} times after connection_made")


class _AuditedQueue(SendQueue):
    __slots__ = ("_audit",)

    def __init__(self, audit: StreamAudit) -> None:
        super().__init__()
        self._audit = audit

    def append(self, data: bytes) -> None:
        super().append(data)
        self._audit.written(data)

    def clear(self) -> None:
        super().clear()
        self._audit.dropped()


class _AuditedBuffer(ReceiveBuffer):
    __slots__ = ("_audit",)

    def __init__(self, audit: StreamAudit, limit: int | None) -> None:
        super().__init__(limit)
        self._audit = audit

    def append(self, data: bytes | bytearray | memoryview) -> None:
        expected = len(self) + len(data)
        super().append(data)
        self._audit.delivered(self._data[expected - len(data) + self._start :])


class EndpointAudit(DatagramHandler):
    """One datagram endpoint: its books, and its end."""

    def __init__(self, auditor: Auditor, endpoint: DatagramEndpoint) -> None:
        assert endpoint.handler is not None
        self._auditor = auditor
        self._handler = endpoint.handler
        self._sock = auditor.socket_at(endpoint.sockname)
        self._lanes: list[UdpSocket] = []  # also those that are closed
        self._open_lane = endpoint.open_lane
        self._lost = 0
        endpoint.handler = self
        endpoint.open_lane = self.open_lane  # type: ignore[method-assign]

    def open_lane(self, address: Address) -> Address:
        """Stands in for the endpoint's, and keeps the books of the lane."""
        source = self._open_lane(address)
        self._lanes.append(self._auditor.socket_at(source))
        return source

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        if self._lost:
            self._auditor.complain(f"{endpoint!r} called its handler after connection_lost")
        if not batch:
            self._auditor.complain(f"{endpoint!r} delivered an empty batch")
        self._handler.datagrams_received(endpoint, batch)

    def segmentation_refused(self, endpoint: DatagramEndpoint, exc: OSError, to: Address) -> None:
        self._handler.segmentation_refused(endpoint, exc, to)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost += 1
        self._handler.connection_lost(exc)

    def check(self, endpoint: DatagramEndpoint) -> None:
        """What the endpoint counts is what the system saw."""
        counters = endpoint.counters
        taken = counters.received + counters.rejected + counters.discarded
        given = self._sock.given + sum(lane.given for lane in self._lanes)
        if (counters.sent, taken) != (given, self._sock.taken):
            self._auditor.complain(
                f"{endpoint!r} counts {counters.sent} datagrams sent and {taken} received; "
                f"the system counts {given} and {self._sock.taken}"
            )

    def finish(self) -> None:
        """The loop is closed."""
        if self._lost != 1:
            self._auditor.complain(f"an endpoint called connection_lost {self._lost} times")
