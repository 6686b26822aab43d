"""A real socket that counts its calls, and fails when a test wants it to."""

import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Cut:
    """A send that takes only `data[:size]`."""

    size: int


Fault: TypeAlias = int | Cut | None
"""An errno to raise, a send to cut short, or nothing at all."""


def _scripted(name: str) -> Any:
    def call(self: "FaultySocket", *args: Any) -> Any:
        self.calls[name] += 1
        fault = next(self.faults.get(name, iter(())), None)
        if isinstance(fault, Cut):
            args = (bytes(args[0])[: fault.size], *args[1:])
            if not args[0]:
                return 0
        elif fault is not None:
            raise OSError(fault, os.strerror(fault))
        return getattr(socket.socket, name)(self, *args)

    return call


class FaultySocket(socket.socket):
    """A real socket that counts its calls, and works off a script of faults for each of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calls: Counter[str] = Counter()
        self.faults: dict[str, Iterator[Fault]] = {}

    @classmethod
    def adopt(cls, sock: socket.socket) -> "FaultySocket":
        """Take over the descriptor of `sock`."""
        return cls(fileno=sock.detach())

    def script(self, name: str, faults: Iterable[Fault]) -> None:
        """One fault for each of the next calls of `name`; then all is well again."""
        self.faults[name] = iter(faults)

    accept = _scripted("accept")
    getpeername = _scripted("getpeername")
    getsockname = _scripted("getsockname")
    getsockopt = _scripted("getsockopt")
    recv = _scripted("recv")
    recv_into = _scripted("recv_into")
    recvfrom_into = _scripted("recvfrom_into")
    send = _scripted("send")
    sendmsg = _scripted("sendmsg")
    sendto = _scripted("sendto")
    setblocking = _scripted("setblocking")
    setsockopt = _scripted("setsockopt")
    shutdown = _scripted("shutdown")


def script_all(socks: Iterable[FaultySocket], name: str, faults: Iterable[Fault]) -> None:
    """One script for all of them: whichever makes the next call of `name` meets the next fault."""
    shared = iter(faults)
    for sock in socks:
        sock.script(name, shared)


def udp_socket(host: str = "127.0.0.1") -> FaultySocket:
    """A non-blocking socket bound to a free port of `host`."""
    sock = FaultySocket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((host, 0))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback."""
    try:
        udp_socket("::1").close()
    except OSError:
        return False
    return True
