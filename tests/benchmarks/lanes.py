"""What a socket for each receiver costs, against one for all: the sender alone, by turns.

    python3 -m tests.benchmarks.lanes

Between two batches a relay sleeps, and others use the caches: so it is here.
"""

import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from reactor import DatagramBatch, DatagramEndpoint, DatagramHandler, EventLoop, bind_udp

from .relays import HOST
from .tables import Ratio, show

_WORKS: Final = [(10, 1), (10, 10), (50, 1), (50, 10), (200, 1), (200, 10)]
_TS: Final = 1316
_BATCHES: Final = 300
_ROUNDS: Final = 5
# More than the caches of a core hold.
_OTHERS: Final = bytes(4 * 1024 * 1024)


def main() -> None:
    rows = [
        [receivers, datagrams, *compare(receivers, datagrams)] for receivers, datagrams in _WORKS
    ]
    headings = ["receivers", "datagrams a batch", "us a copy, one socket", "a socket each", "ratio"]
    show(f"median of {_BATCHES} batches, of {_ROUNDS} rounds by turns", headings, rows)


def compare(receivers: int, datagrams: int) -> tuple[str, str, Ratio]:
    """Microseconds for each copy through one socket and through lanes, and their ratio."""
    with ExitStack() as opened:
        sinks = [opened.enter_context(_sink()) for _ in range(receivers)]
        addresses = [sink.getsockname() for sink in sinks]
        loop = opened.enter_context(EventLoop())
        one, each = (bind_udp(loop, DatagramHandler(), HOST, receiving=False) for _ in range(2))
        for address in addresses:
            each.open_lane(address)
        rounds = [
            [_measure(endpoint, addresses, datagrams) for endpoint in (one, each)]
            for _ in range(_ROUNDS)
        ]
    ones, eachs = ([pair[place] for pair in rounds] for place in (0, 1))
    return f"{min(ones):.2f}", f"{min(eachs):.2f}", Ratio.of(eachs, ones)


def _measure(endpoint: DatagramEndpoint, addresses: Sequence[tuple[str, int]], count: int) -> float:
    times = []
    for _ in range(_BATCHES):
        batch = DatagramBatch.of([bytes(_TS)] * count)
        _OTHERS.count(1)
        start = time.perf_counter()
        endpoint.send_batch_to_all(batch, addresses)
        times.append(time.perf_counter() - start)
    return statistics.median(times) / len(addresses) / count * 1e6


def _sink() -> socket.socket:
    """Somebody who reads nothing: what comes is dropped, which costs the same for both."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.bind((HOST, 0))
    return sock


if __name__ == "__main__":
    main()
