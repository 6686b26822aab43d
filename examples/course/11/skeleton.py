"""Your turn: the commands are here, and the video comes in. It does not go out yet.

python3 skeleton.py PORT INGEST
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
                self.video.connect(("127.0.0.1", int(port)))
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
    print(len(datagram), "bytes of video, for nobody yet")
    # Your turn: send it to every client that is active. What can go wrong in one send, whose
    # trouble is it, and who has to get the datagram nevertheless?


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
