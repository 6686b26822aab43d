"""What this system does with datagrams from one of its programs to another: it is measured."""

import socket
from typing import Final

__all__ = ["can_carry", "room_for"]

_LARGEST: Final = 65_507
_MANY: Final = 4_096


def room_for(size: int) -> int:
    """How many datagrams of so many bytes wait in a socket that asked for no more; 4,096 at most.

    Each takes more room than its bytes: on Linux, 92 of 1,316 bytes fill 212,992.
    """
    with _sender() as sender, _receiver() as receiver:
        for _ in range(_MANY):
            sender.sendto(bytes(size), receiver.getsockname())
        waited = 0
        try:
            while True:
                receiver.recv(_LARGEST)
                waited += 1
        except BlockingIOError:
            return waited


def can_carry(size: int) -> bool:
    """Whether a datagram of so many bytes can be sent: some systems refuse more than 9,216."""
    with _sender() as sender, _receiver() as receiver:
        try:
            sender.sendto(bytes(size), receiver.getsockname())
        except OSError:
            return False
        return True


def _sender() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def _receiver() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)
    return receiver
