"""One callback that takes its time, and everybody else pays: find out who, and how much.

python3 -m reactor.timeline -m examples.timeline.slow_callback 5000
"""

import sys
import time

import reactor


class Commands(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        while (line := buffer.take_line(limit=100)) is not None:
            if line.startswith(b"CONECTAR"):
                ask_the_data_base()
            self.stream.write(b"OK\n")


def ask_the_data_base() -> None:
    # The bug: until this returns, the loop serves nobody.
    time.sleep(0.25)


def count_viewers() -> None:
    """What a server does now and then."""


def main() -> None:
    with reactor.EventLoop() as loop:
        listener = reactor.listen(loop, Commands, "127.0.0.1", int(sys.argv[1]))
        loop.call_every(0.1, count_viewers)
        print("listening on", reactor.format_address(listener.sockname), flush=True)
        loop.run()


if __name__ == "__main__":
    main()
