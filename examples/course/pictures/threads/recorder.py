"""Writes down what each thread of this process waits for: a lock, a client, room in a socket.

Locks that the program makes are told of, not those that the standard library makes for itself.
Each line is written before or after the very call that it tells of, so that the record of a
program that is killed ends with what it waited for.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import count
from typing import Any, Final

from reactor.timeline.recording.stand_ins import StandIn, class_in_place_of

__all__ = ["Record", "stand_ins"]

_LIBRARY: Final = os.path.dirname(threading.__file__) + os.sep
_MOST_LINES: Final = 100_000
_PREVIEW: Final = 40
_HEARS: Final = ("recv", "recv_into", "recvfrom")
_SAYS: Final = ("send", "sendall")

Method = Callable[..., Any]


class Record:
    """A file of JSON lines. `t` is in seconds since it was made, `thread` a number from 1.

    What can't be written is left out, and so is all beyond 100,000 lines: the program goes on.
    Raises OSError if the file can't be made.
    """

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        self._file = os.open(path, flags, 0o666)
        self._began = time.perf_counter()
        self._lines = count()
        self._threads = count(1)
        self._here = threading.local()
        self.numbers = count(1)
        """For what has to be told apart: locks, sockets."""
        os.register_at_fork(after_in_child=self._forget)

    def now(self) -> float:
        return time.perf_counter() - self._began

    def tell(self, event: str, **what: object) -> None:
        """Of the thread that calls, now."""
        self.tell_at(self.now(), event, **what)

    def tell_at(self, time: float, event: str, **what: object) -> None:
        """Of the thread that calls, which has its number from the first time that it is told of."""
        if not hasattr(self._here, "life"):
            self._here.life = _Life(self, next(self._threads))
            name = threading.current_thread().name
            self.write(self._here.life.number, time, "starts", name=name)
        self.write(self._here.life.number, time, event, **what)

    def write(self, thread: int, time: float, event: str, **what: object) -> None:
        """One line."""
        line = json.dumps({"t": round(time, 7), "thread": thread, "e": event, **what})
        if self._file >= 0 and next(self._lines) < _MOST_LINES:
            try:
                os.write(self._file, line.encode() + b"\n")
            except OSError:
                self._forget()

    def _forget(self) -> None:
        """A forked child has other threads by the same numbers."""
        self._file = -1


class _Life:
    """Of a thread: it is collected when that ends."""

    def __init__(self, record: Record, number: int) -> None:
        self._record = record
        self.number = number

    def __del__(self) -> None:
        self._record.write(self.number, self._record.now(), "ends")


def stand_ins(record: Record) -> Iterator[StandIn]:
    """What takes the place of the locks and sockets that the program will make."""
    real = socket.socket
    members: dict[str, object] = {
        name: _waiting(record, getattr(real, name)) for name in (*_HEARS, *_SAYS, "accept")
    }
    yield StandIn(socket, "socket", class_in_place_of(real, {**members, "recorded_as": 0}))
    for name in ("Lock", "RLock"):
        yield StandIn(threading, name, _maker(record, getattr(threading, name)))


# -- sockets -------------------------------------------------------------------------------


def _waiting(record: Record, call: Method) -> Method:
    """A method that does what `call` does, told of when it begins and when it is over."""

    @wraps(call)
    def method(sock: Any, *args: Any, **kwargs: Any) -> Any:
        if sock.gettimeout() == 0:  # it waits for nobody
            return call(sock, *args, **kwargs)
        said = _preview(args[0]) if call.__name__ in _SAYS else {}
        record.tell("calls", what=call.__name__, socket=sock.recorded_as, **said)
        try:
            result = call(sock, *args, **kwargs)
        except BaseException as exc:
            record.tell("returns", raised=type(exc).__name__)
            raise
        if call.__name__ == "accept":
            result[0].recorded_as = next(record.numbers)
            record.tell("returns", socket=result[0].recorded_as)
        else:
            record.tell("returns", **_heard(call.__name__, args, result))
        return result

    return method


def _heard(name: str, args: tuple[Any, ...], result: Any) -> dict[str, object]:
    if name not in _HEARS:
        return {}
    if name == "recv_into":
        return _preview(memoryview(args[0]).cast("B")[:result])
    return _preview(result if name == "recv" else result[0])


def _preview(data: Any) -> dict[str, object]:
    """How many bytes they are, and the first of them: a character is a byte."""
    view = memoryview(data).cast("B")
    return {"n": len(view), "data": bytes(view[:_PREVIEW]).decode("latin-1")}


# -- locks ---------------------------------------------------------------------------------


def _maker(record: Record, make: Callable[[], Any]) -> Callable[[], Any]:
    @wraps(make)
    def maker() -> Any:
        lock = make()
        is_ours = not sys._getframe(1).f_code.co_filename.startswith(_LIBRARY)
        return _RecordedLock(record, lock) if is_ours else lock

    return maker


class _RecordedLock:
    """A lock that tells who wants it, has it, and gives it back.

    Of one that may be taken several times by its thread, the first and the last time count.
    """

    def __init__(self, record: Record, lock: Any) -> None:
        self._record = record
        self._lock = lock
        self._number = next(record.numbers)
        self._times = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        self._record.tell("wants", lock=self._number)
        has = False
        try:
            has = bool(self._lock.acquire(*args, **kwargs))
        finally:
            self._times += has
            if not has or self._times == 1:
                self._record.tell("has" if has else "leaves", lock=self._number)
        return has

    def release(self) -> None:
        # From the moment at which it is given back, its next owner may tell of it before us.
        time = self._record.now()
        self._times -= 1
        is_free = self._times == 0
        try:
            self._lock.release()
        except RuntimeError:
            self._times += 1
            raise
        if is_free:
            self._record.tell_at(time, "gives", lock=self._number)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self.release()
