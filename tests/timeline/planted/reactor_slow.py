"""Thinks for a while before it answers, and lets all others wait: also a timer."""

import time

import reactor


class Thinker(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        buffer.take_all()
        end = time.perf_counter() + 0.3
        while time.perf_counter() < end:  # what a report, a picture or a hash may cost
            pass
        self.stream.write(b"OK\n")


def tick() -> None:
    pass


with reactor.EventLoop() as loop:
    listener = reactor.listen(loop, Thinker, "127.0.0.1", 0)
    loop.call_every(0.05, tick)
    print(listener.sockname[1], flush=True)
    loop.run()
