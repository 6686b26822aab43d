"""A tenth of a second under the lock for each command, and no send. Slow, and right."""

import socket
import sys
import threading
import time

WORDS = (b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
owners = {}  # port -> client
lock = threading.Lock()


def answer(line, client):
    word, *arguments = line.split() or [b""]
    if word == b"CONECTAR" and len(arguments) == 1:
        return b"OK\n" if owners.setdefault(arguments[0], client) is client else b"ERROR PUERTO\n"
    if word == b"LISTA" and len(arguments) == 1 and arguments[0].isdigit():
        return b"".join(b"cliente %06d\n" % n for n in range(int(arguments[0]))) + b"OK\n"
    return b"OK\n" if word in WORDS else b"ERROR DESCONOCIDO\n"


def give_back_ports_of(client):
    for port in [port for port, owner in list(owners.items()) if owner is client]:
        del owners[port]


def serve(client):
    with client, client.makefile("rb") as lines:
        for line in lines:
            with lock:
                time.sleep(0.1)
                reply = answer(line, client).replace(b"\n", b"\r\n")
            client.sendall(reply)
    with lock:
        give_back_ports_of(client)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
