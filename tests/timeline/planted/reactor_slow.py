"""Computes for a while before it answers, and lets all others wait: also a timer."""

import hashlib

import reactor


class Hashes(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        hashed = hashlib.pbkdf2_hmac("sha256", buffer.take_all(), b"salt", 1_000_000)
        self.stream.write(hashed)


def tick() -> None:
    pass


with reactor.EventLoop() as loop:
    listener = reactor.listen(loop, Hashes, "127.0.0.1", 0)
    loop.call_every(0.05, tick)
    print(listener.sockname[1], flush=True)
    loop.run()
