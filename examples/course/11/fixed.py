"""The relay: one thread, four commands, and one viewer's trouble is his alone.

python3 fixed.py PORT INGEST
"""

import selectors
import socket
import sys

HOST = "127.0.0.1"
LIMIT = 256  # bytes of a line
CAP = 64  # datagrams relayed before the clients have their turn

# region table
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
# endregion


class Client:
    """One connection: bytes that are no whole line yet, answers that have not left, the state."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock, self.rest, self.queue = sock, b"", b""
        self.state, self.video = "new", None

    def answer(self, line):
        word, _, port = line.decode(errors="replace").strip().partition(" ")
        if word == "CONECTAR" and not is_port(port):
            return "ERROR PUERTO"
        if (self.state, word) not in TABLE:
            return "ERROR DESCONOCIDO"
        if (self.state, word) == ("new", "CONECTAR"):
            self.video = open_video(int(port))
        self.state, text = TABLE[self.state, word]
        return text

    def receive(self):
        data = self.sock.recv(4096)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if self.state != "closed":
                self.queue += self.answer(line).encode() + b"\n"
        if not data or len(self.rest) > LIMIT:
            self.state = "closed"

    def flush(self):
        if self.queue:
            self.queue = self.queue[self.sock.send(self.queue) :]

    def close(self):
        self.sock.close()
        if self.video:
            self.video.close()


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


# region video
def open_video(port):
    video = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    video.setblocking(False)
    video.connect((HOST, port))  # a send buffer of his own, and word if nobody listens
    return video


def relay(ingest, clients):
    for _ in range(CAP):
        try:
            datagram = ingest.recv(65535)
        except OSError:  # no more for now
            return
        for client in clients:
            if client.state == "active":
                send_video(client, datagram)


def send_video(client, datagram):
    try:
        client.video.send(datagram)
    except OSError:
        pass  # no VLC at his port, or no room on his way: lost, and for him alone


# endregion


def serve(client, events, selector, clients):
    try:
        if events & selectors.EVENT_READ:
            client.receive()
        client.flush()
    except BlockingIOError:
        pass
    except OSError:  # a reset: nobody is left to be answered
        client.state, client.queue = "closed", b""
    if client.state == "closed" and not client.queue:
        clients.remove(client)
        selector.unregister(client.sock)
        client.close()
    else:  # who has not read the answers is asked for nothing more
        wanted = selectors.EVENT_WRITE if client.queue else selectors.EVENT_READ
        selector.modify(client.sock, wanted, client)


def accept(listener, selector, clients):
    try:
        client = Client(listener.accept()[0])
    except OSError:  # left before it was his turn
        return
    clients.append(client)
    selector.register(client.sock, selectors.EVENT_READ, client)


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server((HOST, int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.bind((HOST, int(sys.argv[2])))
    for sock in (listener, ingest):
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ)
    clients = []
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                accept(listener, selector, clients)
            elif key.fileobj is ingest:
                relay(ingest, clients)
            else:
                serve(key.data, events, selector, clients)


if __name__ == "__main__":
    main()
