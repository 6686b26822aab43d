"""Calls that keep their thread waiting, and with it all who are served by it.

A look-up of a name is told of from whatever thread it is made, since a loop does well to leave
it to another. Other waits are told of only if the thread is the loop's: to wait is what other
threads are there for.
"""

import builtins
import os
import queue
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import wraps
from threading import get_ident
from typing import Any, Final, NamedTuple

from .record import Record
from .stand_ins import StandIn

__all__ = ["stand_ins"]

_LEAST: Final = 1_000_000
"""Nanoseconds; what is over sooner had not to be waited for."""


class _Wait(NamedTuple):
    """A function, of a module or a class, that waits."""

    owner: Any
    name: str
    about: Callable[..., str]
    """What it waits for, from the arguments that it is given; "" for what does not count."""
    is_lookup: bool = False

    @property
    def what(self) -> str:
        """
        >>> _Wait(time, "sleep", str).what, _Wait(threading.Thread, "join", repr).what
        ('time.sleep', 'threading.Thread.join')
        """
        if not isinstance(self.owner, type):
            return f"{self.owner.__name__}.{self.name}".removeprefix("builtins.")
        module = self.owner.__module__.removesuffix("._base")  # concurrent.futures._base
        return f"{module}.{self.owner.__name__}.{self.name}"


def _seconds(seconds: float) -> str:
    return f"{seconds:g}" if seconds > 0 else ""


def _host(host: Any, *arguments: Any, flags: int = 0, **others: Any) -> str:
    """The name that has to be looked up; "" if it is a number, or this machine."""
    flags = arguments[4] if len(arguments) > 4 else flags
    if host is None or flags & socket.AI_NUMERICHOST:
        return ""
    name = host if isinstance(host, str) else str(host, "utf-8", "replace")
    return "" if _is_numeric(name) else name


def _address(address: Any, flags: int = 0) -> str:
    return "" if flags & socket.NI_NUMERICHOST else str(address[0])


def _is_numeric(name: str) -> bool:
    with suppress(OSError):
        socket.inet_aton(name)
        return True
    with suppress(OSError):
        socket.inet_pton(socket.AF_INET6, name.partition("%")[0])
        return True
    return False


def _command(process: Any, *arguments: Any, **others: Any) -> str:
    return _shown(process.args)


def _shown(command: Any, *others: Any) -> str:
    return shlex.join(map(str, command)) if isinstance(command, list | tuple) else str(command)


def _thread(thread: threading.Thread, *arguments: Any, **others: Any) -> str:
    return thread.name


def _prompt(prompt: object = "") -> str:
    return str(prompt).strip() or "a line"


def _another_thread(*arguments: Any, **others: Any) -> str:
    return "another thread"


def _not_counted(*arguments: Any, **others: Any) -> str:
    return ""


_WAITS: Final = (
    _Wait(time, "sleep", _seconds),
    _Wait(socket, "getaddrinfo", _host, is_lookup=True),
    _Wait(socket, "gethostbyname", _host, is_lookup=True),
    _Wait(socket, "gethostbyname_ex", _host, is_lookup=True),
    _Wait(socket, "gethostbyaddr", str, is_lookup=True),
    _Wait(socket, "getnameinfo", _address, is_lookup=True),
    _Wait(subprocess.Popen, "wait", _command),
    _Wait(subprocess.Popen, "communicate", _command),
    _Wait(os, "system", _shown),
    _Wait(threading.Thread, "join", _thread),
    _Wait(threading.Thread, "start", _not_counted),  # until the thread runs: not for long
    _Wait(threading.Event, "wait", _another_thread),
    _Wait(threading.Condition, "wait", _another_thread),
    _Wait(queue.Queue, "get", _another_thread),
    _Wait(Future, "result", _another_thread),
    _Wait(builtins, "input", _prompt),
)


def stand_ins(record: Record) -> Iterator[StandIn]:
    """What takes the place of functions that wait."""
    within: set[int] = set()
    for wait in _WAITS:
        yield StandIn(wait.owner, wait.name, _told(record, wait, within))


def _told(record: Record, wait: _Wait, within: set[int]) -> Callable[..., Any]:
    """The function, which tells of its waits. `within` are the threads that are in one of them.

    Of functions that call each other only the one that the program has called is told of.
    """
    function, what = getattr(wait.owner, wait.name), wait.what

    @wraps(function)
    def waiting(*arguments: Any, **others: Any) -> Any:
        thread = get_ident()
        if thread in within or not (wait.is_lookup or thread == record.thread):
            return function(*arguments, **others)
        began = record.now()
        try:
            within.add(thread)
            return function(*arguments, **others)
        finally:
            within.discard(thread)
            about = ""
            with suppress(Exception):  # of arguments that don't suit, the function has said so
                about = wait.about(*arguments, **others)
            if about and (record.now() - began >= _LEAST or wait.is_lookup):
                record.blocked(what, about, began)

    return waiting
