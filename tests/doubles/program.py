"""Runs the example programs as their users do: as processes, with pipes and signals."""

import errno
import fcntl
import os
import pty
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

ROOT = Path(__file__).resolve().parent.parent.parent
_PATIENCE = 20.0
_T = TypeVar("_T")


class Program:
    """A process whose output can be waited for; ended at the latest by `close`.

    `stdin` and `stdout` are descriptors, which are closed here; for standard output that is
    not a pipe of ours, `out` stays empty.
    """

    def __init__(
        self,
        module: str,
        *arguments: object,
        stdin: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        **environment: str,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", module, *map(str, arguments)],
            cwd=ROOT,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        for descriptor in {stdin, stdout} - {subprocess.PIPE}:
            os.close(descriptor)
        self._text = {"out": "", "err": ""}
        self._selector = selectors.DefaultSelector()
        for name, pipe in (("out", self.process.stdout), ("err", self.process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def out(self) -> str:
        """Standard output so far."""
        self._read(0)
        return self._text["out"]

    @property
    def err(self) -> str:
        """Standard error so far."""
        self._read(0)
        return self._text["err"]

    def say(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end_input(self) -> None:
        """Close standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def stop_reading(self) -> None:
        """Close our end of standard output, as `head` does."""
        assert self.process.stdout is not None
        self._selector.unregister(self.process.stdout)
        self.process.stdout.close()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match of `pattern` in standard output, once it is there."""
        return self._wait(lambda: re.search(pattern, self._text["out"]), pattern)

    def finish(self, signum: int | None = None) -> int:
        """Send `signum` if given, read to the end, and return the exit status."""
        if signum is not None:
            self.process.send_signal(signum)
        self._wait(lambda: not self._selector.get_map() or None, "the end")
        return self.process.wait(_PATIENCE)

    def close(self) -> None:
        """End the process, however it stands."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self._selector.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:
                pass

    def _wait(self, look: Callable[[], _T | None], what: str) -> _T:
        deadline = time.monotonic() + _PATIENCE
        while (found := look()) is None:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not self._selector.get_map():
                raise AssertionError(f"no {what!r} in {self._text}")
            self._read(remaining)
        return found

    def _read(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout) if self._selector.get_map() else []:
            if data := read_some(key.fd):
                self._text[key.data] += data.decode(errors="backslashreplace")
            else:
                self._selector.unregister(key.fileobj)


class ProgramOnTerminal(Program):
    """A program whose standard input and output are a terminal."""

    def __init__(self, module: str, *arguments: object, **environment: str) -> None:
        self.terminal, theirs = pty.openpty()
        super().__init__(module, *arguments, stdin=theirs, stdout=theirs, **environment)
        self._selector.register(self.terminal, selectors.EVENT_READ, "out")

    def type(self, keys: bytes) -> None:
        """Press `keys`."""
        os.write(self.terminal, keys)

    def close(self) -> None:
        super().close()
        os.close(self.terminal)


def small_pipe() -> tuple[int, int]:
    """The two ends of a pipe with room for a page, where the system lets us choose (Linux)."""
    ours, theirs = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    return ours, theirs


def wait_until_ignored(program: Program, signum: int) -> None:
    """Until the system says so: proc(5), SigIgn."""
    deadline = time.monotonic() + _PATIENCE
    status = Path(f"/proc/{program.process.pid}/status")
    while not int(re.findall(r"SigIgn:\s*(\w+)", status.read_text())[0], 16) >> (signum - 1) & 1:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def read_some(descriptor: int) -> bytes:
    """What can be read; nothing at the end, also where that is a terminal's (EIO on Linux)."""
    try:
        return os.read(descriptor, 65536)
    except OSError as exc:
        if exc.errno != errno.EIO:
            raise
        return b""
