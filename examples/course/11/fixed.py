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
TABLE = {  # (state, word) -> the answer, the state from then on
    ("new", "CONECTAR"): (b"OK\n", "active"),
    ("new", "INTERRUMPIR"): (b"ERROR NO_CONECTADO\n", "new"),
    ("new", "CONTINUAR"): (b"ERROR NO_CONECTADO\n", "new"),
    ("active", "CONECTAR"): (b"ERROR YA_CONECTADO\n", "active"),
    ("active", "INTERRUMPIR"): (b"OK\n", "paused"),
    ("active", "CONTINUAR"): (b"ERROR NO_INTERRUMPIDO\n", "active"),
    ("paused", "CONECTAR"): (b"ERROR YA_CONECTADO\n", "paused"),
    ("paused", "INTERRUMPIR"): (b"ERROR YA_INTERRUMPIDO\n", "paused"),
    ("paused", "CONTINUAR"): (b"OK\n", "active"),
}
# endregion


class Client:
    """One connection: what has come of a line, what has still to go, and where the video goes."""

    def __init__(self, sock):
        self.sock, self.video = sock, None
        self.rest = self.queue = b""
        self.state = "new"

    def receive(self):
        try:
            data = self.sock.recv(4096)
        except BlockingIOError:
            return
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if self.state != "leaving":
                self.queue += self.answer(line.decode(errors="replace").split())
        if len(self.rest) > LIMIT:
            self.queue += b"ERROR LARGO\n"
        if not data or len(self.rest) > LIMIT:
            self.state = "leaving"

    def answer(self, words):
        match words:
            case ["DESCONECTAR"]:
                self.state = "leaving"
                return b"OK\n"
            case ["CONECTAR", port]:
                if not port.isdecimal() or not 1024 <= int(port) < 65536:
                    return b"ERROR PUERTO\n"
                self.video = self.video or open_video(int(port))
            case ["INTERRUMPIR"] | ["CONTINUAR"]:
                pass
            case _:
                return b"ERROR DESCONOCIDO\n"
        answer, self.state = TABLE[self.state, words[0]]
        return answer

    def flush(self):
        try:
            self.queue = self.queue[self.sock.send(self.queue) :]
        except BlockingIOError:
            pass

    def close(self):
        self.sock.close()
        if self.video:
            self.video.close()


def open_video(port):
    video = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    video.setblocking(False)
    video.connect((HOST, port))  # a send buffer of his own, and an error if nobody listens there
    return video


def relay(ingest, clients):
    for _ in range(CAP):
        try:
            datagram = ingest.recv(65535)
        except OSError:
            return
        for client in clients:
            if client.state == "active":
                try:
                    client.video.send(datagram)
                except OSError:
                    pass  # his VLC is not running, or his link is full: lost, for him alone


def serve(client, events, selector, clients):
    try:
        if events & selectors.EVENT_READ:
            client.receive()
        client.flush()
    except OSError:  # a reset: nobody is there any more
        client.state, client.queue = "leaving", b""
    if client.state == "leaving" and not client.queue:
        clients.remove(client)
        selector.unregister(client.sock)
        client.close()
    else:  # who does not read the answers is not asked for more
        wanted = selectors.EVENT_WRITE if client.queue else selectors.EVENT_READ
        selector.modify(client.sock, wanted, client)


def accept(listener, selector, clients):
    try:
        sock, _ = listener.accept()
    except OSError:
        return
    sock.setblocking(False)
    clients.append(Client(sock))
    selector.register(sock, selectors.EVENT_READ, clients[-1])


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
