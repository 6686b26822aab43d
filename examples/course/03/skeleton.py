"""Takes what one recv brings for a line. What a line is, is yours to say.

python3 skeleton.py PORT
"""

import socket
import sys
import threading

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
LIMIT = 256  # bytes of a line, without its end


class Lines:
    r"""Bytes in, lines out, however they were cut. Knows of no socket.

    feed(b"INTERR") gives [], and then feed(b"UMPIR\nCONT") gives [b"INTERRUMPIR"].
    """

    def __init__(self):
        # Your turn: what has to be remembered from one feed to the next?
        pass

    def feed(self, data):
        """The lines that are whole now, without their ends."""
        # Your turn: which lines are whole, and what is left? And if what is left is longer
        # than LIMIT? It is a line already: no end can make it right.
        return [data]


def answer(line):
    if len(line) > LIMIT:
        return b"ERROR LARGO\n"
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def serve(client):
    lines = Lines()
    try:
        with client:
            while data := client.recv(1024):
                for line in lines.feed(data):
                    client.sendall(answer(line))
                    if len(line) > LIMIT or line.startswith(b"DESCONECTAR"):
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
