"""The relay: one thread, four commands, and one viewer's trouble is his alone.

python3 fixed.py PORT INGEST
"""

import selectors
import socket
import sys

LIMIT = 256  # bytes of a line
LARGEST = 65_507  # bytes of a datagram
CAP = 64  # datagrams relayed before the clients have their turn
ROOM = 4 << 20  # bytes that may wait while this program has no processor; the system may give less

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
    """A connection, its state, what waits for room, and the way to its viewer."""

    def __init__(self, sock):
        self.sock, self.rest, self.queue = sock, b"", bytearray()
        self.state, self.port, self.video = "new", 0, None


def open_video(port):
    video = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    video.setblocking(False)
    video.connect(("127.0.0.1", port))  # a send buffer of his own, and word if nobody listens
    return video


def relay(ingest):
    for _ in range(CAP):
        try:
            datagram = ingest.recv(LARGEST)
        except OSError:
            return  # BlockingIOError, mostly: no more for now
        for client in clients:
            if client.state == "active":
                try:
                    client.video.send(datagram)
                except OSError:
                    pass  # no VLC at his port, or no room on his way: lost, and for him alone


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


def receive(client):
    try:
        data = client.sock.recv(1024)
    except BlockingIOError:
        return
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        if client.state != "closed":
            client.queue += answer(client, line).encode() + b"\n"
    if not data or len(client.rest) > LIMIT:
        client.state = "closed"


def flush(client):
    try:
        if client.queue:
            del client.queue[: client.sock.send(client.queue)]
    except BlockingIOError:
        pass  # no room: it will be said when there is some


def serve(client, events):
    if events & selectors.EVENT_READ:
        receive(client)
    flush(client)
    if client.state == "closed" and not client.queue:
        drop(client)
    else:  # who has not read the answers is asked for nothing more
        wanted = selectors.EVENT_WRITE if client.queue else selectors.EVENT_READ
        selector.modify(client.sock, wanted, client)


def drop(client):
    clients.remove(client)  # from here on nobody feeds him; then he may be closed
    selector.unregister(client.sock)
    client.sock.close()
    if client.video:
        client.video.close()


def attempt(step, client, events):
    """Whatever goes wrong in a step of one client ends this client, and nobody else."""
    try:
        step(client, events)
    except Exception as error:
        print(f"a client is lost: {error!r}", file=sys.stderr)
        drop(client)


def accept(listener):
    try:
        sock, _ = listener.accept()
    except OSError:
        return  # who knocked has gone already
    sock.setblocking(False)
    client = Client(sock)
    clients.append(client)
    selector.register(sock, selectors.EVENT_READ, client)


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    ingest.bind(("127.0.0.1", int(sys.argv[2])))
    for sock in (listener, ingest):
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                accept(listener)
            elif key.fileobj is ingest:
                relay(ingest)
            else:
                attempt(serve, key.data, events)


if __name__ == "__main__":
    main()
