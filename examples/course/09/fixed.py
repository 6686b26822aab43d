"""A session as a table: what each word means in each state.

python3 fixed.py PORT INGEST
"""

import selectors
import socket
import sys

LIMIT = 256  # bytes of a line

TABLE = {  # (state, word) -> next state, answer
    ("new", "CONECTAR"): ("active", "OK"),
    ("new", "INTERRUMPIR"): ("new", "ERROR NO_CONECTADO"),
    ("new", "CONTINUAR"): ("new", "ERROR NO_CONECTADO"),
    ("new", "DESCONECTAR"): ("closed", "OK"),
    ("active", "CONECTAR"): ("active", "ERROR YA_CONECTADO"),
    ("active", "INTERRUMPIR"): ("paused", "OK"),
    ("active", "CONTINUAR"): ("active", "ERROR NO_INTERRUMPIDO"),
    ("active", "DESCONECTAR"): ("closed", "OK"),
    ("paused", "CONECTAR"): ("paused", "ERROR YA_CONECTADO"),
    ("paused", "INTERRUMPIR"): ("paused", "ERROR YA_INTERRUMPIDO"),
    ("paused", "CONTINUAR"): ("active", "OK"),
    ("paused", "DESCONECTAR"): ("closed", "OK"),
}

selector = selectors.DefaultSelector()
clients = set()


class Client:
    def __init__(self, sock):
        sock.setblocking(False)
        self.sock, self.rest = sock, b""
        self.state, self.port = "new", 0


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


def answer(client, line):
    word, _, port = line.decode(errors="replace").strip().partition(" ")
    if word == "CONECTAR" and not is_port(port):
        return "ERROR PUERTO"
    if (client.state, word) not in TABLE:
        return "ERROR DESCONOCIDO"
    before = client.state
    client.state, text = TABLE[before, word]
    if before == "new" and client.state == "active":
        client.port = int(port)
    return text


def drop(client):
    clients.remove(client)
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
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        client.sock.send(answer(client, line).encode() + b"\n")
        if client.state == "closed":
            client.sock.shutdown(socket.SHUT_WR)  # what was said arrives, then the end


def feed(ingest):
    data = ingest.recv(65536)
    for client in clients:
        if client.state == "active":
            ingest.sendto(data, ("127.0.0.1", client.port))


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
                    clients.add(client)
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
