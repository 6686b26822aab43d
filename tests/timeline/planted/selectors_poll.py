"""Has a selector, and does not let it wait."""

import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ)
print(listener.getsockname()[1], flush=True)
while True:
    for _ in selector.select(timeout=0):  # "must not block"
        client, _ = listener.accept()
        client.send(b"OK\n")
