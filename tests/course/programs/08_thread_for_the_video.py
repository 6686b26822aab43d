"""Right: a thread for the video, and one for each client."""

import socket
import sys
import threading

viewers = {}


def relay(ingest):
    while True:
        datagram = ingest.recv(65535)
        for address in list(viewers.values()):
            ingest.sendto(datagram, address)


def serve(client):
    with client, client.makefile("rb") as lines:
        for line in lines:
            client.sendall(answer(client, line.split()))
    viewers.pop(client, None)


def answer(client, words):
    if len(words) == 2 and words[0] == b"CONECTAR" and words[1].isdigit():
        viewers[client] = (client.getpeername()[0], int(words[1]))
        return b"OK\n"
    if words and words[0] in (b"INTERRUMPIR", b"CONTINUAR"):
        return b"OK\n"
    return b"ERROR\n"


ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ingest.bind(("127.0.0.1", int(sys.argv[2])))
threading.Thread(target=relay, args=[ingest], daemon=True).start()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()
