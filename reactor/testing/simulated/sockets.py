"""What all simulated sockets have in common: a descriptor, options, an address, an end."""

import errno
import socket
from abc import ABC, abstractmethod
from typing import Any, Final, NoReturn

from ...addresses import Address, format_address
from ..faults import Cut
from .kernel import FIRST_DESCRIPTOR, Kernel, fail
from .ports import Ports

__all__ = ["SimulatedSocket", "WouldBlock"]

_BUFFER: Final = 212992
_DEFAULTS: Final[dict[tuple[int, int], int]] = {
    (socket.SOL_SOCKET, socket.SO_RCVBUF): _BUFFER,
    (socket.SOL_SOCKET, socket.SO_SNDBUF): _BUFFER,
}


class WouldBlock(AssertionError):
    """A call would have waited, and with it everybody whom the loop serves."""


class SimulatedSocket(ABC):
    """The part of `socket.socket` that does not depend on the kind."""

    kind: socket.SocketKind
    """Stream or datagram."""

    def __init__(self, kernel: Kernel, ports: Ports, family: int) -> None:
        self._kernel = kernel
        self._ports = ports
        self.family = socket.AddressFamily(family)
        self.type = self.kind
        self.address: Address | None = None
        """Where it is bound."""
        self.activity = 0
        """Grows with whatever changes what the socket is ready for: a loop that is woken again
        and again while this stands still, spins."""
        self._blocking = True
        self.options: dict[tuple[int, int], Any] = {}
        self._number = kernel.open(self)
        self.name = self._label()
        """How the transcript calls it."""

    def __repr__(self) -> str:
        return f"<simulated socket {self.name}>"

    # -- descriptor ------------------------------------------------------------------

    def fileno(self) -> int:
        """The descriptor's number; -1 when closed."""
        return self._number

    def close(self) -> None:
        """Give the descriptor back. Harmless if repeated."""
        if self._number >= 0:
            self._kernel.tell(self.name, "close")
            self._let_go()
            self._number = -1

    def detach(self) -> int:
        """Leave the descriptor to the caller; there it is of no use."""
        number = self._number
        self.close()
        return number

    def __enter__(self) -> "SimulatedSocket":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def setblocking(self, flag: bool) -> None:
        """A call that would have to wait is an error, unless this is False."""
        self._check_open()
        self._blocking = bool(flag)

    # -- options and names -----------------------------------------------------------

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Remember an option."""
        self._enter("setsockopt")
        self.options[level, option] = value

    def getsockopt(self, level: int, option: int, size: int = 0) -> Any:
        """An option as it was set, or its default; `size` zeros for a structure."""
        self._enter("getsockopt")
        value = self.options.get((level, option), _DEFAULTS.get((level, option), 0))
        return bytes(size) if size and not isinstance(value, bytes) else value

    def bind(self, address: Address) -> None:
        """Take an address; port 0 is replaced by a free one."""
        self._enter("bind")
        if self.address is not None:
            fail(errno.EINVAL)
        self._claim(address)

    def getsockname(self) -> Any:
        """The address bound to."""
        self._enter("getsockname")
        if self.address is not None:
            return self.address
        return (self._wildcard(), 0, 0, 0)[: 4 if self.family == socket.AF_INET6 else 2]

    @property
    def dual_stack(self) -> bool:
        """Whether an IPv6 socket takes IPv4 too."""
        v6_only = self.options.get((socket.IPPROTO_IPV6, socket.IPV6_V6ONLY), 0)
        return self.family == socket.AF_INET6 and not v6_only

    @property
    def reuses_address(self) -> bool:
        """Whether it would share its address: socket(7), SO_REUSEADDR."""
        return bool(self.options.get((socket.SOL_SOCKET, socket.SO_REUSEADDR)))

    @property
    def listening(self) -> bool:
        """Whether connections are taken."""
        return False

    # -- for the kinds ---------------------------------------------------------------

    @abstractmethod
    def readiness(self) -> int:
        """The events that are ready."""

    def _claim(self, address: Address) -> None:
        self.address = self._ports.claim(self, address)
        self._rename()

    def _let_go(self) -> None:
        self._ports.release(self)
        self._kernel.close(self._number)

    def _check_open(self) -> None:
        if self._number < 0:
            fail(errno.EBADF)

    def _enter(self, call: str) -> Cut | None:
        self._check_open()
        try:
            return self._kernel.enter(call, self.name)
        except OSError:
            # A refusal is something new, too.
            self.activity += 1
            raise

    def _wait(self, call: str) -> NoReturn:
        """Nothing can be done now."""
        if self._blocking:
            raise WouldBlock(f"{call} on {self.name} would block")
        fail(errno.EAGAIN)

    def _wildcard(self) -> str:
        return "::" if self.family == socket.AF_INET6 else "0.0.0.0"

    def _rename(self) -> None:
        self.name = self._label()

    def _label(self) -> str:
        kind = {socket.SOCK_DGRAM: "udp", socket.SOCK_STREAM: "tcp"}[self.kind]
        return f"{self._number - FIRST_DESCRIPTOR} {kind} {format_address(self.address)}"
