"""The relay: one thread, four commands, and one viewer's trouble is his alone.

python3 fixed.py PORT INGEST
"""

import selectors
import socket
import sys

LIMIT = 256  # bytes of a line
CAP = 64  # datagrams in one turn, before the clients have theirs

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
clients = []


class Client:
    def __init__(self, sock):
        sock.setblocking(False)
        self.sock, self.rest, self.queue = sock, b"", b""
        self.state, self.port, self.video = "new", 0, None


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


def answer(client, line):
    word, _, port = line.decode(errors="replace").strip().partition(" ")
    if word == "CONECTAR" and not is_port(port):
        return "ERROR PUERTO"
    if (client.state, word) not in TABLE:
        return "ERROR DESCONOCIDO"
    if (client.state, word) == ("new", "CONECTAR"):
        if any(each.port == int(port) and each.state != "closed" for each in clients):
            return "ERROR PUERTO_OCUPADO"
        client.port, client.video = int(port), open_video(int(port))
    client.state, text = TABLE[client.state, word]
    return text


def accept(listener):
    try:
        client = Client(listener.accept()[0])
    except OSError:  # gone before it was his turn
        return
    clients.append(client)
    selector.register(client.sock, selectors.EVENT_READ, client)


def drop(client):
    clients.remove(client)  # from here on nobody feeds him; then he may be closed
    selector.unregister(client.sock)
    client.sock.close()
    if client.video:
        client.video.close()


def serve(client, events):
    try:
        if events & selectors.EVENT_READ:
            receive(client)
        flush(client)
    except BlockingIOError:
        pass
    except OSError:  # a reset: nobody is left to be answered
        client.state, client.queue = "closed", b""
    if client.state == "closed" and not client.queue:
        drop(client)
    else:  # who has not read the answers is asked for nothing more
        wanted = selectors.EVENT_WRITE if client.queue else selectors.EVENT_READ
        selector.modify(client.sock, wanted, client)


def receive(client):
    data = client.sock.recv(4096)
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        if client.state != "closed":
            client.queue += answer(client, line).encode() + b"\n"
    if not data or len(client.rest) > LIMIT:
        client.state = "closed"


def flush(client):
    if client.queue:
        client.queue = client.queue[client.sock.send(client.queue) :]


def open_video(port):
    video = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    video.setblocking(False)
    video.connect(("127.0.0.1", port))  # a send buffer of his own, and word if nobody listens
    return video


def feed(ingest):
    for _ in range(CAP):
        try:
            data = ingest.recv(65536)
        except OSError:  # no more for now
            return
        for client in clients:
            if client.state == "active":
                send_video(client, data)


def send_video(client, data):
    try:
        client.video.send(data)
    except OSError:
        pass  # no VLC at his port, or no room on his way: lost, and for him alone


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.bind(("127.0.0.1", int(sys.argv[2])))
    for sock in (listener, ingest):
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                accept(listener)
            elif key.fileobj is ingest:
                feed(ingest)
            else:
                serve(key.data, events)


if __name__ == "__main__":
    main()
