"""The event loop: waits until something is ready and calls whoever asked for it.

One thread, one selector, one iteration that reads from top to bottom: see
`EventLoop._iterate`. Time, selector and network come in through the constructor, so that a
test can own all three.
"""

import logging
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from selectors import EVENT_READ
from typing import Any, Final, Protocol

from .instruments import Instrument
from .network import Network
from .signals import SignalHandlers
from .timers import Timer, TimerQueue
from .wakeup import Wakeup
from .watcher import FileObject, Watcher

__all__ = ["EventLoop"]

Callback = Callable[..., object]
ExceptionHandler = Callable[[str, Exception], object]

# epoll_wait takes at most 2,147,483 s; a longer sleep is slept in pieces.
_LONGEST_WAIT: Final = 1_000_000.0
# Before the loop's own sockets are asked for again.
_RETRY_DELAY: Final = 0.1

_logger = logging.getLogger("reactor")


class Resource(Protocol):
    """What a loop keeps open on behalf of its user, and ends when it is closed."""

    def abort(self) -> None:
        """Close descriptors at once; call nobody."""

    def finish(self) -> None:
        """After `abort`: tell the handler, unless it has been told already."""


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
        self._clock = clock
        self._network = network
        self._instrument = instrument
        self._timers = TimerQueue()
        self._calls: deque[tuple[Callback, tuple[Any, ...]]] = deque()
        self._flushes: deque[Callback] = deque()
        # In the order of attaching, so that two equal runs end equally.
        self._resources: dict[Resource, None] = {}
        self._exception_handler: ExceptionHandler | None = None
        self._running = False
        self._stopping = False
        self._closed = False
        self._signals = SignalHandlers(self.call_soon_threadsafe)
        try:
            self._hang_bell()
        except BaseException:
            self._selector.close()
            raise

    # -- running ---------------------------------------------------------------------

    def run(self) -> None:
        """Iterate until `stop()`, or until nothing is left that could ever happen.

        Watchers, timers and deferred calls keep a loop running. A signal handler does
        not, nor does the chance that another thread might call.

        What a plain callback raises comes out here; the loop can be run again.
        """
        self._enter()
        try:
            while self._has_work():
                self._iterate(None)
                if self._stopping:
                    break
            # Who wrote in a flush (in `resume_writing`) and stopped meant the bytes to leave.
            self._run_flushes()
        finally:
            self._running = self._stopping = False

    def run_once(self, timeout: float | None = None) -> None:
        """Do one iteration; wait at most `timeout` seconds for something to happen.

        None waits for the next timer or event, and not at all if there is neither.
        """
        self._enter()
        try:
            self._iterate(timeout)
        finally:
            self._running = self._stopping = False

    def stop(self) -> None:
        """Make `run()` return after this iteration, or after its first if called before."""
        self._stopping = True

    def close(self) -> None:
        """Abort every open stream, listener and endpoint, tell their handlers, let go.

        Raises RuntimeError while the loop runs. Closing twice is harmless.
        """
        if self._running:
            raise RuntimeError("a running loop can't be closed: stop() it first")
        if self._closed:
            return
        self._signals.clear()
        for resource in self._resources:
            resource.abort()
        self._closed = True
        self._calls.clear()
        while self._resources:
            self._resources.popitem()[0].finish()
        self._flushes.clear()
        self._timers = TimerQueue()
        self._wakeup_watcher.close()
        self._wakeup.close()
        self._selector.close()

    def __enter__(self) -> "EventLoop":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        """Whether an iteration is under way."""
        return self._running

    @property
    def network(self) -> Network:
        """Who makes the sockets of streams, listeners and endpoints."""
        return self._network

    @property
    def instrument(self) -> Instrument | None:
        """The instrument given at construction."""
        return self._instrument

    def time(self) -> float:
        """Seconds of the loop's clock."""
        return self._clock()

    # -- one iteration ---------------------------------------------------------------

    def _iterate(self, limit: float | None) -> None:
        # 1. Select, for as long as the next timer allows, and set aside the timers that are
        #    due now. One that falls due after this moment waits until the sockets have been
        #    looked at again: however late the loop is, what came in time is heard first.
        instrument, timeout = self._instrument, self._timeout(limit)
        if instrument is not None:
            instrument.select_started(timeout, len(self._timers), len(self._calls))
        ready = self._selector.select(timeout)
        now = self._clock()
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
                self._call(watcher.callback, (events,), key.fd)

        # 3. Run the timers that were set aside, then the calls queued before them. What
        #    these add waits for the next iteration, so I/O gets its turn.
        queued = len(self._calls)
        while due := self._timers.pop_expired(now):
            self._call(*due)
        for _ in range(queued):
            self._call(*self._calls.popleft())

        # 4. Flush the streams that were written to: one send each, however many writes.
        self._run_flushes()

    def _run_flushes(self) -> None:
        flushes = self._flushes
        for _ in range(len(flushes)):
            if self._instrument is None:
                flushes.popleft()()
            else:
                self._call(flushes.popleft(), ())

    def _timeout(self, limit: float | None) -> float | None:
        if self._calls or self._flushes or self._stopping:
            return 0.0
        when = self._timers.next_when()
        if when is None and limit is None:
            return None if self._is_watching() else 0.0
        longest = _LONGEST_WAIT if limit is None else min(limit, _LONGEST_WAIT)
        return longest if when is None else min(longest, max(0.0, when - self._clock()))

    def _call(self, callback: Callback, args: tuple[Any, ...], fd: int | None = None) -> None:
        instrument = self._instrument
        if instrument is None:
            callback(*args)
            return
        instrument.callback_started(callback, fd)
        try:
            callback(*args)
        finally:
            instrument.callback_ended(callback, fd)

    def _enter(self) -> None:
        self._check_open()
        if self._running:
            raise RuntimeError("the loop is already running")
        self._running = True

    def _has_work(self) -> bool:
        return bool(self._calls or self._flushes or self._timers) or self._is_watching()

    def _is_watching(self) -> bool:
        return len(self._selector.get_map()) > 1  # one is our own bell

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the loop is closed")

    # -- calls and timers ------------------------------------------------------------

    def call_soon(self, callback: Callback, *args: Any) -> None:
        """Call `callback(*args)` in the next iteration, in the order of queueing."""
        self._check_open()
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
        return self.call_at(self._clock() + delay, callback, *args)

    def call_at(self, when: float, callback: Callback, *args: Any) -> Timer:
        """Call `callback(*args)` once `time()` is `when`, never earlier."""
        self._check_open()
        return self._timers.add(when, callback, args)

    def call_every(self, interval: float, callback: Callback, *args: Any) -> Timer:
        """Call `callback(*args)` each `interval` seconds, the first time after one.

        The rhythm is kept however long the callback takes; times that were missed are
        skipped, not made up for.
        """
        self._check_open()
        return self._timers.add(self._clock() + interval, callback, args, interval)

    def add_signal_handler(self, signum: int, callback: Callback, *args: Any) -> None:
        """Call `callback(*args)` on the loop when `signum` arrives.

        Main thread only: Python raises ValueError elsewhere.
        """
        self._check_open()
        self._signals.add(signum, callback, args, self._wakeup.writer_fileno())

    def remove_signal_handler(self, signum: int) -> bool:
        """Put back what was there before; False if there was no handler to remove."""
        return self._signals.remove(signum)

    def _hang_bell(self) -> None:
        wakeup = Wakeup(self._network)
        try:
            watcher = self.register(wakeup, EVENT_READ, self._on_wakeup)
        except BaseException:
            wakeup.close()
            raise
        self._wakeup, self._wakeup_watcher = wakeup, watcher

    def _on_wakeup(self, events: int) -> None:
        if self._wakeup.silence():
            return
        self._wakeup_watcher.close()
        self._wakeup.abandon()
        error = ConnectionError("somebody closed the loop's wake-up sockets")
        self.call_exception_handler("the wake-up sockets have to be replaced", error)
        self._replace_bell()

    def _replace_bell(self) -> None:
        try:
            self._hang_bell()
        except OSError:
            # No descriptor is free. Until one is, this timer is what hears calls and signals.
            self.call_later(_RETRY_DELAY, self._replace_bell)
        else:
            self._signals.move_wakeup(self._wakeup.writer_fileno())

    # -- watchers and resources ------------------------------------------------------

    def register(self, fileobj: FileObject, events: int, callback: Callback) -> Watcher:
        """Call `callback(events)` whenever `fileobj` is ready for one of `events`.

        `events` is EVENT_READ, EVENT_WRITE, both, or 0 to wait for nothing yet. Raises
        ValueError for other events or a bad file object, KeyError if it is watched already.
        """
        self._check_open()
        return Watcher(self._selector, fileobj, events, callback)

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
        """Report an error. Never raises: a handler that fails is logged along with it."""
        if self._exception_handler is not None:
            try:
                self._exception_handler(message, exception)
                return
            except Exception as exc:
                _logger.error("the exception handler raised", exc_info=exc)
        _logger.error("%s", message, exc_info=exception)
