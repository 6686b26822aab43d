"""Bugs of `reactor/refusals.py`."""

from typing import Any

from reactor import Address
from reactor.refusals import Refusals
from tests.museum.bug import Function, Patch, bug, instead_of


@bug(18, "a refusal is not remembered: each run is refused again")
def _(patch: Patch) -> None:
    patch.setattr(Refusals, "hold", lambda refusals, address, size: False)


@bug(18, "the refusal of one way switches offload off for all")
def _(patch: Patch) -> None:
    patch.setattr(Refusals, "hold", lambda refusals, address, size: bool(refusals))


@bug(219, "a refusal is for good")
def _(patch: Patch) -> None:
    @instead_of(patch, Refusals, "__init__")
    def _(init: Function, refusals: Refusals, clock: Function) -> None:
        init(refusals, lambda: 0.0)


@bug(219, "a refusal holds for every size")
def _(patch: Patch) -> None:
    @instead_of(patch, Refusals, "hold")
    def _(hold: Function, refusals: Refusals, address: Address, size: int) -> Any:
        return hold(refusals, address, 65535)


@bug(219, "the size that was refused is not remembered, so all are")
def _(patch: Patch) -> None:
    @instead_of(patch, Refusals, "add")
    def _(add: Function, refusals: Refusals, address: Address, size: int) -> Any:
        return add(refusals, address, 1)


@bug(219, "the next client at an address inherits the refusal of the last")
def _(patch: Patch) -> None:
    patch.setattr(Refusals, "forget", lambda refusals, address: None)


@bug(219, "each minute the same refusal is news")
def _(patch: Patch) -> None:
    @instead_of(patch, Refusals, "add")
    def _(add: Function, *args: Any) -> bool:
        add(*args)
        return True


@bug(219, "a small size that was refused once is renewed by each larger one")
def _(patch: Patch) -> None:
    least: dict[Address, int] = {}

    @instead_of(patch, Refusals, "add")
    def _(add: Function, refusals: Refusals, address: Address, size: int) -> Any:
        least[address] = min(size, least.get(address, size))
        return add(refusals, address, least[address])


@bug(219, "of what is long over, every run asks again")
def _(patch: Patch) -> None:
    ever: list[Refusals] = []

    @instead_of(patch, Refusals, "add")
    def _(add: Function, refusals: Refusals, *args: Any) -> Any:
        ever.append(refusals)
        return add(refusals, *args)

    patch.setattr(Refusals, "__bool__", lambda refusals: any(each is refusals for each in ever))


@bug(219, "each receiver is looked for among all who refused nothing")
def _(patch: Patch) -> None:
    asked: list[Address] = []

    @instead_of(patch, Refusals, "hold")
    def _(hold: Function, refusals: Refusals, address: Address, size: int) -> Any:
        held = hold(refusals, address, size)
        if not held and address not in asked:
            asked.append(address)
        return held
