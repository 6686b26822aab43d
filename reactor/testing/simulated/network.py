"""The door to a simulated network: what the `socket` module is for the real one."""

import errno
import socket
from socket import socket as Socket
from typing import Any, cast

from .kernel import Kernel, fail
from .ports import Ports
from .tcp import TcpSocket, socket_pair
from .udp import UdpSocket

__all__ = ["SimulatedNetwork"]


class SimulatedNetwork:
    """Makes simulated sockets, for `EventLoop(network=...)` and for a test's own peers.

    All addresses are on one machine: 127.0.0.0/8, ::1, and whatever else is bound.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._ports = Ports()

    def socket(self, family: int = socket.AF_INET, type: int = socket.SOCK_STREAM, /) -> Socket:
        """A new socket. Raises OSError if there can't be one more."""
        self._kernel.enter("socket", "kernel")
        if type == socket.SOCK_DGRAM:
            return cast(Socket, UdpSocket(self._kernel, self._ports, family))
        if type != socket.SOCK_STREAM:
            fail(errno.EPROTONOSUPPORT)
        return cast(Socket, TcpSocket(self._kernel, self._ports, family))

    def socketpair(self) -> tuple[Socket, Socket]:
        """Two connected sockets."""
        left, right = socket_pair(self._kernel, self._ports)
        return cast(Socket, left), cast(Socket, right)

    def getaddrinfo(self, host: str, port: int, *, type: int) -> list[Any]:
        """`localhost` has two addresses; no other name is known."""
        if host != "localhost":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6, type, 0, "", ("::1", port, 0, 0)),
            (socket.AF_INET, type, 0, "", ("127.0.0.1", port)),
        ]
