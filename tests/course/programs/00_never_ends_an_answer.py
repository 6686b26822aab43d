"""Answers, and forgets the line feed.

python3 00_never_ends_an_answer.py PORT
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
    with client, client.makefile("rb") as lines:
        try:
            for _ in lines:
                print("answered", flush=True)
                client.sendall(b"OK")
        except OSError:
            pass


if __name__ == "__main__":
    main()
