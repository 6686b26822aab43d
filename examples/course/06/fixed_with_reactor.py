"""What fixed.py does, with the library: it has the queue, and says when enough waits in it.

python3 fixed_with_reactor.py PORT
"""

import sys

import reactor

WORDS = (b"CONECTAR", b"INTERRUMPIR", b"CONTINUAR", b"DESCONECTAR")
LIMIT = 256  # bytes of a line, without its end


def answer(line):
    words = line.split()
    if len(words) == 2 and words[0] == b"LISTA" and words[1].isdigit():
        return b"".join(b"cliente %06d\n" % n for n in range(int(words[1]))) + b"OK\n"
    return b"OK\n" if words and words[0] in WORDS else b"ERROR DESCONOCIDO\n"


class Client(reactor.StreamHandler):
    """One client's connection."""

    def connection_made(self, stream):
        self.stream = stream

    def data_received(self, buffer):
        try:
            while (line := buffer.take_line(limit=LIMIT)) is not None:
                has_room = self.stream.write(answer(line))
                if line.startswith(b"DESCONECTAR"):
                    self.stream.close()
                elif not has_room:  # who does not read is asked nothing more
                    self.stream.pause_reading()
                    return
        except reactor.LineTooLong:
            self.stream.write(b"ERROR LARGO\n")
            self.stream.close()

    def resume_writing(self):
        self.stream.resume_reading()


def main():
    with reactor.EventLoop() as loop:
        reactor.listen(loop, Client, "127.0.0.1", int(sys.argv[1]))
        loop.run()


if __name__ == "__main__":
    main()
