"""Computes for a while before it answers, and lets all others wait."""

import hashlib
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
        elif data := key.data.recv(4096):
            key.data.send(hashlib.pbkdf2_hmac("sha256", data, b"salt", 1_000_000))
        else:
            selector.unregister(key.data)
            key.data.close()
