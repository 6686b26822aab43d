"""Ports of this machine that the system gives to nobody who does not ask for them."""

import random
import socket
from typing import Final

__all__ = ["free_port"]

_PORTS: Final = (20_000, 32_768)
"""Below those that Linux, macOS and Windows give by themselves."""


def free_port(kind: socket.SocketKind) -> int:
    """One at which nobody listens now. Of those that the system gives by itself, somebody else
    could have it before we do.
    """
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
