"""Bugs of `reactor/datagram_sender.py`."""

import errno
import ipaddress
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from reactor import Address, DatagramBatch, DatagramCounters, DatagramEndpoint
from tests.museum.bug import Function, Patch, bug, forget, instead_of
from tests.museum.substitute import error_unknown, home, mistake

ROOM = home("DatagramSender")


def count_otherwise(patch: Patch, account: type[Counter[str]]) -> None:
    """Have what was dropped written down in another account."""

    @instead_of(patch, DatagramCounters, "__init__")
    def _(init: Function, counters: DatagramCounters, *args: Any, **options: Any) -> None:
        init(counters, *args, **options)
        counters.dropped = account()


@bug(13, "an error that stays is raised at whoever sends a datagram")
def _(patch: Patch) -> None:
    mistake(patch, ROOM, "OSError", BlockingIOError)


@bug(14, "an error is always taken for one of this datagram")
def _(patch: Patch) -> None:
    forget(patch, ROOM, "ConnectionError")


@bug(14, "only a refused connection is known to be about an earlier datagram")
def _(patch: Patch) -> None:
    mistake(patch, ROOM, "ConnectionError", ConnectionRefusedError)


@bug(14, "an unreachable host is taken for a fault of whoever is sent to next")
def _(patch: Patch) -> None:
    error_unknown(patch, ROOM.__name__, "EHOSTUNREACH", "ENETUNREACH")


@bug(15, "an error on the way to one receiver ends the round of all")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(
        send_batch_to_all: Function,
        endpoint: DatagramEndpoint,
        batch: DatagramBatch,
        addresses: Sequence[Address],
    ) -> dict[Address, int]:
        for address in addresses:
            dropped: dict[Address, int] = send_batch_to_all(endpoint, batch, [address])
            if dropped:
                return dropped
        return {}


@bug(15, "a firewall's refusal is raised at whoever sends")
def _(patch: Patch) -> None:
    class Account(Counter[str]):
        def __setitem__(self, reason: str, count: int) -> None:
            if reason == "EPERM":
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            super().__setitem__(reason, count)

    count_otherwise(patch, Account)


@bug(15, "a run that was dropped is counted as one datagram")
def _(patch: Patch) -> None:
    class Account(Counter[str]):
        def __setitem__(self, reason: str, count: int) -> None:
            super().__setitem__(reason, self[reason] + 1)

    count_otherwise(patch, Account)


@bug(15, "after a full queue the sender waits for a sign that never comes")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send")
    def _(send: Function, endpoint: DatagramEndpoint, *args: Any) -> Any:
        return endpoint.counters.dropped["ENOBUFS"] == 0 and send(endpoint, *args)


@bug(212, "an address that is no address at all ends the round of all")
def _(patch: Patch) -> None:
    forget(patch, ROOM, "TypeError")


@bug(212, "what was meant for an impossible address is in no account")
def _(patch: Patch) -> None:
    class Account(Counter[str]):
        def __setitem__(self, reason: str, count: int) -> None:
            if reason != "EINVAL":
                super().__setitem__(reason, count)

    count_otherwise(patch, Account)


@bug(212, "one impossible address among them, and nobody gets anything")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(
        send_batch_to_all: Function,
        endpoint: DatagramEndpoint,
        batch: DatagramBatch,
        addresses: Sequence[Address],
    ) -> Any:
        try:
            for host, _ in addresses:
                ipaddress.ip_address(host)
        except (TypeError, ValueError):
            return {}
        return send_batch_to_all(endpoint, batch, addresses)
