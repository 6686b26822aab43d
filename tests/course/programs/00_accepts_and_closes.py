"""Hangs up on whoever comes.

python3 00_accepts_and_closes.py PORT
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
    client.close()


if __name__ == "__main__":
    main()
