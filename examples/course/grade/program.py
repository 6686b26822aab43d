"""The program under test: it is started with two ports, and ended with all that it started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .output import Output
from .ports import PROGRAMS, free_port
from .processor import family, share, spent, wants_one
from .survivors import Mark, kill

__all__ = ["LAST_WORDS", "NotStarted", "Program"]

LAST_WORDS: Final = 1.0
"""Seconds that a program has to end by itself when it is told to."""
_LAST_LINE: Final = 0.5
_WINDOW: Final = 0.3
_IDLE: Final = 0.15
_SLEEPS_WITHIN: Final = 0.2
_LOOK_AGAIN: Final = 0.001
_DESCRIPTORS: Final = Path("/proc/self/fd")
_ROOT: Final = str(Path(__file__).parents[3])
_PATH: Final = os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))


class NotStarted(Exception):
    """The system can't run this command; `problem` is what it says about it."""

    def __init__(self, command: str, problem: str) -> None:
        super().__init__(f"{command}: {problem}")
        self.command = command
        self.problem = problem


class Program:
    """`command` with `{port}` and `{ingest}` replaced, or both put at its end.

    It runs in `folder`, and has `last_words` seconds to end when it is told to. If it is Python,
    it finds this library. Raises NotStarted if it can't be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        last_words: float = LAST_WORDS,
    ) -> None:
        self.port = free_port(socket.SOCK_STREAM, PROGRAMS)
        self.ingest = free_port(socket.SOCK_DGRAM, PROGRAMS)
        self._last_words = last_words
        reading, writing = os.pipe()
        self._output = Output(reading)
        self._mark = Mark()
        try:
            self._process = subprocess.Popen(
                self._with_ports(command),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
                cwd=folder,
                env=os.environ | self._mark.environment | {"PYTHONPATH": _PATH},
            )
        except OSError as exc:
            raise NotStarted(command[0], exc.strerror or str(exc)) from None
        finally:
            os.close(writing)

    def _with_ports(self, command: Sequence[str]) -> list[str]:
        if not any("{port}" in word or "{ingest}" in word for word in command):
            command = [*command, "{port}", "{ingest}"]
        ports = {"{port}": str(self.port), "{ingest}": str(self.ingest)}
        words = list(command)
        for mark, port in ports.items():
            words = [word.replace(mark, port) for word in words]
        return words

    def is_alive(self, within: float = 0.5) -> bool:
        """Whether it runs so many seconds on: a connection ends a little before its process."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return True
        return False

    @property
    def status(self) -> int | None:
        """Its exit status; minus a signal's number, if one ended it; None while it runs."""
        return self._process.poll()

    @property
    def last_line(self) -> str:
        """Of what it printed. '' if nothing."""
        return self._output.last_line(_LAST_LINE if self.status is not None else 0)

    def wants_processor(self) -> bool:
        """Whether it is at work, or would be; False where the system doesn't tell."""
        return wants_one(self._process.pid)

    def idle_share(self, looks: int = 3) -> float | None:
        """The share of a processor that it asks for now, while nothing is asked of it; None
        where the system doesn't tell.

        The least of several looks, so that a compiler that still warms up is forgiven.
        """
        least = float("inf")
        for _ in range(looks):
            before, began = spent(self._process.pid), time.monotonic()
            time.sleep(_WINDOW)
            sleeps = self._is_seen_asleep()
            after, seconds = spent(self._process.pid), time.monotonic() - began
            if before is None or after is None:
                return None
            least = min(least, share(before, after, seconds) if sleeps else 1.0)
            if least < _IDLE:
                break
        return least

    def _is_seen_asleep(self) -> bool:
        """Whether there is a moment at which no thread wants a processor, so that no wait for one
        is missing in the account.
        """
        deadline = time.monotonic() + _SLEEPS_WITHIN
        while self.wants_processor():
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_AGAIN)
        return True

    def descriptors(self) -> int | None:
        """How many are open in all its processes; None where the system doesn't tell."""
        if not _DESCRIPTORS.exists():
            return None
        open_now = 0
        for process in family(self._process.pid):
            try:
                open_now += len(os.listdir(f"/proc/{process}/fd"))
            except OSError:
                pass
        return open_now

    @contextmanager
    def held_up(self) -> Iterator[None]:
        """Meanwhile it does nothing, as on a busy machine; where there are no such signals it
        goes on. What is sent to it waits in its sockets.
        """
        if os.name == "posix":
            kill(-self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if os.name == "posix":
                kill(-self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it and all that it started: asked first, then not asked any more."""
        if os.name != "posix":  # no groups, and nothing to ask with
            self._process.kill()
            self._process.wait()
            return
        try:
            kill(-self._process.pid, signal.SIGTERM)
            self.is_alive(self._last_words)
        finally:
            kill(-self._process.pid, signal.SIGKILL)
            self._mark.end_all()
            self._process.wait()
