"""The list of LISTA n, as long as one likes: what chapters 2 and 6 ask for."""

from pathlib import Path
from random import Random
from typing import Final

from .client import Client
from .transcript import shown

__all__ = ["ask_for_a_short_list", "lines_for_any_buffer", "listing"]

_SEND_BUFFERS: Final = Path("/proc/sys/net/ipv4/tcp_wmem")
"""tcp(7): the least, the first and the greatest size, in bytes."""
_ELSEWHERE: Final = 4 << 20
_TIMES: Final = 3
_LINE: Final = len(b"cliente 000000\n")


def lines_for_any_buffer(chance: Random) -> int:
    """So many that the list is three times what the largest send buffer of this system holds."""
    largest = _ELSEWHERE
    if _SEND_BUFFERS.exists():
        largest = int(_SEND_BUFFERS.read_text().split()[2])
    return _TIMES * largest // _LINE + chance.randrange(1000)


def listing(count: int) -> bytes:
    r"""What `LISTA count` is answered.

    >>> listing(2)
    b'cliente 000000\ncliente 000001\nOK\n'
    """
    return b"".join(b"cliente %06d\n" % number for number in range(count)) + b"OK\n"


def ask_for_a_short_list(client: Client, count: int = 3) -> None:
    """The control: whoever can't make a short list has another trouble than a long one's.

    Raises Diagnosis, one of the E00s.
    """
    command = b"LISTA %d" % count
    client.send(command + b"\n")
    for expected in listing(count).splitlines():
        answer = client.hear()
        if answer != expected:
            raise client.complaint(answer, shown(command), shown(expected))
