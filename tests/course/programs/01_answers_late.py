"""A thread for each client, each of whom takes its time. Right."""

import socket
import sys
import threading
import time

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")


def serve(client):
    with client, client.makefile("rb") as lines:
        for line in lines:
            word = (line.split() or [b""])[0]
            time.sleep(0.3)
            for byte in b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n":
                client.send(bytes([byte]))


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
