"""A chat room: what one says, all others read. Try it with several `nc 127.0.0.1 7001`.

python3 -m examples.chat 127.0.0.1 7001
"""

import sys

import reactor
from examples import console


class Guest(reactor.StreamHandler):
    def __init__(self, room: "set[Guest]") -> None:
        self.room = room

    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream
        self.name = reactor.format_address(stream.peername)
        self.room.add(self)
        self.tell_others(f"* {self.name} is here")

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        try:
            while (line := buffer.take_line(limit=1000)) is not None:
                # Nobody may move the cursor on somebody else's terminal.
                words = "".join(filter(str.isprintable, line.decode(errors="replace")))
                self.tell_others(f"{self.name}: {words}")
        except reactor.LineTooLong:
            self.stream.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.room.discard(self)
        self.tell_others(f"* {self.name} has left")

    def tell_others(self, text: str) -> None:
        for guest in self.room - {self}:
            if not guest.stream.closing and not guest.stream.write(text.encode() + b"\n"):
                guest.stream.abort()  # the room does not wait for one who does not read


def serve(arguments: list[str] | None) -> int:
    options = console.server_parser("chat", "A chat room.").parse_args(arguments)
    room: set[Guest] = set()
    with console.recording(options.trace), reactor.EventLoop() as loop:
        listener = reactor.listen(loop, lambda: Guest(room), options.host, options.port)
        with console.on_interrupt(loop, loop.stop):
            console.say(f"listening on {console.written(listener.socknames)}")
            loop.run()
    return 0


def main(arguments: list[str] | None = None) -> int:
    return console.run("chat", serve, arguments)


if __name__ == "__main__":
    sys.exit(main())
