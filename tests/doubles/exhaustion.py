"""The system's limit of descriptors, reached in earnest."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Nothing can be opened, unless something that is open now was closed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as undo:
        highest = max(int(number) for number in os.listdir("/dev/fd"))
        undo.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
        with suppress(OSError):
            while True:
                undo.callback(os.close, os.dup(0))
        yield
