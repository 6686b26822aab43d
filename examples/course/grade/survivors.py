"""Processes that a program has left behind, wherever they went: they bear a mark from birth.

A process that forks twice and begins a session of its own is nobody's child and in nobody's
group; what its parents' environment was when it was born, it can't get rid of.
"""

import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["Mark", "kill"]

_PROCESSES: Final = Path("/proc")
_NAME: Final = "COURSE_PROGRAM"
_ROUNDS: Final = 20
"""So many times is looked again: one that forks is faster than who reads about it."""


class Mark:
    """Of one program, in `environment`."""

    def __init__(self) -> None:
        self._value = secrets.token_hex(16)

    @property
    def environment(self) -> dict[str, str]:
        return {_NAME: self._value}

    def end_all(self) -> None:
        """Kill all who bear it, where the system tells who does."""
        for _ in range(_ROUNDS):
            found = list(self._bearers())
            for process in found:
                kill(process, signal.SIGKILL)
            if not found:
                return

    def _bearers(self) -> Iterator[int]:
        mark = f"{_NAME}={self._value}".encode()
        for folder in _PROCESSES.glob("[0-9]*"):
            try:
                # Of one that has ended and waits for its parent, nothing can be read.
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)
            except OSError:
                pass


def kill(process: int, signum: int) -> None:
    """Negative numbers are those of groups, as in kill(2); who is gone already is no matter."""
    try:
        os.kill(process, signum)
    except (ProcessLookupError, PermissionError):
        pass
