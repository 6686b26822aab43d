"""The echo server as asyncio's streams have it: it knows nothing of this library.

python3 -m reactor.timeline -m examples.timeline.asyncio_echo 5000
"""

import asyncio
import sys


async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(talk, "127.0.0.1", int(sys.argv[1]))
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
