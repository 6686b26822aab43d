"""Bursts of datagrams of which no two are alike, and what a client may have got of one."""

from collections.abc import Sequence
from enum import Enum
from random import Random
from typing import Final

__all__ = ["Burst", "Share", "fits"]

_LARGEST: Final = 65507
_SIZES: Final = [1316, 1328, 1400, 188, 1, 0, 9000, _LARGEST]
_WEIGHTS: Final = [30, 20, 20, 10, 5, 5, 2, 1]
_RUNS: Final = [1, 1, 2, 7, 48, 49, 63, 64, 65, 130]
_MOST: Final = 300
_SHIFTS: Final = 4093
_NUMBER: Final = 8
# The kernel charges at most so much for a datagram of no size, when it counts as its
# buffers are asked for: half of what it really takes.
_OVERHEAD: Final = 640


class Burst:
    """Makes datagrams in runs of equal size, numbered through, of which each holds its number.

    One of less than eight bytes holds the end of it only, so that it is its place in the
    order that tells.
    """

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._pattern = chance.randbytes(_SHIFTS + _LARGEST)
        self._made = 0

    def make(self, room: int) -> list[bytes]:
        """The next datagrams, as many as fit in a socket buffer of `room` bytes."""
        burst: list[bytes] = []
        most = 1 + int(self._chance.random() ** 2 * _MOST)
        while len(burst) < most:
            size = self._chance.choices(_SIZES, _WEIGHTS)[0]
            run = self._chance.choice(_RUNS) if size < 9000 else self._chance.randint(1, 3)
            for _ in range(min(run, most - len(burst))):
                room -= size + _OVERHEAD
                if room < 0:
                    return burst
                burst.append(self._datagram(size))
        return burst

    def _datagram(self, size: int) -> bytes:
        self._made += 1
        number = self._made.to_bytes(_NUMBER, "big")
        if size < _NUMBER:
            return number[_NUMBER - size :]
        start = self._made % _SHIFTS
        return number + self._pattern[start : start + size - _NUMBER]


class Share(Enum):
    """Which part of a burst was due to a client."""

    ALL = "all of it"
    NONE = "nothing"
    FIRST = "its beginning"
    LAST = "its end"
    MIDDLE = "its middle"
    ENDS = "its beginning and its end"


def fits(got: Sequence[bytes], burst: Sequence[bytes], share: Share) -> bool:
    """Whether `got` is that part of `burst`: nothing missing in it, and nothing else.

    >>> one, two, three = b"1", b"2", b"3"
    >>> fits([one, three], [one, two, three], Share.ENDS)
    True
    >>> fits([one, three], [one, two, three], Share.MIDDLE)
    False
    """
    length, spare = len(got), len(burst) - len(got)
    match share:
        case Share.ALL:
            return got == burst
        case Share.NONE:
            return not got
        case Share.FIRST:
            return got == burst[:length]
        case Share.LAST:
            return spare >= 0 and got == burst[spare:]
        case Share.MIDDLE:
            return any(got == burst[start : start + length] for start in range(spare + 1))
        case Share.ENDS:
            first = _common(got, burst)
            last = _common(got[::-1], burst[::-1])
            return spare >= 0 and first + last >= length


def is_thinned(got: Sequence[bytes], burst: Sequence[bytes]) -> bool:
    """Whether `got` is `burst` in its order, with datagrams missing anywhere or nowhere."""
    rest = iter(burst)
    return all(any(one == another for another in rest) for one in got)


def _common(one: Sequence[bytes], another: Sequence[bytes]) -> int:
    """How many datagrams of both are the same from the beginning on."""
    count = 0
    for left, right in zip(one, another, strict=False):
        if left != right:
            break
        count += 1
    return count
