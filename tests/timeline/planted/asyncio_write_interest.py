"""Adds a writer before there is anything to write."""

import asyncio
import socket


def flush(client: socket.socket, queue: bytearray) -> None:
    if queue:
        del queue[: client.send(queue)]


async def main() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = await loop.sock_accept(listener)
        loop.add_writer(client, flush, client, bytearray())  # from the beginning


asyncio.run(main())
