"""What an operation on a socket says about the other side, beyond the bytes that it moved."""

from typing import Final

from ..run.events import Io
from ..run.run import Lane

__all__ = ["SENDING", "is_broken", "is_broken_off", "is_end", "is_not_now", "is_refused_accept"]

SENDING: Final = frozenset({"send", "sendall", "sendfile"})
"""The operations that give bytes to the system."""

# Linux has one number for the first two; Windows has names of its own.
_NOT_NOW: Final = frozenset({"EAGAIN", "EWOULDBLOCK", "WSAEWOULDBLOCK", "EINTR"})
_EXHAUSTED: Final = frozenset({"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "WSAEMFILE", "WSAENOBUFS"})
_BROKEN: Final = frozenset({"ECONNRESET", "EPIPE", "ECONNABORTED", "ETIMEDOUT", "WSAECONNRESET"})


def is_not_now(event: Io) -> bool:
    """Whether nothing was there, or no room."""
    return event.error in _NOT_NOW


def is_broken_off(event: Io) -> bool:
    """Whether a signal came while it waited: Python itself asks again, unless the program ends."""
    return event.error == "EINTR"


def is_refused_accept(event: Io) -> bool:
    """Whether somebody could not be accepted for want of a descriptor: he goes on waiting."""
    return event.op == "accept" and event.error in _EXHAUSTED


def is_end(event: Io, lane: Lane | None) -> bool:
    """Whether the end of a stream was read: b"". A datagram may well be empty."""
    is_stream = lane is None or lane.kind != "datagram"
    return event.op == "recv" and not event.size and not event.error and is_stream


def is_broken(event: Io) -> bool:
    """Whether the connection turned out to be over, both ways."""
    return (event.op == "recv" or event.op in SENDING) and event.error in _BROKEN
