"""Bugs of `reactor/datagram_sender.py`."""

import errno
import ipaddress
import os
import socket
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, TypeAlias

from reactor import (
    Address,
    DatagramBatch,
    DatagramCounters,
    DatagramEndpoint,
    EventLoop,
)
from reactor.relay.fanout import FanOut
from tests.museum.bug import Function, Patch, at_sockets, bug, forget, instead_of
from tests.museum.substitute import error_unknown, home, mistake, offered
from tests.museum.witness import made

ROOM = home("DatagramSender")

Told: TypeAlias = tuple[DatagramEndpoint, Address]


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


@bug(14, "whoever comes behind a player that has gone gets nothing in that round")
def _(patch: Patch) -> None:
    refused: list[OSError] = []

    @at_sockets(patch, "send", by="reactor")
    def _(send: Function, sock: socket.socket, data: Any) -> Any:
        try:
            return len(data) if refused else send(sock, data)
        except ConnectionRefusedError as exc:
            refused.append(exc)
            raise

    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_batch_to_all: Function, *args: Any) -> Any:
        refused.clear()
        return send_batch_to_all(*args)


@bug(15, "an error on the way to one receiver ends the round of all")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_to_all: Function, endpoint: Any, batch: Any, addresses: list[Address]) -> Any:
        for address in addresses:
            dropped: dict[Address, int] = send_to_all(endpoint, batch, [address])
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


@bug(212, "what the system says of port 0 is raised at whoever sends there")
def _(patch: Patch) -> None:
    class Account(Counter[str]):
        def __setitem__(self, reason: str, count: int) -> None:
            if reason == "EINVAL" and count == 1:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            super().__setitem__(reason, count)

    count_otherwise(patch, Account)


@bug(212, "one impossible address among them, and nobody gets anything")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_to_all: Function, endpoint: Any, batch: Any, addresses: list[Address]) -> Any:
        try:
            for host, _ in addresses:
                ipaddress.ip_address(host)
        except (TypeError, ValueError):
            return {}
        return send_to_all(endpoint, batch, addresses)


# -- refusals of offload -----------------------------------------------------------------


def send_singly(patch: Patch, to: Callable[[list[Told], DatagramEndpoint, Address], bool]) -> None:
    """Have datagrams sent one by one where `to` says so of what handlers were told of."""
    told: list[Told] = []

    @instead_of(patch, FanOut, "segmentation_refused")
    def _(segmentation_refused: Function, *args: Any) -> None:
        told.append((args[1], args[3]))
        segmentation_refused(*args)

    @instead_of(patch, DatagramEndpoint, "send_batch_to_all")
    def _(send_to_all: Function, endpoint: Any, batch: Any, addresses: list[Address]) -> Any:
        held = [address for address in addresses if to(told, endpoint, address)]
        for address in held:
            for datagram in batch:
                endpoint.send(datagram, address)
        others = [address for address in addresses if address not in held]
        return send_to_all(endpoint, batch, others)


def tell_another_time(patch: Patch, time: Callable[[], float]) -> None:
    """Have who sends batches told another time than the loop's."""
    loops = made(patch, EventLoop)
    for name in ("send_batch", "send_batch_to_all"):

        @instead_of(patch, DatagramEndpoint, name)
        def _(send: Function, *args: Any) -> Any:
            with patch.context() as for_now:
                for_now.setattr(loops[-1], "time", time)
                return send(*args)


@bug(18, "a refusal is not remembered: each run is refused again")
def _(patch: Patch) -> None:
    minutes = count(step=61)
    tell_another_time(patch, lambda: next(minutes))


@bug(18, "the refusal of one way switches offload off for all")
def _(patch: Patch) -> None:
    send_singly(
        patch, lambda told, endpoint, address: any(endpoint is refused for refused, _ in told)
    )


@bug(219, "a refusal is for good")
def _(patch: Patch) -> None:
    tell_another_time(patch, lambda: 0.0)


@bug(219, "the next client at an address inherits the refusal of the last")
def _(patch: Patch) -> None:
    send_singly(patch, lambda told, endpoint, address: (endpoint, address) in told)


@bug(219, "each minute the same refusal is news")
def _(patch: Patch) -> None:
    before: dict[Address, float] = {}
    loops = made(patch, EventLoop)

    @instead_of(patch, DatagramEndpoint, "send_batch")
    def _(
        send_batch: Function, endpoint: DatagramEndpoint, batch: DatagramBatch, address: Address
    ) -> Any:
        now = loops[-1].time()
        if now - before.setdefault(address, now) >= 60:
            before[address] = now
            endpoint.close_lane(address)  # which forgets all that was known of the address
        return send_batch(endpoint, batch, address)


@bug(219, "each receiver is looked for among all who refused nothing")
def _(patch: Patch) -> None:
    @instead_of(patch, offered("DatagramSender"), "send_batch_to_all")
    def _(send_batch_to_all: Function, sender: Any, batch: Any, addresses: list[Address]) -> Any:
        places = [addresses.index(address) for address in addresses]
        return send_batch_to_all(sender, batch, [addresses[place] for place in places])
