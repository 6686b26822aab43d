"""A busy machine: processes that keep one processor, which is all that this one then has, too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["PROCESSORS", "crowded"]

_HOG = """
import os, sys, threading

def end_with_who_started_me():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end_with_who_started_me).start()
while True:
    pass
"""

PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


@contextmanager
def crowded(processor: int, count: int = 5) -> Iterator[None]:
    """This thread and what it starts have to share one processor with so many others."""
    with ExitStack() as stack:
        if hasattr(os, "sched_setaffinity"):
            stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
            os.sched_setaffinity(0, {processor})
        for _ in range(count):
            hog = subprocess.Popen([sys.executable, "-c", _HOG], stdin=subprocess.PIPE)
            stack.enter_context(hog)
            stack.callback(hog.kill)
        yield
