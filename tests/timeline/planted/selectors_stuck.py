"""Sends with a blocking socket, and so waits for a client that does not read."""

import selectors
import socket

LIST = b"".join(b"client %06d\n" % number for number in range(1_000_000))

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ)
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            selector.register(client, selectors.EVENT_READ)
            continue
        client = key.fileobj  # type: ignore[assignment]
        if client.recv(4096):
            client.sendall(LIST)
        else:
            selector.unregister(client)
            client.close()
