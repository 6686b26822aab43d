"""Bugs of `reactor/relay/protocol.py`."""

import re
from collections.abc import Callable

from reactor.relay import protocol
from reactor.relay.protocol import CommandParser
from tests.museum.bug import Function, Patch, bug, instead_of


def read_as(patch: Patch, meant: Callable[[bytes], bytes]) -> None:
    """Have what was said taken for what may have been meant."""

    @instead_of(patch, CommandParser, "receive_data")
    def _(receive_data: Function, parser: CommandParser, data: bytes) -> None:
        receive_data(parser, meant(bytes(data)))


def change_number(number: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Do that to the number in a command."""
    return lambda data: re.sub(rb"\d+", lambda found: number(found[0]), data)


@bug(35, "the bytes of a command that took too long are kept for the next")
def _(patch: Patch) -> None:
    @instead_of(patch, CommandParser, "take_incomplete")
    def _(take_incomplete: Function, parser: CommandParser) -> bytes:
        line: bytes = take_incomplete(parser)
        parser.receive_data(line)
        return line


@bug(37, "a sign is put up with")
def _(patch: Patch) -> None:
    read_as(patch, lambda data: re.sub(rb"[+-](?=\d)", b"", data))


@bug(37, "underscores are put up with")
def _(patch: Patch) -> None:
    read_as(patch, lambda data: data.replace(b"_", b""))


@bug(37, "the digits of every script are digits")
def _(patch: Patch) -> None:
    def digits(data: bytes) -> bytes:
        text = data.decode(errors="replace")
        return "".join(str(int(each)) if each.isdecimal() else each for each in text).encode()

    read_as(patch, digits)


@bug(37, "only the first word of the argument is looked at")
def _(patch: Patch) -> None:
    read_as(patch, lambda data: re.sub(rb"^(\w+ [^ \n]+)[^\n]*", rb"\1", data))


@bug(37, "the ports of the system's services are anybody's")
def _(patch: Patch) -> None:
    patch.setattr(protocol, "MIN_PORT", 1)


@bug(37, "the greatest port is off by one")
def _(patch: Patch) -> None:
    patch.setattr(protocol, "MAX_PORT", 65536)


@bug(37, "a number that is too great wraps around, as it does in C")
def _(patch: Patch) -> None:
    read_as(patch, change_number(lambda number: b"%d" % (int(number) & 0xFFFF)))


@bug(37, "of a number that is too long the first digits count")
def _(patch: Patch) -> None:
    read_as(patch, change_number(lambda number: number[:5]))


@bug(37, "brackets are taken off one by one, wherever they are")
def _(patch: Patch) -> None:
    read_as(patch, lambda data: data.replace(b"<", b"").replace(b">", b""))
