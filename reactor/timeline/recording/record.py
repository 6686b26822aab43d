"""What a program does, told event by event, becomes a record: cheaply, for it happens meanwhile.

Each method tells of one event, and only keeps it; lines are made of it when the turn is over.
Turns that are equal, and in which nothing was done, are counted instead: a loop that spins
would fill the disk. The format is described in docs/timeline.md.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from errno import errorcode
from functools import partial
from itertools import count
from json.encoder import encode_basestring_ascii as quoted
from math import inf
from pathlib import Path
from threading import get_ident
from typing import IO, Any, Final

from ..run.events import VERSION
from ..run.turns import NOT_NOW
from .lines import Lines, Shape, said
from .processor import Processor
from .record_file import RecordFile

__all__ = ["Record", "error_name"]

_EVENTS: Final = ("", "r", "w", "rw")

_MOST_ROWS: Final = 1000
"""Of a turn; then it is written in pieces."""
_MOST_SHAPES: Final = 500
_SECOND: Final = 1_000_000_000
_LONG: Final = 20_000_000
"""Nanoseconds of a turn that has to be seen, even if nothing was done in it."""
_LONGEST: Final = 100_000_000
"""The same, if it may have been the machine that was busy with others."""


def error_name(exc: BaseException) -> str:
    """The name of an error's number; of what has none, that of its class.

    >>> error_name(BlockingIOError(11, "try again")), error_name(TimeoutError("timed out"))
    ('EAGAIN', 'TimeoutError')

    What a signal has broken off has the name that the system itself has for it:

    >>> error_name(KeyboardInterrupt())
    'EINTR'
    """
    if not isinstance(exc, OSError):
        return "EINTR"
    return errorcode.get(exc.errno or 0, type(exc).__name__)


@dataclass(slots=True)
class Fold:
    """Turns that are only counted."""

    first: int
    began: int
    last: int = 0
    until: int = 0
    slept: int = 0


class Record:
    """A run, written to `file` as it happens; a file that is handed in is left open.

    At most `limit` bytes are written, after which turns and events are counted. Of what comes
    and goes the first `preview` bytes are kept. `clock` returns seconds. The file is at most
    `patience` seconds behind while the loop turns, and complete when it sleeps longer; that
    much a program that is killed does not leave. Without patience it is written now and then,
    and no wait is cut in two for it. The descriptor `lowest` is told of as number 0.

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
        patience: float | None = 0.2,
        program: Sequence[str] | None = None,
        lowest: int = 0,
    ) -> None:
        """Begin the record. Raises OSError if the file can't be made."""
        self.turn = 0
        """The number of the turn that is under way; 0 before the first wait."""
        self.thread = get_ident()
        """The thread of the loop."""
        self.loop: Callable[[], object | None] = _nobody
        """Returns the selector whose waits are the turns, or None if there is none."""
        self._patience = inf if patience is None else patience
        self._file = RecordFile(file, limit)
        self._preview = preview
        self._lowest = lowest
        if clock is time.perf_counter:
            self._clock: Callable[[], int] = time.perf_counter_ns
            self._processor: Processor | None = Processor()
        else:
            # On a clock of its own, what the machine does costs no time.
            self._clock, self._processor = partial(_nanoseconds, clock), None
        self._began = self._clock()
        self._due = self._patience * _SECOND
        self._serials: dict[int, int] = {}
        self._numbers = count(1)
        # The turn that is under way.
        self._formats: list[str] = []
        self._values: list[Any] = []
        self._many = 0
        self._moved = True
        self._waits = self._woke = 0
        self._work = (0, 0)
        self._asked: set[int] = set()
        self._polls = False
        """Whether the program asks its sockets round and round, without any selector."""
        # The one before it.
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._shape: Shape | None = None
        self._alike: Any = None
        self._fold: Fold | None = None
        self._elsewhere: list[str] = []
        self._turns_left_out = self._events_left_out = 0
        command = json.dumps(list(sys.argv if program is None else program))
        version = quoted(sys.version.split()[0])
        self._file.add(said(0, Lines.START, VERSION, command, version))
        self._file.flush()

    @property
    def error(self) -> OSError | None:
        """Why the record ended before the run, if it did."""
        return self._file.error

    def now(self) -> int:
        """Nanoseconds since the record began, in which all that follows counts time."""
        return self._clock() - self._began

    # -- descriptors -----------------------------------------------------------------

    def serial_of(self, fd: int) -> int:
        """The serial number of what is open there; 0 if nobody has told of it."""
        return self._serials.get(fd, 0)

    def open(self, fd: int, kind: str, *, local: str = "", peer: str = "", by: int = 0) -> int:
        """A descriptor is born; returns its serial number.

        What had its number before was closed without a word.
        """
        if fd in self._serials:
            self.died(self._serials[fd], fd)
        self._serials[fd] = serial = next(self._numbers)
        more = _texts(local=local, peer=peer) + (f', "by": {by}' if by else "")
        self._move(Lines.OPEN, (self.now(), serial, fd - self._lowest, quoted(kind), more))
        return serial

    def named(self, serial: int, *, kind: str = "", local: str = "", peer: str = "") -> None:
        """What became of a descriptor, unless nobody knows it."""
        if serial:
            self._move(Lines.NAMED, (self.now(), serial, _texts(kind=kind, local=local, peer=peer)))

    def label(self, serial: int, label: str) -> None:
        """The program has given a descriptor a name."""
        self._move(Lines.LABEL, (self.now(), serial, quoted(label)))

    def watch(self, serial: int, before: int, after: int) -> None:
        """What the loop waits for has changed; events as `selectors` has them."""
        events = _EVENTS[before & 3], _EVENTS[after & 3]
        self._move(Lines.WATCH, (self.now(), serial, *events))

    def died(self, serial: int, fd: int, how: str = "closed") -> None:
        """A descriptor is closed, detached or collected; its number is free."""
        if self._serials.get(fd) == serial:
            del self._serials[fd]
        self._asked.discard(serial)
        self._move(Lines.CLOSE, (self.now(), serial, how))

    # -- turns -----------------------------------------------------------------------

    def announce(self, timers: int, calls: int) -> None:
        """What the loop that goes to wait next has to do."""
        self._work = (timers, calls)

    def select(self, timeout: float | None) -> None:
        """A turn is over, and the next begins: the loop goes to wait, on this thread."""
        self.thread = get_ident()
        self._polls = False
        self._begin_turn(self.now(), timeout)

    def ready(self, ready: Sequence[tuple[int, int]]) -> None:
        """The wait is over; pairs of serial number and events, as `selectors` has them."""
        self._woke = now = self.now()
        if len(ready) == 1:
            ((serial, events),) = ready
            self._add(Lines.READY_ONE, (now, serial, _EVENTS[events & 3]))
        else:
            pairs = [f'[{serial}, "{_EVENTS[events & 3]}"]' for serial, events in ready]
            self._add(Lines.READY, (now, ", ".join(pairs)))

    def leave(self) -> None:
        """The loop is over: what follows is not its doing, until another waits."""
        self.loop = _nobody
        now = self.now()
        self._move(Lines.LEAVE, (now, self._late(now)))

    # -- what is done in a turn ------------------------------------------------------

    def callback(self, serial: int, name: str, kind: str = "") -> None:
        """A callback begins; 0 if it has no descriptor. `kind` is ready, call or flush."""
        self._add(Lines.CALLBACK, (self._clock() - self._began, serial, quoted(name), kind))

    def timer(self, name: str, late: float) -> None:
        """The callback of a timer begins, so many seconds after its time."""
        self._add(Lines.TIMER, (self.now(), 0, quoted(name), "timer", late))

    def returned(self, raised: str = "") -> None:
        """The callback that began last is over; `raised` is the name of an exception's class."""
        now = self._clock() - self._began
        if raised:
            self._add(Lines.RAISED, (now, quoted(raised)))
        else:
            self._add(Lines.RETURNED, (now,))

    def queue(self, serial: int, size: int) -> None:
        """So many bytes wait for room; 0 when the queue is empty."""
        self._add(Lines.QUEUE, (self.now(), serial, size))

    def drop(self, serial: int, count: int, reason: str) -> None:
        """So many datagrams were not sent; `reason` is the name of the errno."""
        self._move(Lines.DROP, (self.now(), serial, count, quoted(reason)))

    def blocked(self, what: str, about: str, began: int) -> None:
        """Since `began`, by `now()`, the thread was kept by the function `what`.

        What sleeps between asking its sockets has no other wait: that is one, of a turn.
        """
        took = self.now() - began
        if self._polls and what == "time.sleep" and get_ident() == self.thread:
            self._begin_turn(began, took / _SECOND)
            self.ready(())
        else:
            self._move(Lines.BLOCKED, (began, quoted(what), quoted(about), took))

    # -- operations ------------------------------------------------------------------

    def done(self, serial: int, op: str, began: int) -> None:
        """What moves no bytes has been done: accept, connect."""
        self._move(Lines.DONE, (began, serial, op, self.now() - began))

    def shut(self, serial: int, began: int, how: str) -> None:
        """A direction of a connection was ended by the program, or both: "r", "w" or "rw"."""
        self._move(Lines.SHUTDOWN, (began, serial, "shutdown", self.now() - began, how))

    def came(
        self, serial: int, op: str, began: int, size: int, asked: int, data: Any, sender: str = ""
    ) -> None:
        """`size` bytes came where there was room for `asked`; `op` is recv, or peek."""
        took = self._clock() - self._began - began
        if size and op != "peek":
            self._moved = True
        values = began, serial, op, took, size, asked, self._first(data, 0, size)
        if sender:
            self._add(Lines.CAME_FROM, (*values, quoted(sender)))
        else:
            self._add(Lines.CAME, values)

    def went(
        self, serial: int, op: str, began: int, size: int, asked: int, data: Any, to: str = ""
    ) -> None:
        """`size` of `asked` bytes went."""
        took = self._clock() - self._began - began
        if size:
            self._moved = True
        more = _texts(to=to) if to else ""
        if size < asked:
            more += f', "rest": {self._first(data, size, asked)}'
        sent = self._first(data, 0, size)
        self._add(Lines.WENT, (began, serial, op, took, size, asked, sent, more))

    def failed(
        self, serial: int, op: str, began: int, error: str, asked: int = 0, data: Any = b"",
        to: str = "",
    ) -> None:  # fmt: skip
        """An operation was refused; `error` is the name of the errno. 0: nobody knows on what."""
        if not serial:
            return
        took = self.now() - began
        if error not in NOT_NOW:
            self._moved = True
        elif self.loop() is None:
            self._ask(serial, began)
        more = _texts(to=to) + (f', "rest": {self._first(data, 0, asked)}' if data else "")
        self._add(Lines.FAILED, (began, serial, op, took, error, asked, more))

    def _first(self, data: Any, start: int, end: int) -> str:
        """The first of some bytes, in quotes: each byte is a code point."""
        if isinstance(data, bytes) and not start and end == len(data) <= self._preview:
            return quoted(data.decode("latin-1"))  # the usual case, in few steps
        end = min(end, start + self._preview)
        if isinstance(data, list):
            data = _gathered(data, end)
        elif not isinstance(data, bytes):
            data = bytes(memoryview(data).cast("B")[:end])
        return quoted(data[start:end].decode("latin-1"))

    def _ask(self, serial: int, began: int) -> None:
        """Who, without any selector, asks again what had nothing to say, goes round."""
        if get_ident() != self.thread:
            return
        if serial in self._asked:
            self._begin_turn(began, 0)
        self._polls = True
        self._asked.add(serial)

    # -- lines -----------------------------------------------------------------------

    def _add(self, line: str, values: tuple[Any, ...]) -> None:
        if get_ident() != self.thread:
            self._add_elsewhere(line, values)
            return
        # In this order Ctrl-C can't come between the two.
        self._values += values
        self._formats.append(line)
        if len(self._formats) >= self._many:
            self._write_early()

    def _write_early(self) -> None:
        """Where there are no turns yet, time alone tells when to write."""
        if self.turn or self.now() >= self._due or len(self._formats) >= _MOST_ROWS:
            self._write_turn()
            self.flush()

    def _move(self, line: str, values: tuple[Any, ...]) -> None:
        """Add what somebody outside can see, or what changes what the loop waits for."""
        self._moved = True
        if self._elsewhere and get_ident() == self.thread:
            # What this is about may have been made there.
            self._add(Lines.WHOLE, (self._take_elsewhere(),))
        self._add(line, values)

    def _add_elsewhere(self, line: str, values: tuple[Any, ...]) -> None:
        """Keep what another thread than the loop's did."""
        self._moved = True
        text = said(self.turn, line, *values)
        name = quoted(threading.current_thread().name)
        self._elsewhere.append(f'{text[:-2]}, "thread": {name}}}\n')
        if len(self._elsewhere) >= _MOST_ROWS or (not self.turn and values[0] >= self._due):
            self._write(self._take_elsewhere())
            self.flush()

    def _take_elsewhere(self) -> str:
        lines = self._elsewhere[:]
        del self._elsewhere[: len(lines)]
        return "".join(lines)

    def _begin_turn(self, now: int, timeout: float | None) -> None:
        busy = now - self._woke
        missed = self._missed() if busy > _LONG or now >= self._due else 0
        if self._elsewhere:
            self._add(Lines.WHOLE, (self._take_elsewhere(),))
        # What comes after a long turn is not as that was.
        self._moved = self._moved or busy > _LONGEST or busy - missed > _LONG
        if self._fold_turn(now):
            missed = 0
        else:
            self._write_fold()
            self._write_turn()
        if now >= self._due:
            self.flush()
        self._turns_left_out += not self._file.takes_more
        self._moved = False
        self._asked.clear()
        self._waits = self._woke = now
        self.turn += 1
        self._many = _MOST_ROWS
        wait = "null" if timeout is None else f"{timeout:.7f}"
        if busy > _LONG and missed:
            self._add(Lines.SELECT_LATE, (now, *self._work, wait, missed))
        else:
            self._add(Lines.SELECT, (now, *self._work, wait))

    def _missed(self) -> int:
        """Nanoseconds, since this was asked last, in which the system ran others."""
        if self._processor is None:
            return 0
        if get_ident() == self.thread:
            return self._processor.missed()
        return self._processor.missed_there()

    def _late(self, now: int) -> str:
        """The same as a member, for the last turn of a loop, if that was long."""
        missed = self._missed() if now - self._woke > _LONG else 0
        return f', "missed": {missed}e-9' if missed else ""

    def _fold_turn(self, now: int) -> bool:
        """Whether the turn was as the one before it, so that it needs only be counted."""
        if self._moved:
            self._shape = None
            return False
        shape = self._shape_of(tuple(self._formats))
        alike = shape.alike(self._values)
        if shape is not self._shape or alike != self._alike:
            self._shape, self._alike = shape, alike
            return False
        self._formats, self._values = [], []
        if self._fold is None:
            self._fold = Fold(self.turn, self._waits)
        self._fold.last, self._fold.until = self.turn, now
        self._fold.slept += self._woke - self._waits
        return True

    def _shape_of(self, formats: tuple[str, ...]) -> Shape:
        shape = self._shapes.get(formats)
        if shape is None:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[formats] = Shape(formats)
        return shape

    def _write_fold(self) -> None:
        fold, self._fold = self._fold, None
        if fold is not None:
            values = fold.began, fold.last, fold.until, fold.slept
            self._write(said(fold.first, Lines.AGAIN, *values))

    def _write_turn(self) -> None:
        """Write what there is of the turn that is under way; it can't be folded any more."""
        self._moved = True
        formats, values = self._formats, self._values
        self._formats, self._values = [], []  # both or none, whenever Ctrl-C comes
        if self._file.takes_more:
            self._file.add(self._shape_of(tuple(formats)).text(self.turn, values))
        else:
            self._events_left_out += len(formats)

    def _write(self, text: str) -> None:
        if self._file.takes_more:
            self._file.add(text)
        else:
            self._events_left_out += text.count("\n")

    def limit_of_wait(self, timeout: float | None) -> float | None:
        """How long to wait at first, so that what is known is written soon, whatever follows.

        None: as long as is wanted, for the file holds all that is known of turns that are over.
        """
        if timeout is not None and timeout <= self._patience:
            return None
        is_behind = self._fold is not None or self._file.is_behind
        return self._patience if is_behind and self._patience < inf else None

    def flush(self) -> None:
        """Write all that is known of turns that are over."""
        self._write_fold()
        self._file.flush()
        self._due = self.now() + self._patience * _SECOND

    def close(self) -> None:
        """Write all that is kept, and the last line. Harmless if repeated."""
        self._write_fold()
        self._write_turn()
        self._write(self._take_elsewhere())
        left_out, now = (self._turns_left_out, self._events_left_out), self.now()
        self._file.add(said(self.turn, Lines.END, now, *left_out, self._late(now)))
        self._file.close()


def _nanoseconds(clock: Callable[[], float]) -> int:
    return round(clock() * _SECOND)


def _nobody() -> None:
    """No loop has waited yet, or it is over."""


def _texts(**texts: str) -> str:
    """Members of an object, but for those that say nothing."""
    return "".join([f', "{key}": {quoted(text)}' for key, text in texts.items() if text])


def _gathered(buffers: Iterable[Any], end: int) -> bytes:
    """The first `end` bytes of several buffers."""
    found = bytearray()
    for buffer in buffers:
        if len(found) >= end:
            break
        found += memoryview(buffer).cast("B")[: end - len(found)]
    return bytes(found)
