"""Reads until nothing has come for a fifth of a second, and takes that for the end of a line.

python3 03_listens_for_a_silence.py PORT
"""

import socket
import sys
import threading

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def lines(client):
    while data := client.recv(1024):
        client.settimeout(0.2)
        try:
            while more := client.recv(1024):
                data += more
        except TimeoutError:
            pass
        client.settimeout(None)
        yield from data.splitlines()


def serve(client):
    with client:
        for line in lines(client):
            word = (line.split() or [b""])[0]
            client.sendall(b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n")


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
