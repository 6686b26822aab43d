"""Takes the end of a stream for "nothing yet"."""

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
        elif key.data.recv(4096):  # and if there is nothing, there is nothing to do?
            key.data.send(b"OK\n")
