"""Sleeps until somebody is ready, and has an answer for each of the four things that this means.

python3 fixed.py PORT
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
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def accept(listener, selector):
    try:
        client, _ = listener.accept()
    except OSError:
        return  # who knocked has gone already
    client.setblocking(False)
    selector.register(client, selectors.EVENT_READ, Lines())


def serve(client, lines):
    """Whether the client is still here."""
    try:
        data = client.recv(1024)
        for line in lines.feed(data):
            client.send(answer(line))
            if len(line) > LIMIT or line.startswith(b"DESCONECTAR"):
                return False
    except BlockingIOError:
        return True  # a false alarm: readiness is a hint
    except OSError:
        return False  # the end, and a rude one
    return data != b""  # b"" is the end: nothing more will come


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():  # sleeps until somebody is ready
            if key.fileobj is listener:
                accept(listener, selector)
            elif not serve(key.fileobj, key.data):
                selector.unregister(key.fileobj)
                key.fileobj.close()


if __name__ == "__main__":
    main()
