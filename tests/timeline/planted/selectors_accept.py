"""Has no descriptor left for the next client, and tries again at once."""

import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ)
clients = []
print(listener.getsockname()[1], flush=True)
while True:
    for _ in selector.select():
        try:
            clients.append(listener.accept())
        except OSError:
            pass  # he has gone again, has he not?
