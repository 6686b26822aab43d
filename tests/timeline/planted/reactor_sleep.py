"""Sleeps in a callback."""

import time

import reactor


class Sleeper(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        buffer.take_all()
        time.sleep(0.05)  # until the data base has it
        self.stream.write(b"OK\n")


with reactor.EventLoop() as loop:
    listener = reactor.listen(loop, Sleeper, "127.0.0.1", 0)
    print(listener.sockname[1], flush=True)
    loop.run()
