"""Seems right: a lease that is over closes the connection, and all else follows from that.

python3 broken_close_first.py PORT INGEST
"""

import sys

import reactor

HOST = "127.0.0.1"
LIMIT = 256  # bytes of a line
LEASE = 1.0  # seconds; whatever a client says renews it

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

clients = []


class Video(reactor.DatagramHandler):
    def datagrams_received(self, endpoint, batch):
        viewers = [(HOST, client.port) for client in clients if client.state == "active"]
        endpoint.send_batch_to_all(batch, viewers)


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


class Client(reactor.StreamHandler):
    def __init__(self, loop):
        self.loop, self.state, self.port = loop, "new", 0

    def connection_made(self, stream):
        self.stream = stream
        self.lease = self.loop.call_later(LEASE, self.leave)
        clients.append(self)

    def data_received(self, buffer):
        self.lease.cancel()
        self.lease = self.loop.call_later(LEASE, self.leave)
        while self.state != "closed" and (line := buffer.take_line(limit=LIMIT)) is not None:
            self.stream.write(self.answer(line).encode() + b"\n")
        if self.state == "closed":
            self.leave()

    def answer(self, line):
        word, _, port = line.decode(errors="replace").strip().partition(" ")
        if word == "CONECTAR" and not is_port(port):
            return "ERROR PUERTO"
        if word == "VIVO":
            return "OK"
        if (self.state, word) not in TABLE:
            return "ERROR DESCONOCIDO"
        if (self.state, word) == ("new", "CONECTAR"):
            self.port = int(port)
        self.state, text = TABLE[self.state, word]
        return text

    def leave(self):
        self.stream.close()  # connection_lost follows, and sees to the rest

    def connection_lost(self, exc):
        self.lease.cancel()
        clients.remove(self)


def main():
    with reactor.EventLoop() as loop:
        reactor.listen(loop, lambda: Client(loop), HOST, int(sys.argv[1]))
        reactor.bind_udp(loop, Video(), HOST, int(sys.argv[2]))
        loop.run()


if __name__ == "__main__":
    main()
