"""Whether a program has read what was sent to it: Linux says so in /proc/net."""

import time
from pathlib import Path
from typing import Final

__all__ = ["wait_until_read"]

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""A server that listens on IPv6 also, as those in Java do, has its connections in the second."""
_LOOK_AGAIN: Final = 0.0005
_APPEARS_WITHIN: Final = 0.03
_PATIENCE: Final = 1.0
_ELSEWHERE: Final = 0.03


def wait_until_read(server: int, client: int) -> bool:
    """Wait until the connection from port `client` to port `server` of this machine has nothing
    unread at the server, or for a second. Where the system doesn't tell, for 30 ms.

    Returns whether it was seen to be read.
    """
    if not _TABLES[0].exists():
        time.sleep(_ELSEWHERE)
        return False
    started, was_there = time.monotonic(), False
    while time.monotonic() - started < (_PATIENCE if was_there else _APPEARS_WITHIN):
        unread = _unread(server, client)
        if unread == 0:
            return True
        was_there |= unread is not None
        time.sleep(_LOOK_AGAIN)
    return False


def _unread(server: int, client: int) -> int | None:
    """Bytes; None if there is no such connection.

    proc_pid_net(5): the second field is the local address, the third the remote one, the fifth
    tx_queue:rx_queue.
    """
    for table in _TABLES:
        if not table.exists():
            continue
        for row in map(str.split, table.read_text().splitlines()[1:]):
            if _port(row[1]) == server and _port(row[2]) == client:
                return int(row[4].partition(":")[2], 16)
    return None


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
