"""Asks for another turn in every turn."""

import reactor


class Greeter(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        stream.write(b"OK\n")


def look() -> None:
    loop.call_soon(look)  # is there anything to do now? And now?


with reactor.EventLoop() as loop:
    listener = reactor.listen(loop, Greeter, "127.0.0.1", 0)
    loop.call_soon(look)
    print(listener.sockname[1], flush=True)
    loop.run()
