"""Starts the programs of a benchmark on a core of their own, hears them, and ends them."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .cores import pinned_to

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PATIENCE: Final = 20.0
"""Seconds after which a program that says nothing is taken for stuck."""


class Program:
    """A process whose lines can be waited for; ended at the latest by `close`.

    A thread takes its output at once: a pipe that is full would hold the program up.
    """

    def __init__(
        self, command: Sequence[str], core: int, *, urgent: bool = False, folder: Path = ROOT
    ) -> None:
        with pinned_to(core):
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.pid = self._process.pid
        if urgent:
            self._make_urgent()
        self._command = " ".join(command)[:200]
        self._lines: list[str] = []
        self._seen = 0
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def say(self, line: str) -> None:
        """Give it a line of input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def wait_for(self, pattern: str, patience: float = PATIENCE) -> re.Match[str]:
        """The first line that matches, behind the one found last.

        Raises TimeoutError, or ChildProcessError if the program ended without it.
        """
        deadline = time.monotonic() + patience
        with self._news:
            while True:
                while self._seen < len(self._lines):
                    self._seen += 1
                    if found := re.search(pattern, self._lines[self._seen - 1]):
                        return found
                remaining = deadline - time.monotonic()
                if self._ended:
                    raise ChildProcessError(f"no {pattern!r} from {self}")
                if remaining <= 0:
                    raise TimeoutError(f"no {pattern!r} within {patience:g} s from {self}")
                self._news.wait(remaining)

    def wait_for_report(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The JSON object with which a program of ours ends."""
        report: dict[str, Any] = json.loads(self.wait_for(r"^\{.*\}$", patience)[0])
        return report

    def finish(self, signum: int) -> None:
        """Send a signal and wait for the end; what it said last can then be waited for."""
        self._process.send_signal(signum)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"no end of {self}") from None

    def close(self) -> None:
        """End the process, however it stands."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def __str__(self) -> str:
        return f"{self._command}; it said last: {self._lines[-5:]}"

    def _make_urgent(self) -> None:
        """Let it run before all others of its core, where that is allowed."""
        try:
            os.sched_setscheduler(self.pid, os.SCHED_FIFO, os.sched_param(10))
        except (PermissionError, ProcessLookupError):
            pass

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
