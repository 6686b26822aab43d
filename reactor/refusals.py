"""To whom runs can't be sent: remembered for as long as the cause may last, and no longer."""

from collections.abc import Callable
from typing import Final

from .addresses import Address

__all__ = ["Refusals"]

_MAX_REMEMBERED: Final = 4096
_RETRY_DELAY: Final = 60.0


class Refusals:
    """Refused runs, by address: from which size of datagrams on, and until when.

    A network card, a tunnel or a smaller link refuses what is too large for it: what is
    smaller may pass. After a minute by `clock`, which returns seconds, a run is tried
    again. It is true while any refusal is in force. At most 4,096 addresses are remembered.

    >>> refusals = Refusals(clock=lambda: 0.0)
    >>> refusals.add(("192.0.2.1", 9), 1400)
    True
    >>> refusals.hold(("192.0.2.1", 9), 1400), refusals.hold(("192.0.2.1", 9), 1316)
    (True, False)
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: set[Address] = set()
        # In the order in which they end.
        self._in_force: dict[Address, tuple[int, float]] = {}

    def __bool__(self) -> bool:
        self._let_expire()
        return bool(self._in_force)

    def add(self, address: Address, size: int) -> bool:
        """A run of datagrams of `size` bytes was refused. Whether it is the first to `address`."""
        self._let_expire()
        is_news = address not in self._known
        if is_news and len(self._known) >= _MAX_REMEMBERED:
            self._known.clear()
            self._in_force.clear()
        self._known.add(address)
        least, _ = self._in_force.pop(address, (size, 0.0))
        self._in_force[address] = min(size, least), self._clock() + _RETRY_DELAY
        return is_news

    def hold(self, address: Address, size: int) -> bool:
        """Whether such a run is not even to be tried."""
        if address not in self._in_force:
            return False
        least, until = self._in_force[address]
        return size >= least and self._clock() < until

    def forget(self, address: Address) -> None:
        """The next at `address` is another."""
        self._known.discard(address)
        self._in_force.pop(address, None)

    def _let_expire(self) -> None:
        while self._in_force:
            oldest = next(iter(self._in_force))
            if self._clock() < self._in_force[oldest][1]:
                return
            del self._in_force[oldest]
