"""Seems right: what there is no room for waits in a queue, until the client can take it.

python3 broken_both_events.py PORT
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
    selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, Client(sock))


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
    """What to wait for from now on; 0 if the client goes."""
    try:
        if events & selectors.EVENT_READ:
            receive(client)
        if client.queue:
            del client.queue[: client.sock.send(client.queue)]
    except BlockingIOError:
        pass  # later
    except OSError:
        return 0
    if client.leaving and not client.queue:
        return 0
    return selectors.EVENT_READ | selectors.EVENT_WRITE  # whichever comes first


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                accept(listener, selector)
            elif wanted := serve(key.data, events):
                selector.modify(key.fileobj, wanted, key.data)
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()


if __name__ == "__main__":
    main()
