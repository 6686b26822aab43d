"""What is done to raw sockets, in the same way on every system."""

from . import (
    addresses,
    bytes_and_ends,
    connecting,
    datagrams,
    full_buffers,
    registering,
    resets,
    unconnected,
)
from .script import SCRIPTS

__all__ = [
    "SCRIPTS",
    "addresses",
    "bytes_and_ends",
    "connecting",
    "datagrams",
    "full_buffers",
    "registering",
    "resets",
    "unconnected",
]
