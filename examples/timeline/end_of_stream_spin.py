"""A server by hand that looks right, until the first client leaves: then the fan is loud.

python3 -m reactor.timeline -m examples.timeline.end_of_stream_spin 5000
"""

import selectors
import socket
import sys


def main() -> None:
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, listener)
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is listener:
                client, _ = listener.accept()
                client.setblocking(False)
                selector.register(client, selectors.EVENT_READ, client)
            elif key.data.recv(4096):
                key.data.send(b"OK\n")
            # The bug: b"" is the end of the stream. A socket that has ended stays readable
            # until it is unregistered and closed, and nobody does that here.


if __name__ == "__main__":
    main()
