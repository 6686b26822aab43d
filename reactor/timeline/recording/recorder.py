"""Records a whole process: what stands in for sockets, selectors and calls is put in and out here.

Each room that records something says what has to stand in for what; all of it is taken out
again in the opposite order, where it is still ours.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from . import blocking, callbacks, recorded_select, recorded_selector, recorded_socket
from .record import Record
from .recorded_socket import serial_of
from .stand_ins import StandIn

__all__ = ["Recorder", "label"]

_ROOMS: Final = (
    recorded_socket.stand_ins,
    recorded_selector.stand_ins,
    recorded_select.stand_ins,
    callbacks.stand_ins,
    blocking.stand_ins,
)

_recording: list["Recorder"] = []


class Recorder:
    """Records what this process does with sockets and selectors inside a `with` block.

    What was made before is seen only where the block watches it; a name that was imported before,
    as by `from socket import socket`, is the plain one. One records at a time: another raises
    RuntimeError. `file` and the other arguments are those of `Record`.
    """

    def __init__(
        self,
        file: str | Path | IO[bytes],
        *,
        limit: int = 64 * 1024 * 1024,
        preview: int = 64,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._begin = partial(Record, file, limit=limit, preview=preview, clock=clock)
        self._put_in: list[tuple[StandIn, Any]] = []
        self.record: Record
        """There inside the block."""

    def __enter__(self) -> "Recorder":
        """Raises OSError if the file can't be made."""
        if _recording:
            raise RuntimeError("a Recorder is recording already: one at a time")
        self.record = self._begin()
        _recording.append(self)
        for room in _ROOMS:
            for stand_in in room(self.record):
                owner, name, substitute = stand_in
                self._put_in.append((stand_in, vars(owner)[name]))
                setattr(owner, name, substitute)
        return self

    def __exit__(self, *exc_info: object) -> None:
        while self._put_in:
            (owner, name, substitute), original = self._put_in.pop()
            if vars(owner).get(name) is substitute:  # the program may have removed it
                setattr(owner, name, original)
        _recording.remove(self)
        self.record.close()

    @property
    def error(self) -> OSError | None:
        """Why the record ended before the run, if it did."""
        return self.record.error


def label(fileobj: Any, name: str) -> None:
    """Give what has a descriptor a name in the record; nothing happens if nobody records.

    What is closed already stays without a name.
    """
    fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()  # a mistake is one always
    for recorder in _recording:
        if fd >= 0:
            recorder.record.label(serial_of(recorder.record, fileobj), str(name))
