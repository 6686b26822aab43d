"""Seems right: the system says who is ready, and the program sleeps until then.

python3 broken.py PORT
"""

import selectors
import socket
import sys

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def answer(line):
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    rest = {}  # client -> bytes that are no whole line yet
    # region loop
    while True:
        for key, _ in selector.select():  # sleeps until somebody is ready
            if key.fileobj is listener:
                client, _ = listener.accept()
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ)
                rest[client] = b""
                continue
            client = key.fileobj
            try:
                data = client.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                selector.unregister(client)
                client.close()
                continue
            *lines, rest[client] = (rest[client] + data).split(b"\n")
            for line in lines:
                client.send(answer(line))
    # endregion


if __name__ == "__main__":
    main()
