"""Has no descriptor left for the next client, and tries again at once."""

import asyncio
import socket


async def main() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    clients = []
    print(listener.getsockname()[1], flush=True)
    while True:
        try:
            clients.append(await loop.sock_accept(listener))
        except OSError:
            await asyncio.sleep(0)  # he has gone again, has he not?


asyncio.run(main())
