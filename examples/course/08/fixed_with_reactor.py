"""The same with the library: it reads whole datagrams, in batches with a cap.

python3 fixed_with_reactor.py PORT INGEST
"""

import sys

import reactor

HOST = "127.0.0.1"
LIMIT = 256  # bytes of a line

viewers = {}  # client -> the address at which it wants its copy of the video


class Video(reactor.DatagramHandler):
    def datagrams_received(self, endpoint, batch):
        endpoint.send_batch_to_all(batch, list(viewers.values()))


class Client(reactor.StreamHandler):
    def connection_made(self, stream):
        self.stream = stream

    def data_received(self, buffer):
        try:
            while (line := buffer.take_line(limit=LIMIT)) is not None:
                self.answer(line.decode(errors="replace").split())
        except reactor.LineTooLong:
            self.stream.write(b"ERROR LARGO\n")
            self.stream.close()

    def answer(self, words):
        match words:
            case ["CONECTAR", port] if port.isdecimal() and 1024 <= int(port) <= 65535:
                viewers[self] = (HOST, int(port))
                self.stream.write(b"OK\n")
            case ["INTERRUMPIR"] | ["CONTINUAR"]:
                self.stream.write(b"OK\n")
            case ["DESCONECTAR"]:
                self.stream.write(b"OK\n")
                self.stream.close()
            case _:
                self.stream.write(b"ERROR DESCONOCIDO\n")

    def connection_lost(self, exc):
        viewers.pop(self, None)


def main():
    with reactor.EventLoop() as loop:
        reactor.listen(loop, Client, HOST, int(sys.argv[1]))
        reactor.bind_udp(loop, Video(), HOST, int(sys.argv[2]))
        loop.run()


if __name__ == "__main__":
    main()
