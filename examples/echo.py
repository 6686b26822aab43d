"""A server that says every line back: the smallest one that does everything right.

python3 -m examples.echo 127.0.0.1 7000
"""

import sys

import reactor
from examples import console


class Echo(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        try:
            while lines := buffer.take_lines(limit=1000):
                if not self.stream.write(b"\n".join(lines) + b"\n"):
                    # A peer that does not read its echoes is not read from either.
                    self.stream.pause_reading()
                    return
        except reactor.LineTooLong as exc:
            self.stream.write(f"{exc}\n".encode())
            self.stream.close()

    def resume_writing(self) -> None:
        self.stream.resume_reading()


def serve(arguments: list[str] | None) -> int:
    options = console.server_parser("echo", "Echo lines.").parse_args(arguments)
    with console.recording(options.trace), reactor.EventLoop() as loop:
        listener = reactor.listen(loop, Echo, options.host, options.port)
        with console.on_interrupt(loop, loop.stop):
            console.say(f"listening on {console.written(listener.socknames)}")
            loop.run()
    return 0


def main(arguments: list[str] | None = None) -> int:
    return console.run("echo", serve, arguments)


if __name__ == "__main__":
    sys.exit(main())
