"""Bugs of `reactor/addresses.py`."""

from typing import Any

from reactor import Address, format_host, unmapped
from tests.museum.bug import Function, Patch, bug
from tests.museum.substitute import everywhere, offered


@bug(19, "a mapped IPv4 address is unmapped, but keeps what only IPv6 has")
def _(patch: Patch) -> None:
    @everywhere(patch, unmapped)
    def _(unmapped: Function, address: Address) -> Address:
        return (unmapped(address)[0], *address[1:])


@bug(19, "an IPv4 client of an IPv6 socket is another client")
def _(patch: Patch) -> None:
    @everywhere(patch, unmapped)
    def _(unmapped: Function, address: Address) -> Address:
        return address


@bug(19, "an IPv6 client is known by what would be its IPv4 address")
def _(patch: Patch) -> None:
    @everywhere(patch, unmapped)
    def _(unmapped: Function, address: Address) -> Address:
        return (str(address[0]).rpartition(":")[2], address[1])


@bug(39, "a name is looked up whether the loop runs or not")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("resolve"))
    def _(resolve: Function, *args: Any, numeric_only: bool) -> Any:
        return resolve(*args, numeric_only=False)


@bug(112, "of a host that has several addresses only the first is tried")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("resolve"))
    def _(resolve: Function, *args: Any, **options: Any) -> Any:
        return resolve(*args, **options)[:1]


@bug(166, "whom to listen to is compared as it was written")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("numeric_host"))
    def _(numeric_host: Function, text: str) -> str:
        return text


@bug(166, "an IPv4 sender to an IPv6 socket is somebody else")
def _(patch: Patch) -> None:
    @everywhere(patch, unmapped)
    def _(unmapped: Function, address: Address) -> Address:
        return address


@bug(204, "of several addresses the time-out tells of none")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("summary"))
    def _(summary: Function, errors: list[OSError]) -> OSError:
        return errors[0]


@bug(209, "an address is written without its scope")
def _(patch: Patch) -> None:
    @everywhere(patch, format_host)
    def _(format_host: Function, address: Address) -> str:
        return str(address[0])


@bug(209, "an address that has no scope is written with one")
def _(patch: Patch) -> None:
    @everywhere(patch, format_host)
    def _(format_host: Function, address: Address) -> str:
        return f"{address[0]}%{address[3]}" if len(address) > 3 else str(address[0])


@bug(209, "a scope that was written is not read")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("scope_id"))
    def _(scope_id: Function, host: Any) -> int:
        return 0


@bug(209, "a scope that no interface can have is found out by the system, in the loop")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("scope_id"))
    def _(scope_id: Function, host: Any) -> int:
        scope = host.scope_id or "0"
        return int(scope) if scope.isdecimal() else scope_id(host)


@bug(209, "a host to compare with is put into its usual form, but for the scope")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("numeric_host"))
    def _(numeric_host: Function, text: str) -> str:
        host: str = numeric_host(text)
        return host.partition("%")[0]


@bug(212, "a number that no interface can have is passed on to the system")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("scope_id"))
    def _(scope_id: Function, host: Any) -> int:
        scope = host.scope_id or "0"
        return int(scope) if scope.isdecimal() else scope_id(host)


@bug(217, "of a name only the first address is bound")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("resolve"))
    def _(resolve: Function, *args: Any, **options: Any) -> Any:
        return resolve(*args, **options)[:1]


@bug(217, "of several addresses that failed only one is named")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("summary"))
    def _(summary: Function, errors: list[OSError]) -> OSError:
        return errors[0]
