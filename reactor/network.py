"""The door to the network: whoever makes sockets for a loop.

That is the `socket` module, unless a test hands in a network of its own.
"""

from socket import socket as Socket
from typing import Any, Protocol

__all__ = ["Network"]


class Network(Protocol):
    """The three functions of the `socket` module that the library calls."""

    def socket(self, family: int, type: int, /) -> Socket:
        """A new socket. Raises OSError if there can't be one more."""

    def socketpair(self) -> tuple[Socket, Socket]:
        """Two connected sockets. Raises OSError if there can't be two more."""

    def getaddrinfo(self, host: str, port: int, *, type: int) -> list[Any]:
        """The addresses of a name. May take seconds, so it is never called by a running loop."""
