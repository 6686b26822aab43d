"""Watches no more who has left, and keeps the socket."""

import socket

import reactor


class Client:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.watcher = loop.register(sock, reactor.EVENT_READ, self.answer)

    def answer(self, events: int) -> None:
        if self.sock.recv(4096):
            self.sock.send(b"OK\n")
        else:
            self.watcher.close()  # and that is all


def accept(events: int) -> None:
    clients.append(Client(listener.accept()[0]))


clients: list[Client] = []
listener = socket.create_server(("127.0.0.1", 0))
with reactor.EventLoop() as loop:
    loop.register(listener, reactor.EVENT_READ, accept)
    print(listener.getsockname()[1], flush=True)
    loop.run()
