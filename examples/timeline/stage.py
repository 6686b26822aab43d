"""Runs a program under the recorder and plays its clients, who wait for what they can see.

Whether a program has read what was sent to it stands in /proc/net: this needs Linux.
"""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

__all__ = ["Client", "Stage", "pause", "wait_until"]

_PATIENCE: Final = 10.0
_LOOK_AGAIN: Final = 0.001
_ENDED_BY_CTRL_C: Final = (0, -signal.SIGINT, 128 + signal.SIGINT)


class Stage:
    """A program that is being recorded into `record`, and the clients who talk to it.

    `arguments` are those of a Python that runs the program, `-m` or a file first; the first
    line that the program prints ends with the address at which it listens.

    Raises TimeoutError for what does not come, RuntimeError for a program that fails.
    """

    def __init__(self, record: Path, *arguments: str) -> None:
        self._open = ExitStack()
        command = [sys.executable, "-m", "reactor.timeline", "-o", str(record), *arguments]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What a script starts in the background ignores Ctrl-C, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert self._process.stdout is not None
        first_line = self._process.stdout.readline()
        self.ports = [int(port) for port in re.findall(r":(\d+)", first_line)]
        """At which it listens, in the order in which it says so."""
        if not self.ports:
            _, complaint = self._process.communicate(timeout=_PATIENCE)
            raise RuntimeError(f"{first_line}{complaint}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: object, *exc_info: object) -> None:
        """End the program as its user would, then the clients."""
        with self._open, self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                _, complaint = self._process.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
        if exc_type is None and self._process.returncode not in _ENDED_BY_CTRL_C:
            raise RuntimeError(complaint)

    def connect(self, count: int, receive_buffer: int = 0) -> list["Client"]:
        """Clients who have been accepted; with a small `receive_buffer`, they read slowly."""
        clients = [self._connect(receive_buffer) for _ in range(count)]
        self.settle()
        return clients

    def _connect(self, receive_buffer: int) -> "Client":
        sock = self._open.enter_context(socket.socket())
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(_PATIENCE)
        sock.connect(("127.0.0.1", self.ports[0]))
        return Client(sock)

    def viewer(self) -> socket.socket:
        """A datagram socket of this machine."""
        sock = self._open.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        sock.settimeout(_PATIENCE)
        sock.bind(("127.0.0.1", 0))
        return sock

    def settle(self) -> None:
        """Wait until the program has taken all that came to it."""
        wait_until(lambda: not any(map(_untaken, self.ports)))


class Client:
    """One end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.heard = b""
        """All that came so far."""

    def say(self, text: str) -> None:
        self._sock.sendall(text.encode())

    def hear(self, text: str) -> None:
        """Read until `text` comes, and no more than that."""
        start = len(self.heard)
        while text.encode() not in self.heard[start:]:
            self.read(1)

    def read(self, most: int) -> None:
        """Read at most so many bytes."""
        data = self._sock.recv(most)
        if not data:
            raise RuntimeError(f"the program has hung up after {self.heard!r}")
        self.heard += data

    def leave(self) -> None:
        self._sock.close()


def pause(milliseconds: float) -> None:
    """Let the loop sleep, for the picture's sake; nothing may depend on it."""
    time.sleep(milliseconds / 1000)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {_PATIENCE:g} s")
        time.sleep(_LOOK_AGAIN)


def _untaken(port: int) -> int:
    """Connections, bytes and datagrams that wait at a port of this machine.

    proc_pid_net(5): the second field is the local address, the fifth tx_queue:rx_queue.
    """
    lines = "".join(Path(f"/proc/net/{kind}").read_text() for kind in ("tcp", "udp")).splitlines()
    rows = (line.split() for line in lines if "local_address" not in line)
    return sum(int(row[4][9:], 16) for row in rows if int(row[1].rpartition(":")[2], 16) == port)
