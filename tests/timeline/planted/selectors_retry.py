"""Keeps what did not fit, and tries again at once instead of waiting for room."""

import selectors
import socket
from contextlib import suppress

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 0))
selector.register(listener, selectors.EVENT_READ)
queues: dict[socket.socket, bytearray] = {}
print(listener.getsockname()[1], flush=True)
while True:
    for client, queue in queues.items():
        with suppress(BlockingIOError):
            while queue:
                del queue[: client.send(queue)]
    for _ in selector.select(0 if any(queues.values()) else None):
        client, _ = listener.accept()
        client.setblocking(False)
        queues[client] = bytearray(b"OK\n" * 5_000_000)
