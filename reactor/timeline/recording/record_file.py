"""The file of a record: bounded, written in pieces, and never in the way of the run.

What can't be written (a full disk) ends the record, not the run. A forked child has none.
"""

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Final
from weakref import WeakSet

from ...steps import do_all

__all__ = ["RecordFile", "disown_all"]

_PIECE: Final = 64 * 1024
_FAR: Final = 1000

_logger = logging.getLogger("reactor")


class RecordFile:
    """Takes text up to `limit` characters; a file handed in is left open."""

    def __init__(self, file: str | Path | IO[bytes], limit: int) -> None:
        """Raises OSError if the file can't be made."""
        self.error: OSError | None = None
        """Why no more can be written, if that is so."""
        self._file: IO[bytes] | None = (
            open(file, "wb", buffering=0, opener=_open_far_away)  # noqa: SIM115
            if isinstance(file, str | Path)
            else file
        )
        self._is_ours = self._file is not file
        self._room = limit
        self.takes_more = limit > 0
        """Whether there is room, and somewhere to write to."""
        self.is_behind = False
        """Whether something was added that is not written yet."""
        self._kept: list[str] = []
        self._size = 0
        self._lock = threading.Lock()
        _files.add(self)

    def add(self, text: str) -> None:
        """Write some lines, all of them or none; soon."""
        with self._lock:
            self._kept.append(text)
            self.is_behind = True
            self._size += len(text)
            self._room -= len(text)
            self.takes_more = self._room > 0
        if self._size >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Write what was added."""
        with self._lock:
            text, self._kept, self._size = "".join(self._kept), [], 0
            self.is_behind = False
            try:
                self._write(text)
            except OSError as exc:
                self.error = exc
                self._let_go()
                _logger.error("the record of the run ends here: %s", exc)

    def close(self) -> None:
        """Write what was added, and no more. Harmless if repeated."""
        self.flush()
        self._let_go()

    def disown(self) -> None:
        """fork(2): this is a child now, and the file its parent's. Called by the system."""
        self._lock = threading.Lock()
        self._kept, self._size = [], 0
        self._let_go()

    def _write(self, text: str) -> None:
        left = memoryview(text.encode())
        while left and self._file is not None:
            left = left[self._file.write(left) :]

    def _let_go(self) -> None:
        file, self._file, self.takes_more = self._file, None, False
        if file is not None and self._is_ours:
            with suppress(OSError):
                file.close()


def _open_far_away(path: str, flags: int) -> int:
    """The program's own descriptors have the numbers that they would have without us."""
    fd = os.open(path, flags, 0o666)
    with suppress(ImportError, OSError):  # Windows has no fcntl, and some allow no such number
        import fcntl

        far = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FAR)
        os.close(fd)
        return far
    return fd


_files: Final[WeakSet[RecordFile]] = WeakSet()


def disown_all() -> None:
    """This process is a forked child now. Called by the system, before anybody can record."""
    do_all([file.disown for file in _files])


with suppress(AttributeError):  # Windows has no fork
    os.register_at_fork(after_in_child=disown_all)
