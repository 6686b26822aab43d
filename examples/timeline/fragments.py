"""A command is a line, whatever pieces it comes in: the loop waits for the rest of it.

python3 -m reactor.timeline -m examples.timeline.fragments 5000
"""

import sys

import reactor


class Commands(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        # What has no line end yet stays in the buffer, and this is called again with more.
        while (line := buffer.take_line(limit=100)) is not None:
            self.stream.write(b"OK\n")
            if line == b"DESCONECTAR":
                self.stream.close()


def main() -> None:
    with reactor.EventLoop() as loop:
        listener = reactor.listen(loop, Commands, "127.0.0.1", int(sys.argv[1]))
        print("listening on", reactor.format_address(listener.sockname), flush=True)
        loop.run()


if __name__ == "__main__":
    main()
