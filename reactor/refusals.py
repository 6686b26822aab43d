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
    again. At most 4,096 addresses are remembered.

    >>> refusals = Refusals(clock=lambda: 0.0)
    >>> refusals.add(("192.0.2.1", 9), 1400)
    True
    >>> refusals.hold(("192.0.2.1", 9), 1400), refusals.hold(("192.0.2.1", 9), 1316)
    (True, False)
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: dict[Address, tuple[int, float]] = {}

    def __bool__(self) -> bool:
        return bool(self._refused)

    def add(self, address: Address, size: int) -> bool:
        """A run of datagrams of `size` bytes was refused. Whether it is the first to `address`."""
        known = self._refused.get(address)
        if known is None and len(self._refused) >= _MAX_REMEMBERED:
            self._refused.clear()
        least = size if known is None else min(size, known[0])
        self._refused[address] = least, self._clock() + _RETRY_DELAY
        return known is None

    def hold(self, address: Address, size: int) -> bool:
        """Whether such a run is not even to be tried."""
        if address not in self._refused:
            return False
        least, until = self._refused[address]
        return size >= least and self._clock() < until

    def forget(self, address: Address) -> None:
        """The next at `address` is another."""
        self._refused.pop(address, None)
