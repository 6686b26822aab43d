"""Seems right: a lease that is over closes the connection, and all else follows from that.

python3 broken_close_first.py PORT INGEST
"""

import sys

import reactor

LIMIT = 256  # bytes of a line
LEASE = 1.0  # seconds; whatever a client says renews it

TABLE = {  # (state, word) -> next state, answer
    ("new", "CONECTAR"): ("active", "OK"),
    ("new", "INTERRUMPIR"): ("new", "ERROR NO_CONECTADO"),
    ("new", "CONTINUAR"): ("new", "ERROR NO_CONECTADO"),
    ("new", "VIVO"): ("new", "OK"),
    ("new", "DESCONECTAR"): ("closed", "OK"),
    ("active", "CONECTAR"): ("active", "ERROR YA_CONECTADO"),
    ("active", "INTERRUMPIR"): ("paused", "OK"),
    ("active", "CONTINUAR"): ("active", "ERROR NO_INTERRUMPIDO"),
    ("active", "VIVO"): ("active", "OK"),
    ("active", "DESCONECTAR"): ("closed", "OK"),
    ("paused", "CONECTAR"): ("paused", "ERROR YA_CONECTADO"),
    ("paused", "INTERRUMPIR"): ("paused", "ERROR YA_INTERRUMPIDO"),
    ("paused", "CONTINUAR"): ("active", "OK"),
    ("paused", "VIVO"): ("paused", "OK"),
    ("paused", "DESCONECTAR"): ("closed", "OK"),
}

clients = set()


class Client(reactor.StreamHandler):
    def __init__(self, loop):
        self.loop, self.state, self.port = loop, "new", 0

    def connection_made(self, stream):
        self.stream = stream
        self.lease = self.loop.call_later(LEASE, self.leave)
        clients.add(self)

    def data_received(self, buffer):
        self.lease.cancel()
        self.lease = self.loop.call_later(LEASE, self.leave)
        while self.state != "closed" and (line := buffer.take_line(LIMIT)) is not None:
            self.stream.write(self.answer(line).encode() + b"\n")
        if self.state == "closed":
            self.leave()

    def leave(self):
        self.stream.close()  # connection_lost follows, and sees to the rest

    def answer(self, line):
        word, _, port = line.decode(errors="replace").strip().partition(" ")
        if word == "CONECTAR" and not is_port(port):
            return "ERROR PUERTO"
        if (self.state, word) not in TABLE:
            return "ERROR DESCONOCIDO"
        before = self.state
        self.state, text = TABLE[before, word]
        if before == "new" and self.state == "active":
            self.port = int(port)
        return text

    def connection_lost(self, exc):
        self.lease.cancel()
        clients.discard(self)


class Ingest(reactor.DatagramHandler):
    def datagrams_received(self, endpoint, batch):
        for client in clients:
            if client.state == "active":
                endpoint.send_batch(batch, ("127.0.0.1", client.port))


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


def main():
    port, ingest = map(int, sys.argv[1:3])
    with reactor.EventLoop() as loop:
        reactor.listen(loop, lambda: Client(loop), "127.0.0.1", port)
        reactor.bind_udp(loop, Ingest(), "127.0.0.1", ingest)
        loop.run()


if __name__ == "__main__":
    main()
