"""Sends a long list, and does not look how much of it went."""

import asyncio
import socket

LIST = b"".join(b"client %06d\n" % number for number in range(1_000_000))


async def answer(client: socket.socket) -> None:
    with client:
        while data := await asyncio.get_running_loop().sock_recv(client, 4096):
            client.send(LIST if data == b"list\n" else b"OK\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    tasks = set()
    while True:
        client, _ = await loop.sock_accept(listener)
        tasks.add(asyncio.create_task(answer(client)))


asyncio.run(main())
