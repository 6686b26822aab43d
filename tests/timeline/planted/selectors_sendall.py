"""Sends a long list by sendall, on a socket that does not block."""

import selectors
import socket
from contextlib import suppress

LIST = b"".join(b"client %06d\n" % number for number in range(1_000_000))

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ, None)
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ, client)
        elif data := key.data.recv(4096):
            with suppress(BlockingIOError):  # "sendall" sends all, does it not?
                key.data.sendall(LIST if data == b"list\n" else b"OK\n")
        else:
            selector.unregister(key.data)
            key.data.close()
