"""Seems right: each viewer has a socket of his own, and errors of sending are caught.

python3 broken.py PORT INGEST
"""

import selectors
import socket
import sys


class Client:
    """One connection, and the socket on which the video leaves for its viewer."""

    def __init__(self, sock):
        self.sock, self.video, self.rest = sock, None, b""
        self.state = "new"

    def answer(self, words):
        match self.state, words:
            case "new", ["CONECTAR", port] if port.isdecimal() and 1024 <= int(port) < 65536:
                self.video = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self.video.connect(("127.0.0.1", int(port)))  # from now on send() knows where to
                self.state = "active"
            case "active", ["INTERRUMPIR"]:
                self.state = "paused"
            case "paused", ["CONTINUAR"]:
                self.state = "active"
            case _, ["DESCONECTAR"]:
                self.state = "gone"
            case _:
                return b"ERROR DESCONOCIDO\n"
        return b"OK\n"

    def serve(self):
        try:
            data = self.sock.recv(4096)
            *lines, self.rest = (self.rest + data).split(b"\n")
            for line in lines:
                self.sock.send(self.answer(line.decode(errors="replace").split()))
        except OSError:
            data = b""
        if not data:
            self.state = "gone"


def feed(ingest, clients):
    datagram = ingest.recv(65535)
    try:
        for client in clients:
            if client.state == "active":
                client.video.send(datagram)
    except OSError:
        pass  # this is UDP: what can't be sent is lost


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    ingest = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ingest.bind(("127.0.0.1", int(sys.argv[2])))
    selector.register(listener, selectors.EVENT_READ)
    selector.register(ingest, selectors.EVENT_READ)
    clients = []
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                clients.append(Client(listener.accept()[0]))
                selector.register(clients[-1].sock, selectors.EVENT_READ, clients[-1])
            elif key.fileobj is ingest:
                feed(ingest, clients)
            else:
                key.data.serve()
                if key.data.state == "gone":
                    clients.remove(key.data)
                    selector.unregister(key.data.sock)
                    key.data.sock.close()


if __name__ == "__main__":
    main()
