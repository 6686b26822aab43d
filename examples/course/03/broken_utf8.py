"""Seems right: what comes is text, and text is cut into lines.

python3 broken_utf8.py PORT
"""

import socket
import sys
import threading

WORDS = ("CONECTAR", "INTERRUMPIR", "CONTINUAR", "DESCONECTAR")
LIMIT = 256  # characters of a line, without its end


class Lines:
    """Bytes in, lines out. Knows of no socket."""

    def __init__(self):
        self.rest = ""  # the beginning of a line whose end has not come

    def feed(self, data):
        """The lines that are whole now, without their ends."""
        text = data.decode()  # the network has bytes, the program wants text
        *lines, self.rest = (self.rest + text).split("\n")
        if len(self.rest) > LIMIT:  # whatever comes, it is too long
            lines.append(self.rest)
            self.rest = ""
        return lines


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
                    if len(line) > LIMIT or line.startswith("DESCONECTAR"):
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
