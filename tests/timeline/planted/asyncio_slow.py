"""Computes for a while before it answers, and lets all others wait: also a timer."""

import asyncio
import hashlib


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(hashlib.pbkdf2_hmac("sha256", line, b"salt", 1_000_000))
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while True:
        await asyncio.sleep(0.05)


asyncio.run(main())
