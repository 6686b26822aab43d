"""What the relays written for comparison share, so that only their design differs.

All get the same socket buffers as ours: none shall lose for want of room.
"""

import socket
from typing import Final

BACKLOG: Final = 1024
"""Connections that may wait to be accepted: asyncio's own 100 make clients wait for seconds."""

_BUFFER_SIZE: Final = 8 * 1024 * 1024
_SO_RCVBUFFORCE: Final = 33


def udp_socket() -> socket.socket:
    """A UDP socket at an ephemeral port of 127.0.0.1."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_SIZE)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_SIZE)
    except OSError:
        pass
    sock.bind(("127.0.0.1", 0))
    return sock


def announce(control: tuple[str, int], ingest: tuple[str, int]) -> None:
    """Say where, in the words of `examples.server`."""
    print("listening on {}:{}, ingest on {}:{}".format(*control, *ingest), flush=True)
