"""The line echo server as one would write it with asyncio's Protocol.

python3 -m tests.benchmarks.contenders.asyncio_echo asyncio|uvloop [joined]

It splits lines and answers each, as `examples.echo` does. `joined` is for who knows that
a write is a system call: it gathers the answers of one reading by hand.
"""

import asyncio
import sys
from typing import cast

from .loops import run
from .sockets import BACKLOG


class Echo(asyncio.Protocol):
    """Answers each line by itself."""

    def __init__(self) -> None:
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        self.answer(lines)

    def answer(self, lines: list[bytes]) -> None:
        for line in lines:
            self._transport.write(line + b"\n")


class JoinedEcho(Echo):
    """Answers the lines that came together in one write."""

    def answer(self, lines: list[bytes]) -> None:
        if lines:
            self._transport.write(b"".join([line + b"\n" for line in lines]))


async def serve(protocol: type[Echo]) -> None:
    # The loop's own socket: on one that is handed in, asyncio may leave Nagle's delay on.
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=BACKLOG)
    host, port = server.sockets[0].getsockname()
    print(f"listening on {host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(serve(JoinedEcho if "joined" in sys.argv else Echo), sys.argv[1])
