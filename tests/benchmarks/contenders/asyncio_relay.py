"""The relay as one would write it with asyncio: a Protocol and a DatagramProtocol.

python3 -m tests.benchmarks.contenders.asyncio_relay asyncio|uvloop
"""

import asyncio
import sys
from typing import Any, cast

from .loops import run
from .sockets import BACKLOG, announce, udp_socket

Address = tuple[str, int]


class Ingest(asyncio.DatagramProtocol):
    """Copies each datagram to all that are active."""

    def __init__(self) -> None:
        self.active: set[Address] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sendto = cast(asyncio.DatagramTransport, transport).sendto

    def datagram_received(self, data: bytes, addr: Any) -> None:
        sendto = self._sendto
        for client in self.active:
            sendto(data, client)


class Control(asyncio.Protocol):
    """One client's commands."""

    def __init__(self, active: set[Address]) -> None:
        self._active = active
        self._pending = b""
        self._client: Address = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._host: str = transport.get_extra_info("peername")[0]

    def data_received(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            match line.split():
                case [b"CONECTAR", port]:
                    self._client = (self._host, int(port))
                    self._active.add(self._client)
                case [b"INTERRUMPIR"]:
                    self._active.discard(self._client)
                case [b"CONTINUAR"]:
                    self._active.add(self._client)
                case _:
                    self._transport.close()
                    return
            self._transport.write(b"OK\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self._active.discard(self._client)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    ingest = udp_socket()
    _, protocol = await loop.create_datagram_endpoint(Ingest, sock=ingest)
    server = await loop.create_server(
        lambda: Control(protocol.active), "127.0.0.1", 0, backlog=BACKLOG
    )
    announce(server.sockets[0].getsockname(), ingest.getsockname())
    await server.serve_forever()


if __name__ == "__main__":
    run(serve(), sys.argv[1])
