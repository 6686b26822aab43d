"""What fixed.py does, with the library: it has the loop, the queues, and a lane for each viewer.

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
    """Copies what comes to the ingest to those who are active."""

    def __init__(self, way_out):
        self.way_out = way_out

    def datagrams_received(self, endpoint, batch):
        viewers = [client.address for client in clients if client.state == "active"]
        self.way_out.send_batch_to_all(batch, viewers)


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


class Client(reactor.StreamHandler):
    """One connection: its state, and where its viewer listens."""

    def __init__(self, way_out):
        self.way_out, self.state, self.address = way_out, "new", None

    def connection_made(self, stream):
        self.stream = stream
        clients.append(self)

    def data_received(self, buffer):
        try:
            while self.state != "closed" and (line := buffer.take_line(limit=LIMIT)) is not None:
                if not self.stream.write(self.answer(line).encode() + b"\n"):
                    self.stream.pause_reading()  # who has not read the answers asks nothing more
                    break
        except reactor.LineTooLong:
            self.state = "closed"
        if self.state == "closed":
            self.leave()

    def resume_writing(self):
        self.stream.resume_reading()

    def answer(self, line):
        word, _, port = line.decode(errors="replace").strip().partition(" ")
        if word == "CONECTAR" and not is_port(port):
            return "ERROR PUERTO"
        if (self.state, word) not in TABLE:
            return "ERROR DESCONOCIDO"
        if (self.state, word) == ("new", "CONECTAR"):
            address = HOST, int(port)
            if any(each.address == address for each in clients):
                return "ERROR PUERTO_OCUPADO"
            self.address = address
            self.way_out.open_lane(address)
        self.state, text = TABLE[self.state, word]
        return text

    def leave(self):
        self.state = "closed"
        if self.address:  # first: it is free for others, however long the close may take
            self.way_out.close_lane(self.address)
            self.address = None
        self.stream.close()

    def connection_lost(self, exc):
        self.leave()
        clients.remove(self)


def main():
    with reactor.EventLoop() as loop:
        way_out = reactor.bind_udp(loop, reactor.DatagramHandler(), HOST, receiving=False)
        reactor.listen(loop, lambda: Client(way_out), HOST, int(sys.argv[1]))
        reactor.bind_udp(loop, Video(way_out), HOST, int(sys.argv[2]))
        loop.run()


if __name__ == "__main__":
    main()
