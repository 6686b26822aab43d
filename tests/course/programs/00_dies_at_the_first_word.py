"""Ends with whoever speaks first.

python3 00_dies_at_the_first_word.py PORT
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
            for line in lines:
                print("no such thing:", line)
                os._exit(3)
        except OSError:
            pass


if __name__ == "__main__":
    main()
