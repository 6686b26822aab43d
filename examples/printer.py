"""Text for a terminal, a pipe or a file at which nobody may be looking.

A write to a terminal after Ctrl-S, to a full pipe or to a disk that does not answer may take
for ever, and a loop that makes it serves nobody meanwhile. O_NONBLOCK is no way out: it
belongs to the open file (open(2)), which we share with the shell and with whoever else
writes there. So a thread writes, and the loop only queues.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

_MAX_WAITING: Final = 1000


class Printer:
    """Writes to a descriptor what it is given, in order, without ever keeping the giver.

    Of what nobody takes, the last 1,000 texts are kept; lines that are older, or that the
    system refuses (a full disk, a pipe without a reader), are left out, and how many they
    were is told in their place as soon as something can be written again.
    """

    def __init__(self, descriptor: int, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._thread: threading.Thread | None = None
        self._waiting: deque[bytes] = deque()
        self._left_out = 0
        self._idle = True
        self._in_line = False  # the last byte written did not end one
        self._changed = threading.Condition()

    def write(self, text: str) -> None:
        """Queue `text`; characters that the encoding does not have are escaped."""
        data = text.encode(self._encoding, "backslashreplace")
        with self._changed:
            if len(self._waiting) == _MAX_WAITING:
                self._left_out += self._waiting.popleft().count(b"\n")
            self._waiting.append(data)
            self._idle = False
            if self._thread is None:
                self._thread = _started(self._work)
            self._changed.notify_all()

    def drain(self, patience: float) -> bool:
        """Wait until all is written, at most `patience` seconds; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._idle, patience)

    # -- on the thread ---------------------------------------------------------------

    def _work(self) -> None:
        while True:
            data, left_out = self._next()
            if left_out and self._put(self._notice(left_out)):
                self._leave_out(-left_out)
            if not self._put(data):
                self._leave_out(data.count(b"\n"))

    def _next(self) -> tuple[bytes, int]:
        with self._changed:
            if not self._waiting:
                self._idle = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
            return self._waiting.popleft(), self._left_out

    def _notice(self, count: int) -> bytes:
        start = "\n" if self._in_line else ""
        text = f"{start}lines left out here, because they could not be written: {count}\n"
        return text.encode(self._encoding)

    def _leave_out(self, lines: int) -> None:
        with self._changed:
            self._left_out += lines

    def _put(self, data: bytes) -> bool:
        """Whether all of `data` could be written, however long it took."""
        while data:
            try:
                written = os.write(self._descriptor, data)
            except BlockingIOError:
                # Another program that shares the file has made it non-blocking.
                select.select((), (self._descriptor,), ())
            except OSError:
                return False
            else:
                self._in_line = data[written - 1] != 10
                data = data[written:]
        return True


def _started(work: Callable[[], object]) -> threading.Thread | None:
    """A thread that does `work`; None if the system has none to give, for now."""
    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
