"""An echo server written by hand on selectors: a queue for each client, interest in writing only
while there is something in it, and no more is read meanwhile."""

import selectors
import socket


def serve(sock: socket.socket, queue: bytearray) -> None:
    try:
        if not queue:
            queue += sock.recv(65536)
            if not queue:
                raise ConnectionResetError
        del queue[: sock.send(queue)]
    except BlockingIOError:
        pass
    except ConnectionError:
        selector.unregister(sock)
        sock.close()
        return
    selector.modify(sock, selectors.EVENT_WRITE if queue else selectors.EVENT_READ, queue)


with selectors.DefaultSelector() as selector, socket.create_server(("127.0.0.1", 0)) as listener:
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                client, _ = listener.accept()
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ, bytearray())
            else:
                assert isinstance(key.fileobj, socket.socket)
                serve(key.fileobj, key.data)
