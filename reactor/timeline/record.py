"""The file that a run is written to while it happens: cheaply, bounded, and never in the way.

Each method tells of one event, and only keeps it; lines are made of it when the turn is over.
Turns that are equal, and in which nothing was done, are counted instead. A file that can't be
written any more ends the record, not the run. The format is described in docs/timeline.md.
"""

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from errno import errorcode
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from threading import get_ident
from typing import IO, Any, Final, TypeAlias
from weakref import WeakSet

from ..steps import do_all
from .events import VERSION

__all__ = ["Record", "error_name"]

Row: TypeAlias = tuple[Any, ...]
"""A line to be: its format, the time, the turn, and what else the format takes. Of that, the
first two tell whether turns are equal in which nothing was done."""

_START: Final = '{"e": "start", "t": 0, "i": 0, "version": %d, "program": %s, "python": %s}\n'
_END: Final = '{"e": "end", "t": %.7f, "i": %d, "turns_left_out": %d, "events_left_out": %d}\n'
_OPEN: Final = '{"e": "open", "t": %.7f, "i": %d, "s": %d, "fd": %d, "kind": %s%s}\n'
_NAMED: Final = '{"e": "named", "t": %.7f, "i": %d, "s": %d%s}\n'
_LABEL: Final = '{"e": "label", "t": %.7f, "i": %d, "s": %d, "label": %s}\n'
_SELECT: Final = '{"e": "select", "t": %.7f, "i": %d, "timers": %d, "calls": %d, "timeout": %s}\n'
_READY: Final = '{"e": "ready", "t": %.7f, "i": %d, "ready": [%s]}\n'
_WATCH: Final = '{"e": "watch", "t": %.7f, "i": %d, "s": %d, "before": "%s", "after": "%s"}\n'
_CALLBACK: Final = '{"e": "callback", "t": %.7f, "i": %d, "s": %d, "name": %s, "kind": "%s"}\n'
_TIMER: Final = _CALLBACK.replace("}", ', "late": %.7f}')
_RETURNED: Final = '{"e": "returned", "t": %.7f, "i": %d}\n'
_RAISED: Final = _RETURNED.replace("}", ', "raised": %s}')
_QUEUE: Final = '{"e": "queue", "t": %.7f, "i": %d, "s": %d, "n": %d}\n'
_DROP: Final = '{"e": "drop", "t": %.7f, "i": %d, "s": %d, "n": %d, "reason": %s}\n'
_BLOCKED: Final = '{"e": "blocked", "t": %.7f, "i": %d, "what": %s, "about": %s, "took": %.7f}\n'
_CLOSE: Final = '{"e": "close", "t": %.7f, "i": %d, "s": %d, "how": "%s"}\n'
_LEAVE: Final = '{"e": "leave", "t": %.7f, "i": %d}\n'
_AGAIN: Final = '{"e": "again", "t": %.7f, "i": %d, "to": %d, "until": %.7f, "slept": %.7f}\n'
_IO: Final = '{"e": "io", "t": %.7f, "i": %d, "s": %d, "op": "%s", "took": %.7f'
_DONE: Final = _IO + "}\n"
_CAME: Final = _IO + ', "n": %d, "asked": %d, "data": %s}\n'
_WENT: Final = _IO + ', "n": %d, "asked": %d, "data": %s%s}\n'
_FAILED: Final = _IO + ', "err": "%s", "asked": %d%s}\n'

_EVENTS: Final = ("", "r", "w", "rw")
_AGAIN_LATER: Final = frozenset({"EAGAIN", "EWOULDBLOCK", "EINTR"})

_MOST_ROWS: Final = 1000
"""Of a turn; then it is written in pieces."""
_PIECE: Final = 64 * 1024
"""Characters that are written in one call."""
_LONG: Final = 0.02
"""Seconds of a turn that has to be seen, even if nothing was done in it."""

_logger = logging.getLogger("reactor")


def error_name(exc: OSError) -> str:
    """The name of an error's number; of what has none, that of its class.

    >>> error_name(BlockingIOError(11, "try again")), error_name(TimeoutError("timed out"))
    ('EAGAIN', 'TimeoutError')
    """
    return errorcode.get(exc.errno or 0, type(exc).__name__)


class Record:
    """A run, written to `file` as it happens; a file that is handed in is left open.

    At most `limit` bytes are written, after which turns and events are counted. Of what comes
    and goes the first `preview` bytes are kept. `clock` returns seconds. The file is at most
    `patience` seconds behind, as long as the loop turns; a program that is killed leaves that.

    Any thread may tell of events; the turns are those of the thread that waits. A forked child
    records nothing.
    """

    def __init__(
        self,
        file: str | Path | IO[bytes],
        *,
        limit: int = 64 * 1024 * 1024,
        preview: int = 64,
        clock: Callable[[], float] = time.perf_counter,
        patience: float = 0.2,
        program: Sequence[str] | None = None,
    ) -> None:
        """Begin the record. Raises OSError if the file can't be made."""
        self.error: OSError | None = None
        """Why the record ended before the run, if it did."""
        self.turn = 0
        """The number of the turn that is under way; 0 before the first wait."""
        self.thread = get_ident()
        """The thread of the loop."""
        self.clock = clock
        self.preview = preview
        self.loop: Callable[[], object | None] = _nobody
        """Returns the selector whose waits are the turns, or None if there is none."""
        self.patience = patience
        self._limit = limit
        self._began = clock()
        self._sink: IO[bytes] | None = (
            open(file, "wb", buffering=0) if isinstance(file, str | Path) else file  # noqa: SIM115
        )
        self._is_ours = self._sink is not file
        self._lock = threading.Lock()
        self._serial = 0
        self._serials: dict[int, int] = {}
        self._asked: set[int] = set()
        self._work = (0, 0)
        self._rows: list[Row] = []
        self._moved = True
        self._waits = self._woke = 0.0
        self._last: list[tuple[str, Row]] | None = None
        self._again: Row | None = None
        self._texts: list[str] = []
        self._size = self._written = 0
        self._is_full = False
        self._turns_left_out = self._events_left_out = 0
        self._due = 0.0
        _records.add(self)
        command = json.dumps(list(sys.argv if program is None else program))
        version = quoted(sys.version.split()[0])
        self._texts.append(_START % (VERSION, command, version))
        self.flush()

    def now(self) -> float:
        """Seconds since the record began."""
        return self.clock() - self._began

    # -- descriptors -----------------------------------------------------------------

    def serial_of(self, fd: int) -> int:
        """The serial number of what is open there; 0 if nobody has told of it."""
        return self._serials.get(fd, 0)

    def open(self, fd: int, kind: str, *, local: str = "", peer: str = "", by: int = 0) -> int:
        """A descriptor is born; returns its serial number.

        What had its number before must have been closed without a word.
        """
        if fd in self._serials:
            self.died(self._serials[fd], fd)
        self._serial += 1
        self._serials[fd] = serial = self._serial
        more = _texts(local=local, peer=peer) + (f', "by": {by}' if by else "")
        self._move((_OPEN, self.now(), self.turn, serial, fd, quoted(kind), more))
        return serial

    def named(self, serial: int, *, kind: str = "", local: str = "", peer: str = "") -> None:
        """What became of a descriptor."""
        more = _texts(kind=kind, local=local, peer=peer)
        self._move((_NAMED, self.now(), self.turn, serial, more))

    def label(self, serial: int, label: str) -> None:
        """The program has given a descriptor a name."""
        self._move((_LABEL, self.now(), self.turn, serial, quoted(label)))

    def watch(self, serial: int, before: int, after: int) -> None:
        """What the loop waits for has changed; events as `selectors` has them."""
        row = (_WATCH, self.now(), self.turn, serial, _EVENTS[before & 3], _EVENTS[after & 3])
        self._move(row)

    def died(self, serial: int, fd: int, how: str = "closed") -> None:
        """A descriptor is closed, detached or collected; its number is free."""
        if self._serials.get(fd) == serial:
            del self._serials[fd]
        self._asked.discard(serial)
        self._move((_CLOSE, self.now(), self.turn, serial, how))

    # -- turns -----------------------------------------------------------------------

    def announce(self, timers: int, calls: int) -> None:
        """What the loop that goes to wait next has to do."""
        self._work = (timers, calls)

    def select(self, timeout: float | None) -> None:
        """A turn is over, and the next begins: the loop goes to wait, on this thread."""
        self.thread = get_ident()
        self._begin_turn(self.now(), timeout)

    def ready(self, ready: Iterable[tuple[int, int]]) -> None:
        """The wait is over; pairs of serial number and events, as `selectors` has them."""
        self._woke = now = self.now()
        pairs = [f'[{serial}, "{_EVENTS[events & 3]}"]' for serial, events in ready]
        self._add((_READY, now, self.turn, ", ".join(pairs)))

    def leave(self) -> None:
        """The loop is over: what follows is not its doing, until another waits."""
        self.loop = _nobody
        self._move((_LEAVE, self.now(), self.turn))

    # -- what is done in a turn ------------------------------------------------------

    def callback(self, serial: int, name: str, kind: str = "") -> None:
        """A callback begins; 0 if it has no descriptor. `kind` is ready, call or flush."""
        self._add((_CALLBACK, self.now(), self.turn, serial, quoted(name), kind))

    def timer(self, name: str, late: float) -> None:
        """The callback of a timer begins, so many seconds after its time."""
        self._add((_TIMER, self.now(), self.turn, 0, quoted(name), "timer", late))

    def returned(self, raised: str = "") -> None:
        """The callback that began last is over; `raised` is the name of an exception's class."""
        if raised:
            self._add((_RAISED, self.now(), self.turn, quoted(raised)))
        else:
            self._add((_RETURNED, self.now(), self.turn))

    def queue(self, serial: int, size: int) -> None:
        """So many bytes wait for room; 0 when the queue is empty."""
        self._add((_QUEUE, self.now(), self.turn, serial, size))

    def drop(self, serial: int, count: int, reason: str) -> None:
        """So many datagrams were not sent; `reason` is the name of the errno."""
        self._move((_DROP, self.now(), self.turn, serial, count, quoted(reason)))

    def blocked(self, what: str, about: str, began: float) -> None:
        """Since `began`, by `now()`, the thread was kept by the function `what`.

        What sleeps between asking its sockets has no other wait: that is one, of a turn.
        """
        now = self.now()
        if self._asked and what == "time.sleep" and get_ident() == self.thread:
            self._begin_turn(began, now - began)
            self.ready(())
        else:
            row = (_BLOCKED, began, self.turn, quoted(what), quoted(about), now - began)
            self._move(row)

    # -- operations ------------------------------------------------------------------

    def done(self, serial: int, op: str, began: float) -> None:
        """What moves no bytes has been done: accept, connect, shutdown."""
        self._move((_DONE, began, self.turn, serial, op, self.now() - began))

    def came(self, serial: int, op: str, began: float, size: int, asked: int, data: Any) -> None:
        """`size` bytes came where there was room for `asked`."""
        took = self.now() - began
        row = (_CAME, began, self.turn, serial, op, took, size, asked, self._first(data, 0, size))
        if size:
            self._moved = True
        self._add(row)

    def went(
        self, serial: int, op: str, began: float, size: int, asked: int, data: Any, to: str = ""
    ) -> None:
        """`size` of `asked` bytes went."""
        took = self.now() - began
        more = _texts(to=to) if to else ""
        if size < asked:
            more += f', "rest": {self._first(data, size, asked)}'
        text = self._first(data, 0, size)
        row = (_WENT, began, self.turn, serial, op, took, size, asked, text, more)
        if size:
            self._moved = True
        self._add(row)

    def failed(
        self, serial: int, op: str, began: float, error: str, asked: int = 0, data: Any = b"",
        to: str = "",
    ) -> None:  # fmt: skip
        """An operation was refused; `error` is the name of the errno."""
        took = self.now() - began
        more = _texts(to=to) + (f', "rest": {self._first(data, 0, asked)}' if data else "")
        if error in _AGAIN_LATER:
            if self.loop() is None:
                self._ask(serial, began)
        else:
            self._moved = True
        self._add((_FAILED, began, self.turn, serial, op, took, error, asked, more))

    def _first(self, data: Any, start: int, end: int) -> str:
        """The first of some bytes, in quotes: each byte is a code point."""
        end = min(end, start + self.preview)
        if isinstance(data, list):
            data = _gathered(data, end)
        elif not isinstance(data, bytes):
            data = memoryview(data).cast("B")
        return quoted(str(data[start:end], "latin-1"))

    def _ask(self, serial: int, began: float) -> None:
        """Who asks a socket that had nothing to say again, without any selector, goes round."""
        if get_ident() != self.thread:
            return
        if serial in self._asked:
            self._begin_turn(began, 0.0)
        self._asked.add(serial)

    # -- rows ------------------------------------------------------------------------

    def _add(self, row: Row) -> None:
        rows = self._rows
        if get_ident() != self.thread:
            row = _by_another_thread(row)
            self._moved = True
        rows.append(row)
        if len(rows) >= _MOST_ROWS:
            self._moved = True
            self._make_lines()

    def _move(self, row: Row) -> None:
        """Add what somebody outside can see, or what changes what the loop waits for."""
        self._moved = True
        self._add(row)

    def _begin_turn(self, now: float, timeout: float | None) -> None:
        self._turns_left_out += self._is_full
        if self._is_full or not self._fold(now):
            self._make_lines()
        if self._size >= _PIECE or now >= self._due:
            self.flush()
        self._asked.clear()
        self._moved = False
        self._waits = self._woke = now
        self.turn += 1
        text = "null" if timeout is None else f"{timeout:.7f}"
        self._add((_SELECT, now, self.turn, *self._work, text))

    def _fold(self, now: float) -> bool:
        """Whether the turn is as the one before it, so that it needs only be counted."""
        if self._moved or now - self._woke > _LONG:
            self._last = None
            return False
        count = len(self._rows)
        rows = [(row[0], row[3:5]) for row in self._rows]
        if rows != self._last:
            self._last = rows
            return False
        del self._rows[:count]
        slept = self._woke - self._waits
        if self._again is None:
            self._again = (_AGAIN, self._waits, self.turn, self.turn, now, slept)
        else:
            _, began, first, _, _, before = self._again
            self._again = (_AGAIN, began, first, self.turn, now, before + slept)
        return True

    def _make_lines(self) -> None:
        """Write down what is kept, the turns that were counted first."""
        with self._lock:
            rows = self._rows[:]
            del self._rows[: len(rows)]
            if self._again is not None:
                rows.insert(0, self._again)
                self._again = None
            if self._is_full:
                self._events_left_out += len(rows)
                return
            text = "".join([row[0] % row[1:] for row in rows])
            self._texts.append(text)
            self._size += len(text)
            self._written += len(text)
            self._is_full = self._written >= self._limit

    # -- the file --------------------------------------------------------------------

    @property
    def is_behind(self) -> bool:
        """Whether there is something that the file does not hold yet."""
        return bool(self._texts or self._again)

    def flush(self) -> None:
        """Write all that is known of turns that are over."""
        if self._again is not None and not self._rows:
            self._make_lines()
        self._due = self.now() + self.patience
        texts, self._texts, self._size = self._texts, [], 0
        if self._sink is None:
            return
        left = memoryview("".join(texts).encode())
        try:
            while left:
                left = left[self._sink.write(left) :]
        except OSError as exc:
            self.error = exc
            self._let_go()
            _logger.error("the record of the run ends here: %s", exc)

    def close(self) -> None:
        """Write all that is kept, and the last line. Harmless if repeated."""
        if self._sink is None:
            return
        self._make_lines()
        self._texts.append(
            _END % (self.now(), self.turn, self._turns_left_out, self._events_left_out)
        )
        self.flush()
        self._let_go()

    def disown(self) -> None:
        """fork(2): this is a child now, and the file its parent's. Called by the system."""
        self._lock = threading.Lock()
        self._texts.clear()
        self._sink, self._is_full = None, True

    def _let_go(self) -> None:
        sink, self._sink, self._is_full = self._sink, None, True
        if self._is_ours and sink is not None:
            with suppress(OSError):
                sink.close()


def _gathered(buffers: Iterable[Any], end: int) -> bytes:
    """The first `end` bytes of several buffers, or a few more."""
    found = bytearray()
    for buffer in buffers:
        if len(found) >= end:
            break
        found += memoryview(buffer).cast("B")[: end - len(found)]
    return bytes(found)


def _nobody() -> None:
    """No loop is waiting, or has waited."""


def _texts(**texts: str) -> str:
    """Members of an object, but for those that say nothing."""
    return "".join(f', "{key}": {quoted(text)}' for key, text in texts.items() if text)


def _by_another_thread(row: Row) -> Row:
    name = quoted(threading.current_thread().name).replace("%", "%%")
    return (f'{row[0][:-2]}, "thread": {name}}}\n', *row[1:])


_records: Final[WeakSet[Record]] = WeakSet()


def disown_all() -> None:
    """This process is a forked child now. Called by the system, before anybody can use a record."""
    do_all([record.disown for record in _records])


with suppress(AttributeError):  # Windows has no fork
    os.register_at_fork(after_in_child=disown_all)
