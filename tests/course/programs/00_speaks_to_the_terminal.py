"""Ends with a last line that would clear the screen.

python3 00_speaks_to_the_terminal.py PORT
"""

import os
import socket
import sys
import threading


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=[client], daemon=True).start()


def serve(client):
    with client, client.makefile("rb") as lines:
        try:
            for _ in lines:
                print("\x1b[2Jgone", end="", flush=True)
                os._exit(1)
        except OSError:
            pass


if __name__ == "__main__":
    main()
