"""Sends numbered datagrams to a relay, evenly paced in ticks of a millisecond.

python3 -m tests.benchmarks.traffic.source HOST PORT COUNT DATAGRAMS_PER_SECOND SIZES

Stands in for source.c where there is no compiler; the same arguments and the same output.
"""

import json
import select
import socket
import sys
import time
from typing import Final

from .pattern import END, Pattern

_TICK: Final = 0.001
_END_INTERVAL: Final = 0.02
_MOST_ENDS: Final = 1000


def main(arguments: list[str]) -> None:
    host, port, count, rate, sizes = arguments
    source = Source((host, int(port)), Pattern(sizes))
    print("ready", flush=True)
    _input_ended(None)
    source.send_data(int(count), float(rate))
    print("sent", flush=True)
    source.send_end()
    while source.ends < _MOST_ENDS and not _input_ended(_END_INTERVAL):
        source.send_end()
    source.close()
    print(json.dumps(source.report()), flush=True)


class Source:
    """A socket, and what was sent through it."""

    def __init__(self, relay: tuple[str, int], pattern: Pattern) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(relay)
        self._pattern = pattern
        self._data = self.ends = self._failed = 0
        self._seconds = self._latest = 0.0

    def send_data(self, count: int, rate: float) -> None:
        """Send `count` datagrams, `rate` a second."""
        began = tick = time.monotonic()
        while self._data < count:
            now = time.monotonic()
            self._latest = max(self._latest, now - tick)
            due = min(count, int((now - began) * rate) + 1)
            while self._data < due:
                self._send(self._data)
                self._data += 1
            tick += _TICK
            time.sleep(max(0.0, tick - time.monotonic()))
        self._seconds = time.monotonic() - began

    def send_end(self) -> None:
        """Say that nothing more comes."""
        self._send(END)
        self.ends += 1

    def close(self) -> None:
        self._socket.close()

    def report(self) -> dict[str, float]:
        return {
            "data": self._data,
            "ends": self.ends,
            "failed": self._failed,
            "seconds": self._seconds,
            "latest_tick_ms": self._latest * 1000,
        }

    def _send(self, number: int) -> None:
        try:
            self._socket.send(self._pattern.datagram(number, time.time_ns()))
        except OSError:
            self._failed += 1


def _input_ended(timeout: float | None) -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], timeout)
    return bool(ready) and sys.stdin.readline() is not None


if __name__ == "__main__":
    main(sys.argv[1:])
