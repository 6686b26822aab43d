"""An answer that is larger than the socket has room for: the rest waits in a queue.

python3 -m reactor.timeline -m examples.timeline.output_queue 5000
"""

import socket
import sys

import reactor

LIST = b"".join(b"cliente %06d\n" % number for number in range(24_000))


class Commands(reactor.StreamHandler):
    def connection_made(self, stream: reactor.Stream) -> None:
        self.stream = stream

    def data_received(self, buffer: reactor.ReceiveBuffer) -> None:
        while (line := buffer.take_line(limit=100)) is not None:
            # The loop waits for room in the socket only while something is left to be sent.
            self.stream.write(LIST if line == b"LISTA" else b"OK\n")


def main() -> None:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    # A small buffer, so that there is something to be seen; connections inherit it.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with reactor.EventLoop() as loop:
        print("listening on", reactor.format_address(listener.getsockname()), flush=True)
        reactor.listen(loop, Commands, sock=listener)
        loop.run()


if __name__ == "__main__":
    main()
