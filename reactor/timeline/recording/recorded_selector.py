"""Selectors that tell a record what is watched, when the loop waits, and what was ready.

The first that waits is the loop, until it is closed: its waits are the turns. Another that is
waited for meanwhile, on the same thread, keeps the loop from everything: it is told of as a
call that blocks.
"""

import selectors
from collections.abc import Callable, Iterator
from functools import wraps
from selectors import SelectorKey
from threading import get_ident
from typing import Any, Final, TypeAlias
from weakref import ref

from .record import Record
from .recorded_select import direct_select
from .recorded_socket import serial_of
from .stand_ins import StandIn, class_in_place_of

__all__ = ["record_selector", "stand_ins"]

Method: TypeAlias = Callable[..., Any]
Ready: TypeAlias = list[tuple[SelectorKey, int]]

_NAMES: Final = (
    "SelectSelector", "PollSelector", "EpollSelector", "DevpollSelector", "KqueueSelector",
    "DefaultSelector",
)  # fmt: skip


def stand_ins(record: Record) -> Iterator[StandIn]:
    """What takes the place of each class of selectors that this system has."""
    real = {name: getattr(selectors, name) for name in _NAMES if hasattr(selectors, name)}
    recorded = {base: _recorded_class(base, record) for base in real.values()}
    for name, base in real.items():
        yield StandIn(selectors, name, recorded[base])


def record_selector(selector: selectors.BaseSelector, record: Record) -> None:
    """Have a selector tell `record` from now on; nothing may be registered with it yet.

    It stays the object that it was, and becomes one of a subclass of its class.
    """
    selector.__class__ = _recorded_class(type(selector), record)


def _recorded_class(base: type, record: Record) -> type:
    wrapped = {name: wrap(record, getattr(base, name)) for name, wrap in _WRAPPERS.items()}
    return class_in_place_of(base, {**wrapped, "recorded_lanes": None, "tells_record": True})


def _register(record: Record, call: Method) -> Method:
    @wraps(call)
    def register(selector: Any, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        key: SelectorKey = call(selector, fileobj, events, data)
        _tell(record, selector, key, events)
        return key

    return register


def _unregister(record: Record, call: Method) -> Method:
    @wraps(call)
    def unregister(selector: Any, fileobj: Any) -> SelectorKey:
        key: SelectorKey = call(selector, fileobj)
        _tell(record, selector, key, 0)
        return key

    return unregister


def _modify(record: Record, call: Method) -> Method:
    @wraps(call)
    def modify(selector: Any, fileobj: Any, events: int, data: Any = None) -> SelectorKey:
        before = selector.get_key(fileobj)
        # Some do it by way of the other two. What can't be watched any more, all have dropped.
        selector.tells_record, after = False, 0
        try:
            key: SelectorKey = call(selector, fileobj, events, data)
            after = events
        finally:
            selector.tells_record = True
            _tell(record, selector, before, after)
        return key

    return modify


def _select(record: Record, call: Method) -> Method:
    @wraps(call)
    def select(selector: Any, timeout: float | None = None) -> Ready:
        if record.loop() is not selector and not _begin(record, selector):
            return _wait_beside(record, call, selector, timeout)
        record.select(timeout)
        # Who may sleep long leaves nothing unwritten, whatever ends the program then.
        limit = record.limit_of_wait(timeout)
        ready: Ready = call(selector, timeout if limit is None else limit)
        if limit is not None and not ready:
            record.flush()
            ready = call(selector, None if timeout is None else timeout - limit)
        told = selector.recorded_lanes
        record.ready([(told[key.fd][0], events) for key, events in ready])
        return ready

    return select


def _close(record: Record, call: Method) -> Method:
    @wraps(call)
    def close(selector: Any) -> None:
        keys = list((selector.get_map() or {}).values())
        call(selector)
        for key in keys:
            _tell(record, selector, key, 0)
        if record.loop() is selector:
            record.leave()

    return close


_WRAPPERS: Final[dict[str, Callable[[Record, Method], Method]]] = {
    "register": _register,
    "unregister": _unregister,
    "modify": _modify,
    "select": _select,
    "close": _close,
}


def _tell(record: Record, selector: Any, key: SelectorKey, events: int) -> None:
    """What the loop waits for has changed; what another selector does is its own affair."""
    if not selector.tells_record or record.loop() not in (None, selector):
        return
    told = selector.recorded_lanes
    if told is None:
        told = selector.recorded_lanes = {}
    serial, before = told.get(key.fd) or (serial_of(record, key.fileobj), 0)
    if events:
        told[key.fd] = serial, events
    else:
        told.pop(key.fd, None)
    # What is closed is watched no more.
    if events != before and record.serial_of(key.fd) == serial:
        record.watch(serial, before, events)


def _begin(record: Record, selector: Any) -> bool:
    """Whether this selector is the loop from now on."""
    if record.loop() is direct_select:
        record.leave()
    if record.loop() is not None or selector.get_map() is None:  # is it closed?
        return False
    record.loop = ref(selector)
    for key in selector.get_map().values():
        _tell(record, selector, key, key.events)
    return True


def _wait_beside(record: Record, call: Method, selector: Any, timeout: float | None) -> Ready:
    began = record.now()
    ready: Ready = call(selector, timeout)
    if get_ident() == record.thread:
        record.blocked(
            f"{type(selector).__name__}.select", "" if timeout is None else f"{timeout:g}", began
        )
    return ready
