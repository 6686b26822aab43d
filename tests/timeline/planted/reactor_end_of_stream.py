"""Goes on watching a socket of its own at the end of the stream."""

import socket

import reactor


def accept(events: int) -> None:
    client, _ = listener.accept()
    loop.register(client, reactor.EVENT_READ, lambda events: answer(client))


def answer(client: socket.socket) -> None:
    if client.recv(4096):  # and if there is nothing, there is nothing to do?
        client.send(b"OK\n")


listener = socket.create_server(("127.0.0.1", 0))
with reactor.EventLoop() as loop:
    loop.register(listener, reactor.EVENT_READ, accept)
    print(listener.getsockname()[1], flush=True)
    loop.run()
