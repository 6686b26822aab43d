"""Asks all its sockets for ever, with a nap in between "so that it does not burn"."""

import socket
import time
from contextlib import suppress

listener = socket.create_server(("127.0.0.1", 0))
listener.setblocking(False)
clients = []
print(listener.getsockname()[1], flush=True)
while True:
    time.sleep(0.001)
    with suppress(BlockingIOError):
        client, _ = listener.accept()
        client.setblocking(False)
        clients.append(client)
    for client in clients:
        with suppress(BlockingIOError):
            if client.recv(4096):
                client.send(b"OK\n")
