"""Thinks for a while before it answers, and lets all others wait: also a timer."""

import asyncio
import time


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        end = time.perf_counter() + 0.3
        while time.perf_counter() < end:  # what a report, a picture or a hash may cost
            pass
        writer.write(b"OK\n")
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while True:
        await asyncio.sleep(0.05)


asyncio.run(main())
