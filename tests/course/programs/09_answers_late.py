"""Right in an unusual way: each answer, and each picture, comes 20 ms late.

python3 09_answers_late.py PORT INGEST
"""

import selectors
import socket
import sys
import time

LIMIT = 256  # bytes of a line

selector = selectors.DefaultSelector()
viewers = {}  # client -> where his copy of the video goes


class Client:
    def __init__(self, sock):
        sock.setblocking(False)
        self.sock, self.rest = sock, b""
        self.port, self.is_leaving = 0, False


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


def answer(client, line):
    word, _, port = line.decode(errors="replace").strip().partition(" ")
    if word == "CONECTAR":
        if not is_port(port):
            return "ERROR PUERTO"
        if client.port:
            return "ERROR YA_CONECTADO"
        client.port = int(port)
        viewers[client] = ("127.0.0.1", client.port)
    elif word == "DESCONECTAR":
        viewers.pop(client, None)
        client.is_leaving = True
    elif word not in ("INTERRUMPIR", "CONTINUAR"):
        return "ERROR DESCONOCIDO"
    elif not client.port:
        return "ERROR NO_CONECTADO"
    elif word == "INTERRUMPIR":
        if client not in viewers:
            return "ERROR YA_INTERRUMPIDO"
        del viewers[client]
    else:
        if client in viewers:
            return "ERROR NO_INTERRUMPIDO"
        viewers[client] = ("127.0.0.1", client.port)
    return "OK"


def drop(client):
    viewers.pop(client, None)
    selector.unregister(client.sock)
    client.sock.close()


def receive(client):
    try:
        data = client.sock.recv(4096)
    except BlockingIOError:
        return
    if not data or len(client.rest) > LIMIT:
        drop(client)
        return
    time.sleep(0.02)
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        client.sock.send(answer(client, line).encode() + b"\n")
        if client.is_leaving:
            client.sock.shutdown(socket.SHUT_WR)  # what was said arrives, then the end


def feed(ingest):
    data = ingest.recv(65536)
    time.sleep(0.02)
    for address in viewers.values():
        ingest.sendto(data, address)


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.bind(("127.0.0.1", int(sys.argv[2])))
    for sock in (listener, ingest):
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            try:
                if key.fileobj is listener:
                    client = Client(listener.accept()[0])
                    selector.register(client.sock, selectors.EVENT_READ, client)
                elif key.fileobj is ingest:
                    feed(ingest)
                else:
                    receive(key.data)
            except OSError:
                if key.data:
                    drop(key.data)  # his error is his alone


if __name__ == "__main__":
    main()
