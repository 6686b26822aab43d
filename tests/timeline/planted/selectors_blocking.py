"""Waits for the end of the line of one client, who takes his time."""

import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ, None)
print(listener.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            client, _ = listener.accept()
            selector.register(client, selectors.EVENT_READ, client)
            continue
        line = b""
        while data := key.data.recv(4096):  # a socket that blocks, which it is to begin with
            line += data
            if line.endswith(b"\n"):
                break
        if line:
            key.data.send(b"OK\n")
        else:
            selector.unregister(key.data)
            key.data.close()
