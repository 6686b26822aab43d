"""Puts off what is to be read until somebody asks, and nobody does."""

import socket

import reactor


def accept(events: int) -> None:
    client, _ = listener.accept()
    loop.register(client, reactor.EVENT_READ, lambda events: has_something.add(client))


has_something: set[socket.socket] = set()
listener = socket.create_server(("127.0.0.1", 0))
with reactor.EventLoop() as loop:
    loop.register(listener, reactor.EVENT_READ, accept)
    print(listener.getsockname()[1], flush=True)
    loop.run()
