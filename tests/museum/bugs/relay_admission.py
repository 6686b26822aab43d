"""Bugs of `reactor/relay/admission.py`."""

import ipaddress
from collections.abc import Callable

from reactor import Address, unmapped
from reactor.relay.admission import Admission, household
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.substitute import everywhere


def call_otherwise(patch: Patch, name: Callable[[Function, Address], str]) -> None:
    """Have something else count as one host."""
    everywhere(patch, household)(name)


@bug(35, "the slow client is told, and keeps its place")
def _(patch: Patch) -> None:
    patch.setattr(Admission, "leave", lambda admission, client: None)


@bug(215, "each of its addresses is a host")
def _(patch: Patch) -> None:
    call_otherwise(patch, lambda household, address: str(unmapped(address)[0]))


@bug(215, "all who share a link are one host")
def _(patch: Patch) -> None:
    def name(household: Function, address: Address) -> str:
        link_local = ipaddress.ip_address(unmapped(address)[0]).is_link_local
        return "the link" if link_local else household(address)

    call_otherwise(patch, name)


@bug(215, "all IPv4 hosts that come to an IPv6 socket are one")
def _(patch: Patch) -> None:
    def name(household: Function, address: Address) -> str:
        return "::ffff:0:0/96" if unmapped(address) != address else household(address)

    call_otherwise(patch, name)


@bug(215, "a place is kept until whoever had it is asked to make room")
def _(patch: Patch) -> None:
    patch.setattr(Admission, "leave", lambda admission, client: None)


@bug(215, "who asks for a descriptor makes room for itself")
def _(patch: Patch) -> None:
    @instead_of(patch, Admission, "idlest")
    def _(
        idlest: Function, admission: object, host: object = None, *, but: object = None
    ) -> object:
        return idlest(admission, host)
