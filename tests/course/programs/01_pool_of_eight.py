"""A pool of eight threads: nine clients are one too many."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def serve(client):
    with client, client.makefile("rb") as lines:
        for line in lines:
            word = (line.split() or [b""])[0]
            client.sendall(b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n")


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
pool = ThreadPoolExecutor(max_workers=8)
while True:
    pool.submit(serve, listener.accept()[0])
