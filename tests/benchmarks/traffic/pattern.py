"""What every datagram of a benchmark holds, so that a sink can tell it to the last byte.

The same as pattern.h: number (8 bytes), time of sending (8 bytes, ns), then content that
follows from the number. Numbers are in the machine's byte order: all is local.
"""

import itertools
import struct
from typing import Final

END: Final = 2**64 - 1
"""The number of the datagrams that say: nothing more comes."""

HEADER: Final = struct.Struct("=QQ")
_LARGEST: Final = 1472
_SHIFTS: Final = 4093


class Pattern:
    """The datagrams of a stream whose sizes repeat as `sizes` says.

    >>> Pattern("1328x2,188").cycle
    [1328, 1328, 188]
    """

    def __init__(self, sizes: str) -> None:
        self.cycle: list[int] = []
        """Sizes in bytes, repeated for ever."""
        for part in sizes.split(","):
            size, _, times = part.partition("x")
            self.cycle += [int(size)] * int(times or 1)
        if not all(HEADER.size <= size <= _LARGEST for size in self.cycle):
            raise ValueError(f"bad sizes: {sizes}")
        self._bytes = _pattern_bytes(_SHIFTS + _LARGEST)

    @property
    def mean_size(self) -> float:
        """Bytes of a datagram on average."""
        return sum(self.cycle) / len(self.cycle)

    def datagram(self, number: int, sent_at: int) -> bytes:
        """Datagram `number`, sent at `sent_at` ns."""
        return HEADER.pack(number, sent_at) + self._content(number)

    def is_genuine(self, data: bytes) -> bool:
        """Whether `data` is what its own number says."""
        number, _ = HEADER.unpack_from(data)
        return data[HEADER.size :] == self._content(number)

    def fewest_runs(self, count: int) -> int:
        """Into how many runs of equal size the first `count` datagrams can be cut at best.

        A run's last datagram may be shorter, and ends it.

        >>> Pattern("1328x3,188,700").fewest_runs(5)
        2
        """
        runs, segment, ended = 0, 0, True
        for size in itertools.islice(itertools.cycle(self.cycle), count):
            if ended or size > segment:
                runs, segment, ended = runs + 1, size, False
            else:
                ended = size < segment
        return runs

    def _content(self, number: int) -> bytes:
        if number == END:
            return b""
        start = number % _SHIFTS
        size = self.cycle[number % len(self.cycle)] - HEADER.size
        return self._bytes[start : start + size]


def _pattern_bytes(length: int) -> bytes:
    made = bytearray()
    state = 1
    for _ in range(length):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        made.append(state >> 16 & 0xFF)
    return bytes(made)
