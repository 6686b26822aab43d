"""Has opened all that it may, so that nobody can come in.

python3 00_has_no_descriptor_left.py PORT
"""

import os
import resource
import socket
import sys
import time


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    try:
        while True:
            os.dup(1)
    except OSError:
        pass
    while True:
        try:
            listener.accept()
        except OSError as exc:
            print(exc)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
