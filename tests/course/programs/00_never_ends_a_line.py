"""Sends for ever, and never the end of a line.

python3 00_never_ends_a_line.py PORT
"""

import socket
import sys
import threading


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=[client], daemon=True).start()


def serve(client):
    with client:
        try:
            while True:
                client.sendall(b"x" * 65536)
        except OSError:
            pass


if __name__ == "__main__":
    main()
