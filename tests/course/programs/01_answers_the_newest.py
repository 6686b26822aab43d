"""A thread for each client, and one name for all of them: the newest gets every answer."""

import socket
import sys
import threading

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def serve():
    for line in client.makefile("rb"):
        word = (line.split() or [b""])[0]
        client.sendall(b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n")


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, daemon=True).start()
