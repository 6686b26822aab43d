"""The list of LISTA n: a short one, and one that no buffer holds, for chapters 2 and 6."""

from pathlib import Path
from typing import Final

from .client import LIMIT, Client, says
from .exam import Exam
from .transcript import shown

__all__ = [
    "ask_for_a_long_list",
    "ask_for_a_short_list",
    "expect_no_end_yet",
    "listing",
    "read_until_answered",
]

_SEND_BUFFERS: Final = Path("/proc/sys/net/ipv4/tcp_wmem")
"""tcp(7): the least, the first and the greatest size, in bytes."""
_ELSEWHERE: Final = 4 << 20
_TIMES: Final = 3
_FIRST: Final = b"cliente 000000"
_IS_MADE_WITHIN: Final = 5 * LIMIT
"""Seconds: a million lines take a slow language a while."""
_MOMENT: Final = 0.002


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


def ask_for_a_long_list(exam: Exam, reader: Client) -> int:
    """Ask for three times what the largest send buffer of this system holds, and see that it
    begins to come. Returns for how many lines. Raises Diagnosis, one of the E00s.
    """
    largest = _ELSEWHERE
    if _SEND_BUFFERS.exists():
        largest = int(_SEND_BUFFERS.read_text().split()[2])
    count = _TIMES * largest // (len(_FIRST) + 1) + exam.chance.randrange(1000)
    command = b"LISTA %d" % count
    reader.send(command + b"\n")
    if not reader.is_answered(_IS_MADE_WITHIN):
        raise reader.complaint(reader.hear(0), shown(command), shown(_FIRST))
    return count


def expect_no_end_yet(reader: Client, count: int) -> None:
    """Raises Diagnosis if the answer is over while nobody reads: fewer lines, or none at all."""
    *lines, last = reader.peek().split(b"\n")
    if lines and not last and (says(lines[-1], "OK") or says(lines[-1], "ERROR")):
        reader.read()
        expected = b"cliente %06d" % (len(lines) - 1)
        raise reader.complaint(lines[-1], f"LISTA {count}", shown(expected))


def read_until_answered(exam: Exam, reader: Client, other: Client) -> int:
    """The intervention: whoever waits for the reader has room now. Returns how many bytes it
    took until `other` was answered.
    """
    taken = 0
    while not other.is_answered(_MOMENT) and (data := reader.read()):
        taken += len(data)
    exam.transcript.did("reads_until", who=reader.name, whom=other.name)
    return taken
