"""A queue and a thread that sends for each client. Right."""

import queue
import socket
import sys
import threading

WORDS = (b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
owners = {}  # port -> client


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


def send_all_of(replies, client):
    while (reply := replies.get()) is not None:
        client.sendall(reply)


def serve(client):
    replies = queue.Queue()
    threading.Thread(target=send_all_of, args=(replies, client), daemon=True).start()
    with client.makefile("rb") as lines:
        for line in lines:
            replies.put(answer(line, client))
    replies.put(None)
    give_back_ports_of(client)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
