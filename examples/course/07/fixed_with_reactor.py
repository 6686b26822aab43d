"""The same with the library: its loop has the timers, and each connection its boundary.

python3 fixed_with_reactor.py PORT
"""

import sys

import reactor

LIMIT = 256  # bytes of a line


class Client(reactor.StreamHandler):
    def __init__(self, loop):
        self.loop, self.timer = loop, None  # a timer while it is asleep

    def connection_made(self, stream):
        self.stream = stream

    def data_received(self, buffer):
        try:
            while not self.timer and (line := buffer.take_line(limit=LIMIT)) is not None:
                self.answer(line.decode(errors="replace").split())
        except reactor.LineTooLong:
            self.stream.write(b"ERROR LARGO\n")
            self.stream.close()

    # region answer
    def answer(self, words):
        match words:
            case ["DORMIR", pause] if pause.isdecimal():
                self.timer = self.loop.call_later(int(pause) / 1000, self.wake)
                self.stream.pause_reading()  # its next line waits; nobody else's does
            case ["CONECTAR", _] | ["INTERRUMPIR"] | ["CONTINUAR"]:
                self.stream.write(b"OK\n")
            case ["DESCONECTAR"]:
                self.stream.write(b"OK\n")
                self.stream.close()
            case _:
                self.stream.write(b"ERROR DESCONOCIDO\n")

    def wake(self):
        self.timer = None
        self.stream.write(b"OK\n")
        self.stream.resume_reading()

    # endregion

    def connection_lost(self, exc):
        if self.timer:
            self.timer.cancel()


def main():
    with reactor.EventLoop() as loop:
        reactor.listen(loop, lambda: Client(loop), "127.0.0.1", int(sys.argv[1]))
        loop.run()


if __name__ == "__main__":
    main()
