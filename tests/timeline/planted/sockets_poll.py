"""Asks all its sockets for ever, and never sleeps."""

import socket
from contextlib import suppress

listener = socket.create_server(("127.0.0.1", 0))
listener.setblocking(False)
clients = []
print(listener.getsockname()[1], flush=True)
while True:
    with suppress(BlockingIOError):  # nobody is there: ask again
        client, _ = listener.accept()
        client.setblocking(False)
        clients.append(client)
    for client in clients:
        with suppress(BlockingIOError):  # nothing is there: ask again
            if client.recv(4096):
                client.send(b"OK\n")
