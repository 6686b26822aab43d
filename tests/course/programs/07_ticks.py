"""Right, if slow: looks twenty times a second who has spoken, and which pause is over."""

import socket
import sys
import time

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.setblocking(False)
clients = {}  # client -> [bytes to be looked at, when its pause is over]


def answer(client, words):
    if len(words) == 2 and words[0] == b"DORMIR" and words[1].isdigit():
        clients[client][1] = time.monotonic() + int(words[1]) / 1000
        return b""
    if words and words[0] in (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR"):
        return b"OK\n"
    return b"ERROR\n"


def look(client):
    if clients[client][1]:
        if time.monotonic() < clients[client][1]:
            return
        clients[client][1] = 0
        client.sendall(b"OK\n")
    try:
        data = client.recv(4096)
        if not data:
            raise OSError
        clients[client][0] += data
    except BlockingIOError:
        pass
    while b"\n" in clients[client][0] and not clients[client][1]:
        line, _, clients[client][0] = clients[client][0].partition(b"\n")
        client.sendall(answer(client, line.split()))


while True:
    time.sleep(0.05)
    try:
        client, _ = listener.accept()
        client.setblocking(False)
        clients[client] = [b"", 0]
    except BlockingIOError:
        pass
    for client in list(clients):
        try:
            look(client)
        except OSError:
            del clients[client]
            client.close()
