"""Waits for room to write all the time, with nothing to write."""

import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ, bytearray())
print(listener.getsockname()[1], flush=True)
while True:
    for key, events in selector.select():
        sock, waiting = key.fileobj, key.data
        assert isinstance(sock, socket.socket)
        if sock is listener:
            client, _ = listener.accept()
            client.setblocking(False)
            both = selectors.EVENT_READ | selectors.EVENT_WRITE  # to be ready for both at any time
            selector.register(client, both, bytearray())
            continue
        if events & selectors.EVENT_WRITE and waiting:
            del waiting[: sock.send(waiting)]
        if events & selectors.EVENT_READ:
            if sock.recv(4096):
                waiting += b"OK\n"
            else:
                selector.unregister(sock)
                sock.close()
