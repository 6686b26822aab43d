"""Closes the socket of who has left, and goes on handing it to select().

python3 04_forgets_nobody.py PORT
"""

import select
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
        ready, _, _ = select.select([listener, *clients], [], [])  # sleeps until somebody is
        for sock in ready:
            if sock is listener:
                accept(listener, clients)
            elif not serve(sock, clients[sock]):
                sock.close()


if __name__ == "__main__":
    main()
