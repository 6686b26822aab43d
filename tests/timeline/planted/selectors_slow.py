"""Thinks for a while before it answers, and lets all others wait."""

import selectors
import socket
import time


def think() -> None:
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:  # what a report, a picture or a hash may cost
        pass


selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ, None)
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            selector.register(client, selectors.EVENT_READ, client)
        elif key.data.recv(4096):
            think()
            key.data.send(b"OK\n")
        else:
            selector.unregister(key.data)
            key.data.close()
