"""A relay in which all is right but what the near misses of chapter 11 put in."""

import selectors
import socket
import sys


def connected_video(port):
    video = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    video.connect(("127.0.0.1", port))
    return video


class Client:
    def __init__(self, sock):
        self.sock, self.video, self.state, self.rest = sock, None, "new", b""

    def answer(self, words, open_video):
        match self.state, words:
            case "new", [b"CONECTAR", port]:
                self.video, self.state = open_video(int(port)), "active"
            case "active", [b"INTERRUMPIR"]:
                self.state = "paused"
            case "paused", [b"CONTINUAR"]:
                self.state = "active"
            case _, [b"DESCONECTAR"]:
                self.state = "gone"
            case _:
                return b"ERROR DESCONOCIDO\n"
        return b"OK\n"

    def serve(self, open_video):
        data = self.sock.recv(4096)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.sock.send(self.answer(line.split(), open_video))
        if not data:
            self.state = "gone"


def run(relay, open_video=connected_video):
    """`relay(datagram, viewers)` is called with those who are active, in the order they came."""
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
                relay(ingest.recv(65535), [each for each in clients if each.state == "active"])
            else:
                key.data.serve(open_video)
            for client in [each for each in clients if each.state == "gone"]:
                clients.remove(client)
                selector.unregister(client.sock)
                client.sock.close()
