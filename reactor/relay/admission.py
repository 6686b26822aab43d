"""How many clients may be here at once, in all and from one host. Pure counting."""

from collections import Counter

from .protocol import ErrorCode

__all__ = ["Admission"]


class Admission:
    """Lets clients in up to a limit; 0 means no limit.

    >>> admission = Admission(max_clients=0, max_clients_per_host=1)
    >>> admission.enter("192.0.2.1"), str(admission.enter("192.0.2.1"))
    (None, 'LLENO_EQUIPO')
    >>> admission.leave("192.0.2.1")
    >>> admission.clients
    0
    """

    def __init__(self, max_clients: int, max_clients_per_host: int) -> None:
        if max_clients < 0 or max_clients_per_host < 0:
            raise ValueError("a limit can't be negative; 0 means no limit")
        self._max_clients = max_clients
        self._max_clients_per_host = max_clients_per_host
        self._hosts: Counter[str] = Counter()

    @property
    def clients(self) -> int:
        """How many are in."""
        return self._hosts.total()

    def enter(self, host: str) -> ErrorCode | None:
        """Let a client in, or say why not; each that was let in has to `leave`."""
        if self._max_clients and self.clients >= self._max_clients:
            return ErrorCode.FULL
        if self._max_clients_per_host and self._hosts[host] >= self._max_clients_per_host:
            return ErrorCode.HOST_FULL
        self._hosts[host] += 1
        return None

    def leave(self, host: str) -> None:
        """A client that was let in is gone. Raises ValueError if none was let in from `host`."""
        if host not in self._hosts:
            raise ValueError(f"no client was let in from {host}")
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
