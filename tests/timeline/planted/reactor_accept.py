"""Has no descriptor left for the next client, and tries again at once."""

import socket

import reactor


def accept(events: int) -> None:
    try:
        clients.append(listener.accept())
    except OSError:
        pass  # he has gone again, has he not?


clients: list[tuple[socket.socket, object]] = []
listener = socket.create_server(("127.0.0.1", 0))
with reactor.EventLoop() as loop:
    loop.register(listener, reactor.EVENT_READ, accept)
    print(listener.getsockname()[1], flush=True)
    loop.run()
