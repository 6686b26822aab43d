"""A thread for each client, each of whom takes its time. Right, if that is not too long.

python3 01_answers_late.py PORT INGEST [SECONDS]
"""

import socket
import sys
import threading
import time

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
PAUSE = float(sys.argv[3]) if len(sys.argv) > 3 else 0.3


def serve(client):
    with client, client.makefile("rb") as lines:
        for line in lines:
            word = (line.split() or [b""])[0]
            time.sleep(PAUSE)
            for byte in b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n":
                client.send(bytes([byte]))


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
