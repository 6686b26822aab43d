"""Watches no more who has left, and keeps the socket."""

import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ, None)
clients = []
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            clients.append(client)
            selector.register(client, selectors.EVENT_READ, client)
        elif key.data.recv(4096):
            key.data.send(b"OK\n")
        else:
            selector.unregister(key.data)  # and that is all
