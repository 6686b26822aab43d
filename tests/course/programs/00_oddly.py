"""The relay, in an odd way of running it, all of which are right.

python3 00_oddly.py ODDITY PORT INGEST [FILE]
"""

import os
import runpy
import signal
import sys
import time


def late():
    time.sleep(3)


def loud(megabytes=32):
    for _ in range(megabytes):
        os.write(1, b"x" * (1 << 20))


def deafening():
    loud(1024)


def speechless():
    os.close(1)
    os.close(2)


def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def fertile():
    """A child in its group, and one that is nobody's child any more, in a session of its own."""
    if os.fork() == 0:
        survive()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            survive()
        os._exit(0)


def survive():
    stubborn()
    with open(sys.argv[4], "a") as pids:
        print(os.getpid(), file=pids)
    while True:
        time.sleep(60)


ODDITIES = {each.__name__: each for each in (late, loud, deafening, speechless, stubborn, fertile)}
ADDRESSES = {"everywhere": "0.0.0.0", "elsewhere": "::1"}


def main():
    oddity, port, ingest = sys.argv[1:4]
    ODDITIES.get(oddity, time.monotonic)()
    address = ADDRESSES.get(oddity, "127.0.0.1")
    sys.argv[1:] = [address, port, "--ingest", f"127.0.0.1:{ingest}"]
    runpy.run_module("examples.server", run_name="__main__")


if __name__ == "__main__":
    main()
