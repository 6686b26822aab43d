"""Is told again and again what it has noted already."""

import asyncio
import socket


async def main() -> None:
    loop = asyncio.get_running_loop()
    has_something = asyncio.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop.add_reader(listener, has_something.set)  # until somebody accepts
    print(listener.getsockname()[1], flush=True)
    await has_something.wait()
    await asyncio.sleep(3600)


asyncio.run(main())
