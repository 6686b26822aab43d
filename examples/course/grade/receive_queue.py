"""Whether a program has read what was sent to it, and sent what there is room for: Linux says so
in /proc/net.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["can_be_seen", "is_unread", "wait_until_read", "wait_until_stuck"]

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""A server that listens on IPv6 also, as those in Java do, has its connections in the second."""
_LOOK_AGAIN: Final = 0.0005
_APPEARS_WITHIN: Final = 0.03
_PATIENCE: Final = 1.0
_ELSEWHERE: Final = 0.03
_MOVES_WITHIN: Final = 0.2
_MOVES_WITHIN_AT_WORK: Final = 1.0
_FILLS_WITHIN: Final = 30.0


def can_be_seen() -> bool:
    """Whether this system tells what a program has read."""
    return _TABLES[0].exists()


def wait_until_read(server: int, client: int) -> None:
    """Wait until the connection from port `client` to port `server` of this machine has nothing
    unread at the server, or for a second. Where the system doesn't tell, for 30 ms.
    """
    if not can_be_seen():
        time.sleep(_ELSEWHERE)
        return
    started, was_there = time.monotonic(), False
    while time.monotonic() - started < (_PATIENCE if was_there else _APPEARS_WITHIN):
        queues = _queues(server, client)
        if queues and queues.unread == 0:
            return
        was_there |= queues is not None
        time.sleep(_LOOK_AGAIN)


def is_unread(server: int, client: int) -> bool:
    """Whether something lies at the server that was not read; False where this can't be seen."""
    queues = _queues(server, client)
    return queues is not None and queues.unread > 0


def wait_until_stuck(server: int, client: int, is_at_work: Callable[[], bool]) -> None:
    """Wait until the server has put nothing more into that connection for 0.2 s, or for 1 s if it
    is at work, or for half a minute: a peer who does not read leaves no room, but it may be filled
    slowly. Where the system doesn't tell, not at all.
    """
    before, since = -1, time.monotonic()
    deadline = since + _FILLS_WITHIN
    while (now := time.monotonic()) < deadline:
        queues = _queues(server, client)
        if queues is None:
            return
        if queues.unsent != before:
            before, since = queues.unsent, now
        elif now - since > (_MOVES_WITHIN_AT_WORK if is_at_work() else _MOVES_WITHIN):
            return
        time.sleep(_MOVES_WITHIN / 4)


class _Queues(NamedTuple):
    """Bytes of one end of a connection."""

    unsent: int  # and what was sent, and not taken
    unread: int


def _queues(server: int, client: int) -> _Queues | None:
    """Those of the server's end; None if there is no such connection.

    proc_pid_net(5): local address, remote one, state, tx_queue:rx_queue. On a machine that has
    seen a crowd there are thousands of rows.
    """
    row = re.compile(rf":{server:04X} \w+:{client:04X} \w+ (\w+):(\w+)")
    for table in _TABLES:
        if table.exists() and (found := row.search(table.read_text())):
            return _Queues(int(found[1], 16), int(found[2], 16))
    return None
