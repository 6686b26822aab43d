"""Waits for nobody, and so asks all of them all the time. How to sleep is yours to say.

python3 skeleton.py PORT
"""

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


def accept(listener, clients):
    try:
        client, _ = listener.accept()
    except OSError:
        return  # nobody is there
    client.setblocking(False)
    clients[client] = Lines()


def serve(client, lines):
    """Whether the client is still here."""
    try:
        data = client.recv(1024)
        for line in lines.feed(data):
            client.send(answer(line))
            if len(line) > LIMIT or line.startswith(b"DESCONECTAR"):
                return False
    except BlockingIOError:
        return True  # nothing has come yet
    except OSError:
        return False  # left without a word
    return data != b""  # b"" is the end


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    clients = {}  # socket -> its Lines
    while True:
        # Your turn: sleep here until one of these sockets is ready: the listener, or a client.
        # Then ask only those which are. select.select says which.
        accept(listener, clients)
        for client in list(clients):
            if not serve(client, clients[client]):
                del clients[client]
                client.close()


if __name__ == "__main__":
    main()
