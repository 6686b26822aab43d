"""Callbacks, by names that mean something to whoever wrote the program.

A loop of this library has an instrument that tells of them. asyncio has none; there it is its
handles that are stood in for, by way of which each of its callbacks is called.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial, wraps
from types import ModuleType, NoneType
from typing import Any, Final

from ...datagrams import DatagramEndpoint
from ...instruments import Instrument, InstrumentGroup
from ...listener import Listener
from ...loop import EventLoop
from ...stream import Stream
from .record import Record
from .stand_ins import StandIn

__all__ = ["LoopCallbacks", "name_of", "stand_ins"]

Callback = Callable[..., object]

_OWNERS: Final = (Stream, DatagramEndpoint, Listener)
"""Those that call on behalf of a descriptor, or of a handler that the program has written."""


def name_of(callback: Callback) -> str:
    """What a callback is called; the class of the handler that it calls comes first.

    >>> name_of([].append), name_of(partial(print, "x")), name_of(EventLoop.run)
    ('list.append', 'print', 'EventLoop.run')
    """
    owner = getattr(callback, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        return _name_of_function(callback)
    # `_protocol` is what asyncio's transports call.
    attribute = "handler" if isinstance(owner, _OWNERS) else "_protocol"
    handler: Any = type(getattr(owner, attribute, None))
    return _name_of_method(
        getattr(callback, "__name__", ""),
        owner if isinstance(owner, type) else type(owner),
        handler,
    )


def _name_of_function(function: Callback) -> str:
    inner = getattr(function, "func" if isinstance(function, partial) else "__wrapped__", None)
    if inner is not None:
        return name_of(inner)
    name = _short(getattr(function, "__qualname__", type(function).__qualname__))
    code = getattr(function, "__code__", None)
    if code is None or name != "<lambda>":
        return name
    return f"lambda, {os.path.basename(code.co_filename)}:{code.co_firstlineno}"


@lru_cache  # a loop calls the same few again and again
def _name_of_method(name: str, owner: type, handler: type) -> str:
    whole = f"{_short(owner.__qualname__)}.{name}"
    return whole if handler is NoneType else f"{_short(handler.__qualname__)} ({whole})"


def _short(qualified: str) -> str:
    """Without the functions in which something was defined."""
    return qualified.rpartition("<locals>.")[2]


# -- loops of this library -----------------------------------------------------------------


class LoopCallbacks(Instrument):
    """Tells `record` what a loop does."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._kind = "call"
        """Of a callback that has no descriptor."""
        self._late: float | None = None
        self._before: BaseException | None = None
        self._reported = ""
        self._is_instruments_own = False

    def select_started(self, timeout: float | None, timers: int, calls: int) -> None:
        self._kind = "call"
        self._record.announce(timers, calls)

    def timer_due(self, late: float) -> None:
        self._late = late

    def flushes_started(self, count: int) -> None:
        self._kind = "flush"

    def callback_started(self, callback: Callback, fd: int | None) -> None:
        owner = getattr(callback, "__self__", None)
        # A drop is told to instruments by a call that is queued.
        self._is_instruments_own = isinstance(owner, Instrument)
        if self._is_instruments_own:
            return
        record = self._record
        # Who runs a loop where an exception is handled sees that one all the time.
        self._before = sys.exception()
        self._reported = ""
        if self._late is not None:
            record.timer(name_of(callback), self._late)
            self._late = None
        elif fd is not None:
            record.callback(record.serial_of(fd), name_of(callback), "ready")
        else:
            fd = owner.fileno() if isinstance(owner, _OWNERS) else -1
            record.callback(record.serial_of(fd), name_of(callback), self._kind)

    def callback_ended(self, callback: Callback, fd: int | None) -> None:
        if self._is_instruments_own:
            return
        raised, before, self._before = sys.exception(), self._before, None
        if raised is None or raised is before:
            self._record.returned(self._reported)
        else:
            self._record.returned(type(raised).__name__)

    def bytes_queued(self, fd: int, size: int) -> None:
        self._record.queue(self._record.serial_of(fd), size)

    def datagrams_dropped(self, fd: int, count: int, reason: str) -> None:
        self._record.drop(self._record.serial_of(fd), count, reason)

    def exception_reported(self, exception: Exception) -> None:
        self._reported = type(exception).__name__

    def labelled(self, fd: int, name: str) -> None:
        self._record.label(self._record.serial_of(fd), name)


def _making_loops(record: Record, make: Callable[..., None]) -> Callable[..., None]:
    @wraps(make)
    def __init__(loop: EventLoop, **options: Any) -> None:
        make(loop, **options)
        ours, theirs = LoopCallbacks(record), loop.instrument
        loop.instrument = ours if theirs is None else InstrumentGroup(theirs, ours)

    return __init__


# -- asyncio -------------------------------------------------------------------------------


class _Handles:
    """Tells `record` of the callbacks of asyncio's loops, each of which has a Handle."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._ready: dict[Any, int] = {}
        """The descriptors of those that were ready in the last batch."""
        self._reported = ""

    def run_once(self, run_once: Callback) -> Callback:
        @wraps(run_once)
        def _run_once(loop: Any) -> None:
            timers = len(loop._scheduled) - loop._timer_cancelled_count
            self._record.announce(timers, len(loop._ready))
            run_once(loop)

        return _run_once

    def process_events(self, process: Callback) -> Callback:
        @wraps(process)
        def _process_events(loop: Any, events: Sequence[Any]) -> None:
            # Handles that were cancelled before their turn are not to be kept.
            self._ready = {
                handle: key.fd for key, _ in events for handle in key.data if handle is not None
            }
            process(loop, events)

        return _process_events

    def run(self, run: Callback) -> Callback:
        record = self._record

        @wraps(run)
        def _run(handle: Any) -> None:
            self._reported = ""
            self._tell(handle)
            try:
                run(handle)
            except BaseException as exc:  # what leaves the loop: SystemExit, KeyboardInterrupt
                record.returned(type(exc).__name__)
                raise
            record.returned(self._reported or _failure_of(_task_of(handle)))

        return _run

    def call_exception_handler(self, call: Callback) -> Callback:
        @wraps(call)
        def call_exception_handler(loop: Any, context: dict[str, Any]) -> None:
            # Of others it was noticed only now that they had failed: of a task by the collector.
            failure = context.get("exception")
            if failure is not None and ("handle" in context or "transport" in context):
                self._reported = type(failure).__name__
            call(loop, context)

        return call_exception_handler

    def _tell(self, handle: Any) -> None:
        record, task = self._record, _task_of(handle)
        name = name_of(handle._callback) if task is None else _name_of_task(task)
        fd = self._ready.pop(handle, None)
        if fd is not None:
            record.callback(record.serial_of(fd), name, "ready")
        elif hasattr(handle, "when"):
            record.timer(name, max(0.0, handle._loop.time() - handle.when()))
        else:
            record.callback(record.serial_of(_fd_of(handle)), name, "call")


def _task_of(handle: Any) -> Any:
    """The task that is to make a step, or None."""
    owner = getattr(handle._callback, "__self__", None)
    return owner if hasattr(owner, "get_coro") else None


def _name_of_task(task: Any) -> str:
    coroutine = task.get_coro()
    return f"{_short(getattr(coroutine, '__qualname__', 'task'))} ({task.get_name()})"


def _failure_of(task: Any) -> str:
    """What ended it. To ask the task itself would silence asyncio's own report of it."""
    failure = getattr(task, "_exception", None)
    return "" if failure is None else type(failure).__name__


def _fd_of(handle: Any) -> int:
    """The descriptor of a transport that calls, or is called about: -1 if there is none."""
    for each in (getattr(handle._callback, "__self__", None), *(handle._args or ())):
        if (fd := getattr(each, "_sock_fd", None)) is not None:
            return int(fd)
    return -1


# -- all of it -----------------------------------------------------------------------------


def stand_ins(record: Record) -> Iterator[StandIn]:
    """What takes the place of the constructor of loops, and of asyncio's calls."""
    from asyncio.base_events import BaseEventLoop  # who draws a record does not need it
    from asyncio.events import Handle
    from asyncio.selector_events import BaseSelectorEventLoop

    yield StandIn(EventLoop, "__init__", _making_loops(record, EventLoop.__init__))
    handles = _Handles(record)
    for owner, name, make in (
        (Handle, "_run", handles.run),
        (BaseEventLoop, "_run_once", handles.run_once),
        (BaseEventLoop, "call_exception_handler", handles.call_exception_handler),
        (BaseSelectorEventLoop, "_process_events", handles.process_events),
    ):
        yield StandIn(owner, name, make(getattr(owner, name)))
