"""A session as a table: what each word means in each state.

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
    """A connection, its state, and the port at which its viewer listens."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""
        self.state, self.port = "new", 0


def relay(ingest):
    for _ in range(CAP):
        try:
            datagram = ingest.recv(LARGEST)
        except OSError:
            return  # BlockingIOError, mostly: no more for now
        for client in clients:
            if client.state == "active":
                try:
                    ingest.sendto(datagram, ("127.0.0.1", client.port))
                except OSError:
                    pass  # lost on its way, as any datagram may be


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


def answer(client, line):
    word, _, port = line.decode(errors="replace").strip().partition(" ")
    if word == "CONECTAR" and not is_port(port):
        return "ERROR PUERTO"
    if (client.state, word) not in TABLE:
        return "ERROR DESCONOCIDO"
    if (client.state, word) == ("new", "CONECTAR"):
        client.port = int(port)
    client.state, text = TABLE[client.state, word]
    return text


def receive(client):
    try:
        data = client.sock.recv(1024)
    except BlockingIOError:
        return
    if not data or len(client.rest) > LIMIT:
        drop(client)
        return
    *lines, client.rest = (client.rest + data).split(b"\n")
    for line in lines:
        client.sock.send(answer(client, line).encode() + b"\n")
        if client.state == "closed":
            drop(client)
            return


def drop(client):
    clients.remove(client)
    selector.unregister(client.sock)
    client.sock.close()


def attempt(step, client):
    """Whatever goes wrong in a step of one client ends this client, and nobody else."""
    try:
        step(client)
    except Exception as error:  # also a full socket: it has read none of very many answers
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
        for key, _ in selector.select():
            if key.fileobj is listener:
                accept(listener)
            elif key.fileobj is ingest:
                relay(ingest)
            else:
                attempt(receive, key.data)


if __name__ == "__main__":
    main()
