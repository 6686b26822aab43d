"""Seems right: what there is no room for waits in a queue, and is tried again.

python3 broken_retry.py PORT
"""

import selectors
import socket
import sys

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
LIMIT = 256  # bytes of a line, without its end


class Lines:
    """Bytes in, lines out, however they were cut. Knows of no socket."""

    def __init__(self):
        self.rest = b""  # the beginning of a line whose end has not come

    def feed(self, data):
        """The lines that are whole now, without their ends."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LIMIT:  # whatever comes, it is too long
            lines.append(self.rest)
            self.rest = b""
        return lines


def answer(line):
    if len(line) > LIMIT:
        return b"ERROR LARGO\n"
    words = line.split()
    if len(words) == 2 and words[0] == b"LISTA" and words[1].isdigit():
        return b"".join(b"cliente %06d\n" % n for n in range(int(words[1]))) + b"OK\n"
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


class Client:
    """A connection, and what waits until there is room for it."""

    def __init__(self, sock):
        self.sock, self.lines = sock, Lines()
        self.queue, self.leaving = bytearray(), False


def accept(listener, selector):
    try:
        sock, _ = listener.accept()
    except OSError:
        return  # who knocked has gone already
    sock.setblocking(False)
    selector.register(sock, selectors.EVENT_READ, Client(sock))


def receive(client):
    data = client.sock.recv(1024)
    if not data:
        client.leaving = True
    for line in client.lines.feed(data):
        client.queue += answer(line)
        if len(line) > LIMIT or line.startswith(b"DESCONECTAR"):
            client.leaving = True
            break


def serve(client, events):
    """Whether the client is still here."""
    try:
        if events & selectors.EVENT_READ:
            receive(client)
        if client.queue:
            del client.queue[: client.sock.send(client.queue)]
    except BlockingIOError:
        pass  # next time, then
    except OSError:
        return False
    return bool(client.queue) or not client.leaving


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    late = set()  # clients for whom something waits
    while True:
        turn = dict.fromkeys(late, 0)  # client -> what it is ready for
        # Sleep only if nothing waits: there may be room again at any moment.
        for key, events in selector.select(0 if late else None):
            if key.fileobj is listener:
                accept(listener, selector)
            else:
                turn[key.data] = events
        for client, events in turn.items():
            if not serve(client, events):
                selector.unregister(client.sock)
                client.sock.close()
                client.queue.clear()
        late = {client for client in turn if client.queue}


if __name__ == "__main__":
    main()
