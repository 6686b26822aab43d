"""Seems right: lines come out whole, however they were cut.

python3 broken_no_limit.py PORT
"""

import socket
import sys
import threading

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


class Lines:
    """Bytes in, lines out, however they were cut. Knows of no socket."""

    def __init__(self):
        self.rest = b""  # the beginning of a line whose end has not come

    def feed(self, data):
        """The lines that are whole now, without their ends."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines


def answer(line):
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def serve(client):
    lines = Lines()
    try:
        with client:
            while data := client.recv(1024):
                for line in lines.feed(data):
                    client.sendall(answer(line))
                    if line.startswith(b"DESCONECTAR"):
                        return
    except OSError:
        pass  # left without a word


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=[client], daemon=True).start()


if __name__ == "__main__":
    main()
