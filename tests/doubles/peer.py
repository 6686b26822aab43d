"""The far end of a stream, in the hands of a test."""

import errno
import select
import socket
import struct
from dataclasses import dataclass

from reactor import Stream
from tests.doubles.faulty_socket import FaultySocket


class Peer:
    """The far end of a stream, in the hands of the test."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.received = bytearray()
        self.error: OSError | None = None
        self._ended = False

    def send(self, data: bytes) -> int:
        """Send as much of `data` as fits; how much that was."""
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0

    def pull(self) -> bytearray:
        """Everything received so far."""
        while not self._ended:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                break
            except OSError as exc:
                self.error = exc
                data = b""
            self.received += data
            self._ended = not data
        return self.received

    def ended(self) -> bool:
        """Whether the other side has ended, with `error` or cleanly."""
        self.pull()
        return self._ended

    def wait(self) -> "Peer":
        """Let what the other side has sent arrive; the loop does not run meanwhile."""
        wait_for(self.sock)
        return self

    def end(self) -> None:
        """Send no more."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as exc:
            if exc.errno != errno.ENOTCONN:  # the other side has reset it already
                raise

    def reset(self) -> None:
        """Vanish with a reset instead of a FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass
class Link:
    """A stream with its socket and its far end."""

    stream: Stream
    sock: FaultySocket
    peer: Peer

    def wait(self) -> None:
        """Let what the peer has sent arrive; the loop does not run meanwhile."""
        wait_for(self.sock)


def wait_for(sock: socket.socket) -> None:
    """Wait until there is something to read: a busy system takes its time even on loopback."""
    if sock.fileno() >= 0:
        assert select.select([sock], [], [], 5.0)[0], "nothing came"


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    return near, far
