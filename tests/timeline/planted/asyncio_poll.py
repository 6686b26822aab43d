"""Lets others run, and looks again: for a flag that an Event would tell of."""

import asyncio

done = False


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"OK\n")


async def main() -> None:
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while not done:
        await asyncio.sleep(0)


asyncio.run(main())
