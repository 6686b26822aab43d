"""The door to the real network, in the hands of a test."""

import socket
from collections.abc import Callable
from typing import Any


class Door:
    """The real network, of which a test may replace each of the three functions."""

    def __init__(self) -> None:
        self.socket: Callable[..., socket.socket] = socket.socket
        self.socketpair: Callable[..., tuple[socket.socket, socket.socket]] = socket.socketpair
        self.getaddrinfo: Callable[..., list[Any]] = socket.getaddrinfo
