"""UDP segmentation offload: many datagrams of one size to one address in one system call.

The kernel takes a run of datagrams that lie next to each other in memory, and cuts it
behind the expensive part of its path. udp(7), UDP_SEGMENT, Linux 4.18 and later.
"""

import errno
import os
import re
import socket
import struct
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = [
    "FALLBACK_ERRNOS",
    "MAX_DATAGRAM",
    "UDP_SEGMENT",
    "Run",
    "find_runs",
    "is_supported",
    "known_runs",
]

UDP_SEGMENT: Final = 103
"""linux/udp.h; the socket module has no name for it before Python 3.12."""

_MAX_SEGMENTS: Final = 64
# What an endpoint receives at once; of what a program puts together itself the end is open.
_LONGEST_KNOWN: Final = 128

MAX_DATAGRAM: Final = 65507
"""Greatest payload in bytes of a UDP datagram, or of a whole run, over IPv4."""

FALLBACK_ERRNOS: Final = frozenset(
    {errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP}
)
"""What a kernel or a network card says when it refuses a run that it may have been sent."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring datagrams that can leave in one call."""

    first: int
    """Index of the first datagram."""
    count: int
    """Number of datagrams, at least 1."""
    start: int
    """Offset of the first byte."""
    size: int
    """Bytes in all."""
    segment: int
    """Bytes of each datagram; the last may have fewer. 0 for a single one, which is not cut."""
    control: list[tuple[int, int, bytes]]
    """Control messages that have `sendmsg` cut it."""


def find_runs(sizes: tuple[int, ...]) -> tuple[Run, ...]:
    """Cut datagrams of these sizes, packed without gaps, into as few runs as possible.

    All datagrams of a run have one size, but the last may be shorter and then ends it.

    >>> [(run.first, run.count) for run in find_runs((1316, 1316, 1316, 188, 1316))]
    [(0, 4), (4, 1)]
    """
    return known_runs(sizes) if len(sizes) <= _LONGEST_KNOWN else _find(sizes)


def _find(sizes: tuple[int, ...]) -> tuple[Run, ...]:
    runs = []
    first = start = 0
    while first < len(sizes):
        count, size = _measure_run(sizes[first : first + _MAX_SEGMENTS])
        segment = sizes[first] if count > 1 else 0
        control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", segment))] if segment else []
        runs.append(Run(first, count, start, size, segment, control))
        first += count
        start += size
    return tuple(runs)


# A stream's batches are much alike, and between two of them the caches have gone cold.
known_runs = lru_cache(maxsize=256)(_find)


def _measure_run(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Number of datagrams and of bytes in the run that these begin with."""
    segment = length = sizes[0]
    count = 1
    for size in sizes[1:]:
        # An empty datagram would be no segment at all.
        if not 0 < size <= segment or length + size > MAX_DATAGRAM:
            break
        count += 1
        length += size
        if size < segment:
            break
    return count, length


def is_supported(sock: socket.socket) -> bool:
    """Whether runs may be sent through `sock` on this system."""
    if sys.platform != "linux" or _is_mangling(os.uname().release):
        return False
    try:
        sock.getsockopt(socket.IPPROTO_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def _is_mangling(release: str) -> bool:
    """Whether this kernel can garble runs of equal segments without an error.

    >>> [_is_mangling(r) for r in ("6.18.44-x", "7.0.0", "7.1.4-1", "7.1.5", "7.2")]
    [False, True, True, False, False]
    """
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    if match is None:
        return False
    major, minor, patch = (int(number or 0) for number in match.groups())
    return (7, 0, 0) <= (major, minor, patch) <= (7, 1, 4)
