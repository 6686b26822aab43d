"""Reads from a socket of its own, and never removes the reader."""

import asyncio
import socket


def answer(client: socket.socket) -> None:
    if client.recv(4096):  # and if there is nothing, there is nothing to do?
        client.send(b"OK\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = await loop.sock_accept(listener)
        loop.add_reader(client, answer, client)


asyncio.run(main())
