"""Your turn: a pause for one client that is nobody else's, and errors that stay where they are.

python3 skeleton.py PORT
"""

import selectors
import socket
import sys

LIMIT = 256  # bytes of a line

selector = selectors.DefaultSelector()


class Client:
    """A connection, and the bytes that are no whole line yet."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""


def answer(client, line):
    match line.decode(errors="replace").split():
        # Your turn: DORMIR ms. Its OK is not due yet: write down when, and for whom.
        case ["CONECTAR", _] | ["INTERRUMPIR"] | ["CONTINUAR"] | ["DESCONECTAR"]:
            return b"OK\n"
    return b"ERROR DESCONOCIDO\n"


def answer_lines(client):
    while b"\n" in client.rest:
        line, _, client.rest = client.rest.partition(b"\n")
        # Your turn: a line whose answer is not due yet. What about the next line of this client?
        client.sock.send(answer(client, line))
        if line.strip() == b"DESCONECTAR":
            drop(client)
            return


def receive(client):
    try:
        data = client.sock.recv(1024)
    except BlockingIOError:
        return
    if not data or len(client.rest) > LIMIT:
        drop(client)
        return
    client.rest += data
    answer_lines(client)


def drop(client):
    selector.unregister(client.sock)
    client.sock.close()


def attempt(step, client):
    # Your turn: what if this raises?
    step(client)


def accept(listener):
    try:
        sock, _ = listener.accept()
    except OSError:
        return  # who knocked has gone already
    sock.setblocking(False)
    selector.register(sock, selectors.EVENT_READ, Client(sock))


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        # Your turn: until when may it sleep? And who is due, once it has woken up?
        for key, _ in selector.select():
            if key.fileobj is listener:
                accept(listener)
            else:
                attempt(receive, key.data)


if __name__ == "__main__":
    main()
