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


def is_port(text):
    return text.isdecimal() and 1024 <= int(text) <= 65535


# region video
class Video(reactor.DatagramHandler):
    """Copies what comes to the ingest to those who are active."""

    def __init__(self, loop):
        self.viewers, self.active = set(), []
        self.way_out = reactor.bind_udp(loop, reactor.DatagramHandler(), HOST, receiving=False)

    def datagrams_received(self, endpoint, batch):
        self.way_out.send_batch_to_all(batch, self.active)


# endregion


class Client(reactor.StreamHandler):
    """One connection: its state, and where its viewer listens."""

    def __init__(self, video):
        self.video, self.state, self.address = video, "new", None

    def connection_made(self, stream):
        self.stream = stream

    def data_received(self, buffer):
        try:
            while self.state != "closed" and (line := buffer.take_line(limit=LIMIT)) is not None:
                if not self.stream.write(self.answer(line).encode() + b"\n"):
                    self.stream.pause_reading()  # who has not read the answers asks nothing more
                    break
        except reactor.LineTooLong:
            self.become("closed")
        if self.state == "closed":
            self.stream.close()

    def resume_writing(self):
        self.stream.resume_reading()

    def answer(self, line):
        word, _, port = line.decode(errors="replace").strip().partition(" ")
        if word == "CONECTAR" and not is_port(port):
            return "ERROR PUERTO"
        if (self.state, word) not in TABLE:
            return "ERROR DESCONOCIDO"
        if (self.state, word) == ("new", "CONECTAR"):
            if (HOST, int(port)) in self.video.viewers:
                return "ERROR PUERTO_OCUPADO"
            self.address = HOST, int(port)
            self.video.viewers.add(self.address)
            self.video.way_out.open_lane(self.address)
        state, text = TABLE[self.state, word]
        self.become(state)
        return text

    def become(self, state):
        if self.state == "active":
            self.video.active.remove(self.address)
        self.state = state
        if self.state == "active":
            self.video.active.append(self.address)
        if self.state == "closed" and self.address:  # free for others, however long we close
            self.video.viewers.remove(self.address)
            self.video.way_out.close_lane(self.address)
            self.address = None

    def connection_lost(self, exc):
        self.become("closed")


def main():
    with reactor.EventLoop() as loop:
        video = Video(loop)
        reactor.bind_udp(loop, video, HOST, int(sys.argv[2]))
        reactor.listen(loop, lambda: Client(video), HOST, int(sys.argv[1]))
        loop.run()


if __name__ == "__main__":
    main()
