"""The same with the library: the table stays, the sockets go.

python3 fixed_with_reactor.py PORT INGEST
"""

import sys

import reactor

HOST = "127.0.0.1"
LIMIT = 256  # bytes of a line

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
    def connection_made(self, stream):
        self.stream, self.state, self.port = stream, "new", 0
        clients.append(self)

    def data_received(self, buffer):
        while self.state != "closed" and (line := buffer.take_line(limit=LIMIT)) is not None:
            self.stream.write(self.answer(line).encode() + b"\n")
        if self.state == "closed":
            self.stream.close()  # what was said arrives, then the end

    def answer(self, line):
        word, _, port = line.decode(errors="replace").strip().partition(" ")
        if word == "CONECTAR" and not is_port(port):
            return "ERROR PUERTO"
        if (self.state, word) not in TABLE:
            return "ERROR DESCONOCIDO"
        if (self.state, word) == ("new", "CONECTAR"):
            self.port = int(port)
        self.state, text = TABLE[self.state, word]
        return text

    def connection_lost(self, exc):
        clients.remove(self)


def main():
    with reactor.EventLoop() as loop:
        reactor.listen(loop, Client, HOST, int(sys.argv[1]))
        reactor.bind_udp(loop, Video(), HOST, int(sys.argv[2]))
        loop.run()


if __name__ == "__main__":
    main()
