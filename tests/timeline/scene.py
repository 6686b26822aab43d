"""A recorded program, and clients who do with it what shows its faults, or what it is made for."""

import re
import signal
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from reactor.timeline.run.run import Run, read
from tests.doubles.program import Program

_PATIENCE = 20.0


class Scene:
    """A program that prints its port, under a recorder; `run` ends it by Ctrl-C."""

    def __init__(self, record: Path, module: str, *arguments: object) -> None:
        self._record = record
        self._stack = ExitStack()
        self.program = Program("tests.timeline.recorded", record, module, *arguments)
        self._stack.enter_context(self.program)
        self.port = 0

    def __enter__(self) -> Self:
        self.port = int(self.program.wait_for(r"(\d+)[,\n]")[1])
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def client(self, *, room: int = 0) -> socket.socket:
        """A client; with `room` bytes for what it does not read, or a little more."""
        sock = self._stack.enter_context(socket.socket())
        if room:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        sock.settimeout(_PATIENCE)
        sock.connect(("127.0.0.1", self.port))
        return sock

    def run(self) -> Run:
        """What was recorded, up to when the program went to sleep; or spins, for all we see."""
        began = self._seconds_of_work()
        self._wait(lambda: self._is_asleep() or self._seconds_of_work() >= began + 0.1)
        self.program.finish(signal.SIGINT)
        return read(self._record.read_bytes().splitlines())

    def let_it_work(self) -> None:
        """Until it has had 0.5 s of a processor: what spins has gone round thousands of times."""
        began = self._seconds_of_work()
        self._wait(lambda: self._seconds_of_work() >= began + 0.5)

    def let_it_sleep(self, times: int) -> None:
        """Until it has gone to sleep so often."""
        began = self._sleeps()
        self._wait(lambda: self._sleeps() >= began + times)

    def _seconds_of_work(self) -> float:
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def _is_asleep(self) -> bool:
        return self._proc("stat").rpartition(")")[2].split()[0] == "S"

    def _sleeps(self) -> int:
        (times,) = re.findall(r"^voluntary_ctxt_switches:\s*(\d+)", self._proc("status"), re.M)
        return int(times)

    def descriptors(self) -> int:
        """How many it has; numbers are given from below, so the next has this one."""
        return len(list(Path(f"/proc/{self.program.process.pid}/fd").iterdir()))

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self.program.process.pid}/{name}").read_text()

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not is_so():
            assert time.monotonic() < deadline, self.program.err
            time.sleep(0.005)


def ask(sock: socket.socket, question: bytes = b"hello\n") -> bytes:
    """The first bytes of the answer."""
    sock.sendall(question)
    return sock.recv(65536)


def reset(sock: socket.socket) -> None:
    """Leave in a bad temper."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
