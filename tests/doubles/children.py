"""Forked children of a test, which do one thing and end."""

import os
import signal
from collections.abc import Callable

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork(2)")


def said_by_child(act: Callable[[], object]) -> str:
    """What `act` raises in a forked child, or else what it returns, as text."""
    reader, writer = os.pipe()

    def tell() -> None:
        try:
            said = repr(act())
        except BaseException as exc:
            said = f"{type(exc).__name__}: {exc}"
        os.write(writer, said.encode())

    pid = _fork(tell)
    os.close(writer)
    with open(reader, "rb") as pipe:
        try:
            return pipe.read().decode()
        finally:
            _end_of(pid)


def end_of_child(act: Callable[[], object]) -> int:
    """How a forked child ends that does `act`: 0, or -N if signal N has killed it."""
    return _end_of(_fork(act), patient=True)


def _fork(act: Callable[[], object]) -> int:
    pid = os.fork()
    if not pid:
        try:
            act()
        finally:
            os._exit(0)
    return pid


def _end_of(pid: int, *, patient: bool = False) -> int:
    try:
        if not patient:
            os.kill(pid, signal.SIGKILL)  # it has said all it had to say
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:  # a watchdog
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
