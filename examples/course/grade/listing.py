"""The list of LISTA n, as long as one likes: what chapters 2 and 6 ask for."""

from .client import Client
from .transcript import shown

__all__ = ["ask_for_a_short_list", "listing"]


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
