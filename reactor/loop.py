"""The event loop: waits until something is ready and calls whoever asked for it.

One thread, one selector, one iteration that reads from top to bottom: see
`EventLoop._iterate`. Time, selector and network come in through the constructor, so that a
test can own all three.
"""

import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum, auto
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol
from weakref import WeakSet

from .addresses import Network
from .errors import LoopClosed
from .instruments import Instrument
from .signals import SignalHandlers
from .steps import do_all
from .timers import Timer, TimerQueue
from .wakeup import Wakeup
from .watcher import FileObject, Watcher, Watchers

__all__ = ["EventLoop", "LoopState", "disown_all"]

Callback = Callable[..., object]
ExceptionHandler = Callable[[str, Exception], object]

# epoll_wait takes at most 2,147,483 s; a longer sleep is slept in pieces.
_LONGEST_WAIT: Final = 1_000_000.0
# Before the loop's own sockets are asked for again.
_RETRY_DELAY: Final = 0.1

_logger = logging.getLogger("reactor")


class _Phase(Enum):
    """What a loop does; the last two are for good."""

    IDLE = auto()
    RUNNING = auto()
    WAITING = auto()  # or about to: who wants it to do something has to ring
    INHERITED = auto()  # it is that of a process of which this is a forked child
    CLOSED = auto()


# To look a member of an Enum up takes longer than all that is done with it in an iteration.
_RUNNING: Final = _Phase.RUNNING
_WAITING: Final = _Phase.WAITING
_OPEN: Final = (_RUNNING, _WAITING, _Phase.IDLE)


class Resource(Protocol):
    """What a loop keeps open on behalf of its user, and ends when it is closed."""

    def abort(self) -> None:
        """Close descriptors at once; call nobody."""

    def finish(self) -> None:
        """After `abort`: tell the handler, unless it has been told already."""

    def disown(self) -> None:
        """In a forked child: do nothing any more that the parent does too."""


class LoopState(NamedTuple):
    """What a loop has to do, at this moment: for test kits and for people who look into it."""

    running: bool
    calls: tuple[Callback, ...]
    """Those that are queued, in order."""
    flushes: tuple[Callback, ...]
    """Those that are due before the next wait."""
    timers: int
    """How many are active."""
    next_timer: float | None
    """When the first of them is due, in seconds of the loop's clock."""
    watchers: tuple[Watcher, ...]
    """All that are not closed, also those that wait for nothing; the loop's own is one."""
    resources: tuple[Resource, ...]
    """In the order of attaching."""


class EventLoop:
    """A single-threaded reactor.

    `selector` is any `selectors.BaseSelector` and is closed with the loop; `clock` returns
    seconds and never goes back; `network` makes the sockets; `instrument` watches every step.

    >>> with EventLoop() as loop:
    ...     _ = loop.call_later(0.001, print, "timer")
    ...     loop.call_soon(print, "call")
    ...     loop.run()
    call
    timer
    """

    def __init__(
        self,
        *,
        selector: selectors.BaseSelector | None = None,
        clock: Callable[[], float] = time.monotonic,
        network: Network = socket,
        instrument: Instrument | None = None,
    ) -> None:
        self._selector = selectors.DefaultSelector() if selector is None else selector
        self.time = clock
        """Seconds of the loop's clock."""
        self.network = network
        """Who makes the sockets of streams, listeners and endpoints."""
        self.instrument = instrument
        """What watches every step, if anything does."""
        self._timers = TimerQueue()
        self._calls: deque[tuple[Callback, tuple[Any, ...]]] = deque()
        self._flushes: deque[Callback] = deque()
        # In the order of attaching, so that two equal runs end equally.
        self._resources: dict[Resource, None] = {}
        self._watchers = Watchers(self._selector, self._check_owner)
        self._signals = SignalHandlers(self.call_soon_threadsafe)
        self._exception_handler: ExceptionHandler | None = None
        self._process = os.getpid()
        # Each has one who writes it: the loop, and whoever stops it.
        self._phase = _Phase.IDLE
        self._stopping = False
        try:
            self._hang_bell()
        except BaseException:
            self._selector.close()
            raise
        _loops.add(self)

    # -- running ---------------------------------------------------------------------

    def run(self) -> None:
        """Iterate until `stop()`, or until nothing is left that could ever happen.

        Watchers, timers and deferred calls keep a loop running. A signal handler does
        not, nor does the chance that another thread might call.

        What a plain callback raises comes out here; the loop can be run again.
        """
        self._enter()
        try:
            # One watcher is the loop's own.
            while (timeout := self._timeout(None)) is not None or self._watchers.waiting > 1:
                self._iterate(timeout)
                if self._stopping:
                    break
            # Who wrote in a flush (in `resume_writing`) and stopped meant the bytes to leave.
            self._run_flushes()
        finally:
            self._leave()

    def run_once(self, timeout: float | None = None) -> None:
        """Do one iteration; wait at most `timeout` seconds for something to happen.

        None waits for the next timer or event, and not at all if there is neither.
        """
        self._enter()
        try:
            timeout = self._timeout(timeout)
            if timeout is None and self._watchers.waiting <= 1:
                timeout = 0.0
            self._iterate(timeout)
        finally:
            self._leave()

    def stop(self) -> None:
        """Make `run()` return after this iteration, or after its first if called before.

        Any thread and any signal handler may call this: a loop that sleeps is woken.
        """
        self._check_owner()
        # In this order: who does not find the loop waiting is seen before it waits.
        self._stopping = True
        if self._phase is _WAITING:
            self._wakeup.ring()

    def close(self) -> None:
        """Abort every open stream, listener and endpoint, tell their handlers, let go.

        All of that is done whatever a handler raises; what was raised first comes out in
        the end. Timers are cancelled and watchers closed. Off the main thread, signal
        handlers are put back as soon as the main thread gets round to it.

        In a forked child this closes the child's copies of all descriptors, and raises
        RuntimeError then, as all else does there. The parent notices nothing; no handler is
        told, for its connections go on.

        Raises RuntimeError while the loop runs. Closing twice is harmless.
        """
        if self.running:
            raise RuntimeError("a running loop can't be closed: stop() it first")
        do_all(chain([self._check_owner], self._steps_of_closing()))

    def _steps_of_closing(self) -> Iterator[Callable[[], object]]:
        is_ours = self._phase is not _Phase.INHERITED
        yield self._signals.clear
        self._phase = _Phase.IDLE  # what is aborted queues a call
        for resource in list(self._resources):
            yield resource.abort
        self._phase = _Phase.CLOSED
        self._drop_work()
        while self._resources:
            resource = self._resources.popitem()[0]
            if is_ours:
                yield resource.finish
        for watcher in list(self._watchers.values()):
            yield watcher.close
        yield self._wakeup.close
        yield self._selector.close

    def _drop_work(self) -> None:
        self._timers.clear()
        # Who is inside an iteration, in a child that was forked by a callback, must get out.
        self._calls.clear()
        self._calls.append((self._check_open, ()))
        self._flushes.clear()
        self._flushes.append(self._check_open)

    def disown(self) -> None:
        """fork(2): this is a child now, and what it has is its parent's. Called by the system.

        An epoll instance, a bell and a connection belong to both: what one process takes or
        changes is taken from the other, or changed for it. So every call raises RuntimeError
        from now on; `close` does its part before.
        """
        self._signals.clear()
        if self._phase not in _OPEN:
            return
        self._phase = _Phase.INHERITED
        self._stopping = True
        for watcher in self._watchers.values():
            watcher.events = 0
        for resource in self._resources:
            resource.disown()
        self._drop_work()

    def __enter__(self) -> "EventLoop":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None and self._phase is _Phase.INHERITED:
            do_all(self._steps_of_closing())  # who leaves by sys.exit() knows that it is a child
        else:
            self.close()

    @property
    def closed(self) -> bool:
        """Whether `close()` was called: then nothing can be asked of it any more."""
        return self._phase is _Phase.CLOSED

    @property
    def running(self) -> bool:
        """Whether an iteration is under way."""
        return self._phase is _RUNNING or self._phase is _WAITING

    @property
    def state(self) -> LoopState:
        """A copy of what is queued, armed, watched and owned."""
        return LoopState(
            self.running,
            tuple(callback for callback, _ in self._calls),
            tuple(self._flushes),
            self._timers.live,
            self._timers.next_when(),
            tuple(self._watchers.values()),
            tuple(self._resources),
        )

    def __repr__(self) -> str:
        state = self.state
        work = f"{len(state.calls)} calls, {state.timers} timers, {len(state.resources)} resources"
        return f"<EventLoop {self._phase.name.lower()}: {work}>"

    # -- one iteration ---------------------------------------------------------------

    def _iterate(self, timeout: float | None) -> None:
        # 1. Select. The timers that are due right after the wait are set aside. One that
        #    falls due later waits until the sockets have been looked at again: however late
        #    the loop is, what came in time is heard first.
        instrument = self.instrument
        self._phase = _WAITING
        if self._stopping:
            timeout = 0.0
        if instrument is not None:
            instrument.select_started(timeout, self._timers.live, len(self._calls))
        ready = self._selector.select(timeout)
        if self._phase is _WAITING:  # else a signal's handler has forked: this is the child
            self._phase = _RUNNING
        now = self.time()
        if self._timers.live:
            self._timers.expire(now)
        if instrument is not None:
            instrument.select_ended([(key.fd, events) for key, events in ready])

        # 2. Dispatch. A callback may have closed or changed the watcher of a later
        #    event; its mask tells. The watcher, not the descriptor's number, is the
        #    identity: the number may already belong to somebody else.
        for key, events in ready:
            watcher: Watcher = key.data
            events &= watcher.events
            if not events:
                continue
            if instrument is None:
                watcher.callback(events)
            else:
                self._call(watcher.callback, (events,), fd=key.fd)

        # 3. Run the calls that are queued, then the timers that were set aside: an answer
        #    that was queued in time must not find its deadline gone by. What these add
        #    waits for the next iteration, so I/O gets its turn.
        for _ in range(len(self._calls)):
            self._call(*self._calls.popleft())
        while self._timers.live and (due := self._timers.pop_expired(now)):
            callback, args, when = due
            if instrument is None:
                callback(*args)
            else:
                self._call(callback, args, when=when)

        # 4. Flush the streams that were written to: one send each, however many writes.
        self._run_flushes()

    def _run_flushes(self) -> None:
        flushes = self._flushes
        if self.instrument is None:
            for _ in range(len(flushes)):
                flushes.popleft()()
        elif flushes:
            self.instrument.flushes_started(len(flushes))
            for _ in range(len(flushes)):
                self._call(flushes.popleft(), ())

    def _timeout(self, limit: float | None) -> float | None:
        """How long to wait, in seconds; None if nothing but readiness would end it."""
        if self._calls or self._flushes:
            return 0.0
        if self._timers.live and (when := self._timers.next_when()) is not None:
            left = max(0.0, when - self.time())
            limit = left if limit is None else min(left, limit)
        return None if limit is None else min(limit, _LONGEST_WAIT)

    def _call(
        self,
        callback: Callback,
        args: tuple[Any, ...],
        when: float | None = None,
        fd: int | None = None,
    ) -> None:
        instrument = self.instrument
        if instrument is None:
            callback(*args)
            return
        # Whatever the instrument raises, what was due is not lost by it.
        try:
            if when is not None:
                instrument.timer_due(self.time() - when)
            instrument.callback_started(callback, fd)
        finally:
            try:
                callback(*args)
            finally:
                instrument.callback_ended(callback, fd)

    def _enter(self) -> None:
        self._check_open()
        if self._phase is not _Phase.IDLE:
            raise RuntimeError("the loop is already running")
        self._signals.start_ringing(self._wakeup.writer_fileno())
        self._phase = _RUNNING

    def _leave(self) -> None:
        self._stopping = False
        if self.running:  # a child is not: it has been disowned, or has closed the loop
            self._phase = _Phase.IDLE
        self._signals.stop_ringing()

    def _check_owner(self) -> None:
        if self._phase is _Phase.INHERITED:
            owner, child = self._process, os.getpid()
            raise RuntimeError(f"the loop belongs to process {owner}: make one in process {child}")

    def _check_open(self) -> None:
        if self._phase not in _OPEN:
            self._check_owner()
            raise LoopClosed("the loop is closed")

    def _check(self, callback: Callback) -> None:
        self._check_open()
        # Else the error would come out of run(), where nobody knows whose mistake it was.
        if not callable(callback):
            raise TypeError(f"expected something to call, not {callback!r}")

    # -- calls and timers ------------------------------------------------------------

    def call_soon(self, callback: Callback, *args: Any) -> None:
        """Call `callback(*args)` in the next iteration, in the order of queueing."""
        self._check(callback)
        self._calls.append((callback, args))

    def call_soon_threadsafe(self, callback: Callback, *args: Any) -> None:
        """Like `call_soon`, from any thread: the loop is woken."""
        self.call_soon(callback, *args)
        self._wakeup.ring()

    def call_before_select(self, callback: Callback) -> None:
        """Call `callback()` once, at the end of the iteration, before the next wait.

        Streams use it to gather all that was written in an iteration into one send.
        """
        self._check_open()
        self._flushes.append(callback)

    def call_later(self, delay: float, callback: Callback, *args: Any) -> Timer:
        """Call `callback(*args)` after `delay` seconds. Raises ValueError if not finite."""
        return self.call_at(self.time() + delay, callback, *args)

    def call_at(self, when: float, callback: Callback, *args: Any) -> Timer:
        """Call `callback(*args)` once `time()` is `when`, never earlier."""
        self._check(callback)
        return self._timers.add(when, callback, args)

    def call_every(self, interval: float, callback: Callback, *args: Any) -> Timer:
        """Call `callback(*args)` each `interval` seconds, the first time after one.

        The rhythm is kept however long the callback takes; times that were missed are
        skipped, not made up for.
        """
        self._check(callback)
        return self._timers.add(self.time() + interval, callback, args, interval)

    def add_signal_handler(self, signum: int, callback: Callback, *args: Any) -> None:
        """Call `callback(*args)` on the loop when `signum` arrives.

        Main thread only: Python raises ValueError elsewhere.
        """
        self._check(callback)
        self._signals.add(signum, callback, args)

    def remove_signal_handler(self, signum: int) -> bool:
        """Put back what was there before; False if there was no handler to remove.

        Main thread only: ValueError elsewhere, and the handler stays.
        """
        self._check_owner()
        return self._signals.remove(signum)

    def _hang_bell(self) -> None:
        wakeup = Wakeup(self.network)
        try:
            self.register(wakeup, selectors.EVENT_READ, self._on_wakeup)
        except BaseException:
            wakeup.close()
            raise
        self._wakeup = wakeup

    def _on_wakeup(self, events: int) -> None:
        if not self._wakeup.silence():
            self._watchers[self._wakeup.fileno()].close()
            self._wakeup.abandon()
            self._signals.stop_ringing()
            self._replace_bell()
            error = ConnectionError("somebody closed the loop's wake-up sockets")
            self.call_exception_handler("the wake-up sockets have to be replaced", error)

    def _replace_bell(self) -> None:
        # Perhaps no descriptor is free. Until one is, this is what hears calls and signals.
        retry = self.call_later(_RETRY_DELAY, self._replace_bell)
        with suppress(OSError):
            self._hang_bell()
            retry.cancel()
            self._signals.start_ringing(self._wakeup.writer_fileno())

    # -- watchers and resources ------------------------------------------------------

    def register(self, fileobj: FileObject, events: int, callback: Callback) -> Watcher:
        """Call `callback(events)` whenever `fileobj` is ready for one of `events`.

        `events` is EVENT_READ, EVENT_WRITE, both, or 0 to wait for nothing yet. Raises
        ValueError for other events, for what is closed or can't be waited for (a regular
        file, for select(2) a number from 1024 on), and for a descriptor that has a watcher
        already, also one of nothing.
        """
        self._check(callback)
        return Watcher(self._watchers, fileobj, events, callback)

    def label(self, fileobj: FileObject, name: str) -> None:
        """Have whoever watches this loop call `fileobj` by `name`; nothing else comes of it.

        What is closed already stays without a name.
        """
        if self.instrument is not None:
            fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
            if fd >= 0:
                self.instrument.labelled(fd, name)

    def attach(self, resource: Resource) -> None:
        """Own `resource`: keep it alive, and abort it when the loop closes."""
        self._check_open()
        self._resources[resource] = None

    def detach(self, resource: Resource) -> None:
        """Let go of a resource that has ended."""
        self._resources.pop(resource, None)

    # -- errors ----------------------------------------------------------------------

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Call `handler(message, exception)` for errors that have no other home.

        None brings back the default, which logs them to the logger `reactor`.
        """
        self._exception_handler = handler

    def call_exception_handler(self, message: str, exception: Exception) -> None:
        """Report an error. A handler that fails with an Exception is logged along with it.

        What else it raises (SystemExit, KeyboardInterrupt) passes: it was meant to.
        """
        try:
            if self.instrument is not None:
                self.instrument.exception_reported(exception)
        finally:
            self._report(message, exception)

    def _report(self, message: str, exception: Exception) -> None:
        if self._exception_handler is not None:
            try:
                self._exception_handler(message, exception)
                return
            except Exception as exc:
                _logger.error("the exception handler raised", exc_info=exc)
        _logger.error("%s", message, exc_info=exception)

    def tell_end(
        self, resource: Resource, tell: Callable[[Any], object], error: Exception | None
    ) -> None:
        """Make the last call for `resource`: whoever is told of `error` has nothing left to lose.

        That somebody wants to go on while this loop is closed is no mistake.
        """
        try:
            tell(error)
        except Exception as exc:
            if not (self.closed and isinstance(exc, LoopClosed)):
                name = getattr(tell, "__qualname__", tell)
                self.call_exception_handler(f"{name} of {resource!r} raised", exc)


_loops: Final[WeakSet[EventLoop]] = WeakSet()


def disown_all() -> None:
    """This process is a forked child now. Called by the system, before anybody can use a loop."""
    do_all([loop.disown for loop in _loops])


with suppress(AttributeError):  # Windows has no fork
    os.register_at_fork(after_in_child=disown_all)
