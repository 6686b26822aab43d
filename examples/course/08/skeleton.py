"""Your turn: the video, from the ingest to every viewer.

python3 skeleton.py PORT INGEST
"""

import selectors
import socket
import sys

LIMIT = 256  # bytes of a line

selector = selectors.DefaultSelector()
viewers = {}  # client -> the address at which it wants its copy of the video


class Client:
    """A connection, and the bytes that are no whole line yet."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""


def relay(ingest):
    """Called whenever the ingest is readable."""
    # Your turn: what has come, to every viewer. Whole, and how much of it at once?


def answer(client, line):
    match line.decode(errors="replace").split():
        case ["CONECTAR", port] if port.isdecimal() and 1024 <= int(port) <= 65535:
            # Your turn: whose copy goes where?
            return b"OK\n"
        case ["INTERRUMPIR"] | ["CONTINUAR"] | ["DESCONECTAR"]:
            return b"OK\n"
    return b"ERROR DESCONOCIDO\n"


def receive(client):
    try:
        data = client.sock.recv(1024)
    except BlockingIOError:
        return
    if not data or len(client.rest) > LIMIT:
        drop(client)
        return
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        client.sock.send(answer(client, line))
        if line.strip() == b"DESCONECTAR":
            drop(client)
            return


def drop(client):
    selector.unregister(client.sock)
    client.sock.close()


def attempt(step, client):
    """Whatever goes wrong in a step of one client ends this client, and nobody else."""
    try:
        step(client)
    except Exception as error:  # also a full socket: it has read none of very many answers
        print(f"a client is lost: {error!r}", file=sys.stderr)
        drop(client)


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
    # Your turn: a socket for datagrams, at the port sys.argv[2]. Then it, too, is watched.
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                accept(listener)
            else:
                attempt(receive, key.data)


if __name__ == "__main__":
    main()
