"""What fixed.py does, with the library: it has the loop, the lines, and the four answers.

python3 fixed_with_reactor.py PORT
"""

import sys

import reactor

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
LIMIT = 256  # bytes of a line, without its end


def answer(line):
    words = line.split()
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


class Client(reactor.StreamHandler):
    """One client's connection."""

    def connection_made(self, stream):
        self.stream = stream

    def data_received(self, buffer):
        try:
            while (line := buffer.take_line(limit=LIMIT)) is not None:
                self.stream.write(answer(line))
                if line.startswith(b"DESCONECTAR"):
                    self.stream.close()
        except reactor.LineTooLong:
            self.stream.write(b"ERROR LARGO\n")
            self.stream.close()


def main():
    with reactor.EventLoop() as loop:
        reactor.listen(loop, Client, "127.0.0.1", int(sys.argv[1]))
        loop.run()


if __name__ == "__main__":
    main()
