"""Looks up a name in a coroutine, without the loop's help."""

import asyncio
import socket


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline():
        socket.gethostbyname("localhost")  # whose answer may take 5 s
        writer.write(b"OK\n")
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
