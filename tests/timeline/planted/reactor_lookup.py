"""Looks up a name in a callback."""

import socket

import reactor


class Resolver(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        buffer.take_all()
        socket.getaddrinfo("localhost", 80)  # whose answer may take 5 s
        self.stream.write(b"OK\n")


with reactor.EventLoop() as loop:
    listener = reactor.listen(loop, Resolver, "127.0.0.1", 0)
    print(listener.sockname[1], flush=True)
    loop.run()
