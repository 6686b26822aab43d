"""`select.select`, for programs that call it themselves: each call is a wait, and begins a turn.

What it is given is what the loop waits for, until it is given something else. It is the loop of
who has no selector: one that waits takes over from it.
"""

import select
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import wraps
from selectors import EVENT_READ, EVENT_WRITE
from threading import get_ident
from typing import Any, TypeAlias

from .record import Record
from .recorded_socket import serial_of
from .stand_ins import StandIn

__all__ = ["direct_select", "stand_ins"]

Watched: TypeAlias = dict[int, tuple[int, int]]
"""Serial number and events of what is waited for, by its descriptor."""


def stand_ins(record: Record) -> Iterator[StandIn]:
    """What takes the place of the function."""
    yield StandIn(select, "select", _select(record, select.select))


def direct_select() -> object:
    """The loop of a record whose program calls `select.select`."""
    return direct_select


def _select(record: Record, call: Callable[..., Any]) -> Callable[..., Any]:
    watched: Watched = {}

    @wraps(call)
    def waiting(reading: Any, writing: Any, other: Any, timeout: Any = None, /) -> Any:
        given = list(reading), list(writing), list(other)
        is_question = timeout == 0 and max(map(len, given)) <= 1
        if not _is_loop(record, is_question) or not isinstance(timeout, int | float | None):
            return call(*given, timeout)
        wanted = _watched(record, given[0], given[1])
        _tell(record, watched, wanted)
        watched.clear()
        watched.update(wanted)
        record.select(timeout)
        # Who may sleep long leaves nothing unwritten, whatever ends the program then.
        limit = record.limit_of_wait(timeout)
        ready = call(*given, timeout if limit is None else limit)
        if limit is not None and not any(ready):
            record.flush()
            ready = call(*given, None if timeout is None else timeout - limit)
        record.ready(list(_watched(record, ready[0], ready[1]).values()))
        return ready

    return waiting


def _is_loop(record: Record, is_question: bool) -> bool:
    """Whether a call on this thread is a wait of the loop, be it the first.

    No loop begins by a question: many a library asks so about a socket of its own.
    """
    if record.loop() is None and not is_question:
        record.loop = direct_select
        return True
    return record.loop() is direct_select and get_ident() == record.thread


def _watched(record: Record, reading: Iterable[Any], writing: Iterable[Any]) -> Watched:
    found: Watched = {}
    for fileobjs, event in ((reading, EVENT_READ), (writing, EVENT_WRITE)):
        for fileobj in fileobjs:
            with suppress(Exception):  # the function itself refuses what can't be waited for
                if serial := serial_of(record, fileobj):
                    fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
                    found[fd] = serial, found.get(fd, (serial, 0))[1] | event
    return found


def _tell(record: Record, before: Watched, after: Watched) -> None:
    for fd, (serial, events) in {**before, **after}.items():
        had = before[fd][1] if before.get(fd, (0, 0))[0] == serial else 0
        has = events if fd in after else 0
        # What is closed is watched no more.
        if had != has and record.serial_of(fd) == serial:
            record.watch(serial, had, has)
