"""Clients that come, change their minds and go, at a steady number of commands a second.

python3 -m tests.benchmarks.traffic.commands HOST PORT COMMANDS_PER_SECOND SECONDS

Each connection says CONECTAR, INTERRUMPIR, CONTINUAR and leaves; the next takes its place.
Says "ready", starts at a line of input, and prints one JSON object. The time of an answer
counts from the moment the command was due, so a server that is late can't hide it by
making the next command late as well.
"""

import asyncio
import json
import socket
import sys
import time
from typing import Final

_WORKERS: Final = 50
_WORDS: Final = ("CONECTAR {port}", "INTERRUMPIR", "CONTINUAR")


class Worker:
    """One client after the other, each with a UDP port where nobody reads."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        # Bound, so that no datagram comes back as an error; what comes is dropped.
        self._port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._port.bind(("127.0.0.1", 0))
        self.times: list[float] = []
        self.refused = 0

    async def work(self, due: float, interval: float, until: float) -> None:
        """Send one command each `interval` seconds."""
        while due < until:
            reader, writer = await asyncio.open_connection(*self._server)
            for word in _WORDS:
                await asyncio.sleep(due - time.monotonic())
                writer.write(word.format(port=self._port.getsockname()[1]).encode() + b"\n")
                answer = await asyncio.wait_for(reader.readline(), 10)
                self.times.append(time.monotonic() - due)
                self.refused += answer != b"OK\n"
                due += interval
            # The port is free for the next one as soon as the server has seen the end.
            writer.write_eof()
            await reader.read()
            writer.close()

    def close(self) -> None:
        self._port.close()


async def work_all(workers: list[Worker], rate: float, seconds: float) -> float:
    """Let all work in turn; return the seconds it took."""
    began = time.monotonic()
    interval = len(workers) / rate
    await asyncio.gather(
        *(
            worker.work(began + index / rate, interval, began + seconds)
            for index, worker in enumerate(workers)
        )
    )
    return time.monotonic() - began


def main(arguments: list[str]) -> None:
    host, port, rate, seconds = arguments
    workers = [Worker((host, int(port))) for _ in range(min(_WORKERS, int(rate)))]
    print("ready", flush=True)
    sys.stdin.readline()
    took = asyncio.run(work_all(workers, float(rate), float(seconds)))
    for worker in workers:
        worker.close()
    times = sorted(seconds for worker in workers for seconds in worker.times)
    last = len(times) - 1
    report = {
        "commands": len(times),
        "refused": sum(worker.refused for worker in workers),
        "per_second": len(times) / took,
        "answer_ms": {
            "p50": times[last // 2] * 1000,
            "p99": times[last * 99 // 100] * 1000,
            "max": times[last] * 1000,
        },
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
