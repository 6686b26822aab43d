"""Ports of this machine that the system gives to nobody who does not ask for them."""

import random
import socket
from typing import Final

__all__ = ["PROGRAMS", "SCREENS", "free_port"]

# All below those that Linux, macOS and Windows give by themselves. A program takes its ports a
# while after they were found to be free: until then no screen of another grader may come there.
PROGRAMS: Final = range(20_000, 32_768)
SCREENS: Final = range(10_000, 20_000)


def free_port(kind: socket.SocketKind, among: range) -> int:
    """One at which nobody listens now. Of those that the system gives by itself, somebody else
    could have it before we do.
    """
    while True:
        port = random.choice(among)
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
