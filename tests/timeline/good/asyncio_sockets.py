"""An echo server with the socket calls of asyncio's loop, and a timer that has little to do."""

import asyncio
import socket


async def echo(client: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with client:
        try:
            while data := await loop.sock_recv(client, 65536):
                await loop.sock_sendall(client, data)
        except ConnectionError:
            pass


async def tick() -> None:
    while True:
        await asyncio.sleep(0.02)


async def main() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        print(listener.getsockname()[1], flush=True)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(tick())
            while True:
                client, _ = await loop.sock_accept(listener)
                client.setblocking(False)
                tasks.create_task(echo(client))


asyncio.run(main())
