"""Stands where the players of all clients would, and checks every datagram of each.

python3 -m tests.benchmarks.traffic.sink HOST CLIENTS COUNT SIZES

Stands in for sink.c where there is no compiler, and for small loads; the same arguments
and the same output.
"""

import json
import selectors
import socket
import struct
import sys
import time
from typing import Final

from .pattern import END, HEADER, Pattern

_BUFFER_SIZE: Final = 32 << 20
_AT_ONCE: Final = 64
# asm-generic/socket.h and linux/sock_diag.h; the socket module has no names for them.
_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_SO_MEMINFO: Final = 55
_TIMESPEC: Final = struct.Struct("@ll")
_MEMINFO: Final = struct.Struct("9I")


class Client:
    """One player: a socket, and what came to it."""

    def __init__(self, host: str, pattern: Pattern) -> None:
        self._pattern = pattern
        self._next = 0  # the lowest number that is in order
        self._last_arrival = 0
        self.ended = False
        self.damaged = self.out_of_order = self.runs = 0
        self.arrival: dict[int, int] = {}
        self.sent_at: dict[int, int] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_SIZE)
        for option, value in ((_SO_RCVBUFFORCE, _BUFFER_SIZE), (_SO_TIMESTAMPNS, 1)):
            try:
                self.socket.setsockopt(socket.SOL_SOCKET, option, value)
            except OSError:
                pass
        self.socket.bind((host, 0))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def receive(self) -> bool:
        """Check what waits, up to a bound; return whether it was reached."""
        for _ in range(_AT_ONCE):
            try:
                data, control, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(_TIMESPEC.size))
            except BlockingIOError:
                return False
            self._check(data, _arrival(control))
        return True

    def drops(self) -> int:
        """How many datagrams the system dropped because this socket was full."""
        try:
            info = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return 0
        return int(_MEMINFO.unpack(info)[-1])

    def _check(self, data: bytes, arrival: int) -> None:
        if len(data) < HEADER.size or not self._pattern.is_genuine(data):
            self.damaged += 1
            return
        number, sent_at = HEADER.unpack_from(data)
        if number == END:
            self.ended = True
        elif number < self._next:
            self.out_of_order += 1
        else:
            self._next = number + 1
            self.arrival[number] = arrival
            self.sent_at[number] = sent_at
            # What the relay sent in one call crosses the loopback as one, stamped once.
            self.runs += arrival != self._last_arrival
            self._last_arrival = arrival


def _arrival(control: list[tuple[int, int, bytes]]) -> int:
    """When the kernel got it, in ns; where it does not tell, now."""
    for _, kind, value in control:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()


def receive_all(clients: list[Client]) -> None:
    """Receive until all saw the end mark, or input comes or ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ, None)
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while not all(client.ended for client in clients):
            for key, _ in selector.select():
                if key.data is None:
                    receive_what_waits(clients)
                    return
                key.data.receive()


def receive_what_waits(clients: list[Client]) -> None:
    """What has arrived and was not read yet is not lost: it is this process that is late."""
    for client in clients:
        while client.receive():
            pass


def account(clients: list[Client]) -> dict[str, object]:
    """What came, how late, and to whom last."""
    latency: list[int] = []
    spread: list[int] = []
    rank_sum = [0.0] * len(clients)
    ranked = [0] * len(clients)
    times_last = [0] * len(clients)
    for number in sorted(set().union(*(client.arrival for client in clients))):
        order = sorted(
            (client.arrival[number], index)
            for index, client in enumerate(clients)
            if number in client.arrival
        )
        sent_at = clients[order[0][1]].sent_at[number]
        latency += [max(0, arrival - sent_at) // 1000 for arrival, _ in order]
        spread.append((order[-1][0] - order[0][0]) // 1000)
        if len(order) < 2:
            continue
        for rank, (_, index) in enumerate(order):
            rank_sum[index] += rank / (len(order) - 1)
            ranked[index] += 1
        times_last[order[-1][1]] += 1
    return {
        "latency_us": _quantiles(latency),
        "spread_us": _quantiles(spread),
        "mean_rank": [
            total / count if count else 0.5 for total, count in zip(rank_sum, ranked, strict=True)
        ],
        "times_last": times_last,
        "received": sum(len(client.arrival) for client in clients),
        "damaged": sum(client.damaged for client in clients),
        "out_of_order": sum(client.out_of_order for client in clients),
        "runs": sum(client.runs for client in clients),
        "sink_drops": sum(client.drops() for client in clients),
        "ended": sum(client.ended for client in clients),
    }


def _quantiles(values: list[int]) -> dict[str, int]:
    values = sorted(values) or [0]
    last = len(values) - 1
    return {
        "count": len(values),
        "p50": values[last // 2],
        "p99": values[last * 99 // 100],
        "max": values[last],
    }


def main(arguments: list[str]) -> None:
    host, count, _, sizes = arguments
    pattern = Pattern(sizes)
    clients = [Client(host, pattern) for _ in range(int(count))]
    print("ports", *(client.port for client in clients), flush=True)
    receive_all(clients)
    print("ended", flush=True)
    print(json.dumps(account(clients)), flush=True)
    for client in clients:
        client.socket.close()


if __name__ == "__main__":
    main(sys.argv[1:])
