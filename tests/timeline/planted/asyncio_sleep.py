"""Sleeps in a coroutine, with the wrong sleep."""

import asyncio
import time


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        time.sleep(0.05)  # not asyncio's
        writer.write(b"OK\n")
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
