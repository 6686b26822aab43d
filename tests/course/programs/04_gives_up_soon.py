"""A thread for each client, which takes 200 ms without a word for a good-bye.

python3 04_gives_up_soon.py PORT
"""

import socket
import sys
import threading

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


def serve(client):
    lines = Lines()
    try:
        with client:
            client.settimeout(0.2)
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
