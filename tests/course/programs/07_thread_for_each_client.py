"""Right: each client has a thread, and a thread may sleep."""

import socket
import sys
import threading
import time


def serve(client):
    with client, client.makefile("rb") as lines:
        for line in lines:
            client.sendall(answer(line.split()))


def answer(words):
    if len(words) == 2 and words[0] == b"DORMIR" and words[1].isdigit():
        time.sleep(int(words[1]) / 1000)
        return b"OK\r\n"
    if words and words[0] in (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR"):
        return b"OK\r\n"
    return b"ERROR\r\n"


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
