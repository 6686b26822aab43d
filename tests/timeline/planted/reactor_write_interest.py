"""Is told of room to write, and has nothing to say."""

import socket

import reactor


def accept(events: int) -> None:
    client, _ = listener.accept()
    loop.register(client, reactor.EVENT_WRITE, lambda events: flush(client))  # from the beginning
    queues[client] = bytearray()


def flush(client: socket.socket) -> None:
    if queues[client]:
        del queues[client][: client.send(queues[client])]


queues: dict[socket.socket, bytearray] = {}
listener = socket.create_server(("127.0.0.1", 0))
with reactor.EventLoop() as loop:
    loop.register(listener, reactor.EVENT_READ, accept)
    print(listener.getsockname()[1], flush=True)
    loop.run()
