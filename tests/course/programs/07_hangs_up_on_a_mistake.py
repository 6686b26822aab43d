"""Right: whoever makes a mistake is lost by it, and nobody else is."""

import asyncio
import sys


async def serve(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(await answer(line.split()))
    finally:
        writer.close()


async def answer(words):
    if words[:1] == [b"DORMIR"]:
        await asyncio.sleep(int(words[1]) / 1000)  # raises, in this client's task
        return b"OK\n"
    if words and words[0] in (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR"):
        return b"OK\n"
    return b"ERROR\n"


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
