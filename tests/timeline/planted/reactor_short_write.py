"""Sends a long list, and does not look how much of it went."""

import socket

import reactor

LIST = b"".join(b"client %06d\n" % number for number in range(1_000_000))


def accept(events: int) -> None:
    client, _ = listener.accept()
    client.setblocking(False)
    clients[client] = loop.register(client, reactor.EVENT_READ, lambda events: answer(client))


def answer(client: socket.socket) -> None:
    if data := client.recv(4096):
        client.send(LIST if data == b"list\n" else b"OK\n")
    else:
        clients.pop(client).close()
        client.close()


clients: dict[socket.socket, reactor.Watcher] = {}
listener = socket.create_server(("127.0.0.1", 0))
with reactor.EventLoop() as loop:
    loop.register(listener, reactor.EVENT_READ, accept)
    print(listener.getsockname()[1], flush=True)
    loop.run()
