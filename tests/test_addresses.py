"""Addresses come from people and from peers: what is no address is said, never guessed.
No test here asks a name server.
"""

import errno
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reactor import format_address, format_host, parse_address, unmapped
from reactor.addresses import AddressInfo, interlaced, named, numeric_host, resolve, summary

unhurried = settings(deadline=None)
ports = st.integers(0, 65535)
address_like = st.lists(
    st.sampled_from(["[", "]", ":", "::1", "127.0.0.1", "80", "65536", "host", "%", "²", " "]),
    max_size=6,
).map("".join)


# -- format and parse --------------------------------------------------------------------


@unhurried
@given(st.ip_addresses(), ports)
def test_an_address_that_is_written_is_read_back(
    host: IPv4Address | IPv6Address, port: int
) -> None:
    assert parse_address(format_address((str(host), port))) == (str(host), port)


@unhurried
@given(st.ip_addresses(v=6), ports, st.integers(0, 2**32 - 1))
@example(IPv6Address("fe80::1"), 80, 2)
def test_a_scope_is_written_and_read_back(host: IPv6Address, port: int, scope: int) -> None:
    address = unmapped((spelled(host), port, 0, scope))
    assert numeric(*parse_address(format_address(address)))[0][1] == address


@unhurried
@given(st.ip_addresses(v=6), st.integers(1, 2**32 - 1), st.data())
def test_a_host_is_one_in_every_spelling(
    host: IPv6Address, scope: int, data: st.DataObject
) -> None:
    written = data.draw(st.sampled_from([str(host), host.exploded, str(host).upper()]))
    assert numeric_host(written) == format_host(unmapped((spelled(host), 0, 0, 0)))
    assert numeric_host(f"{written}%{scope}") == format_host(unmapped((spelled(host), 0, 0, scope)))


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (("192.0.2.1", 80), "192.0.2.1:80"),
        (("::1", 80, 0, 0), "[::1]:80"),
        (("fe80::1", 80, 0, 2), "[fe80::1%2]:80"),
        (("fe80::1%eth0", 80), "[fe80::1%eth0]:80"),
        (("fe80::1%eth0", 80, 0, 2), "[fe80::1%eth0]:80"),
        ((2, 80), "2:80"),
        ("/run/relay.sock", "/run/relay.sock"),
        ("", "unnamed"),
        (None, "unnamed"),
    ],
)
def test_every_kind_of_address_can_be_written(
    address: tuple[object, ...] | str | None, text: str
) -> None:
    assert format_address(address) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1:0", ("192.0.2.1", 0)),
        ("relay.example:65535", ("relay.example", 65535)),
        ("relay.example:" + "0" * 5000 + "80", ("relay.example", 80)),
        ("[::1]:80", ("::1", 80)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
    ],
)
def test_host_and_port_are_read(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "80",
        ":80",
        "[]:80",
        "host",
        "host:",
        "host:http",
        "host:65536",
        "host:-1",
        "host:+1",
        "host:8_0",
        "host: 80",
        "host:٨٠",
        "[::1]",
        "[::1:80",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_address(text)


@pytest.mark.parametrize("port", ["9" * 5000, "0" * 5000 + "65536"])
def test_a_port_of_any_length_is_refused_in_our_own_words(port: str) -> None:
    with pytest.raises(ValueError, match="not an address of the form host:port"):
        parse_address(f"host:{port}")


def test_an_ipv6_address_without_brackets_is_told_how_to_write_it() -> None:
    with pytest.raises(ValueError, match=r"brackets: \[::1\]:80"):
        parse_address("::1:80")


@unhurried
@given(address_like | st.text(st.characters()))
@example("²:²")
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        host, port = parse_address(text)
    except ValueError:
        return
    assert host
    assert 0 <= port <= 65535


# -- unmapped ----------------------------------------------------------------------------


@unhurried
@given(st.ip_addresses(v=4), ports, st.sampled_from(["::ffff:", "::FFFF:"]))
def test_a_mapped_ipv4_peer_is_the_ipv4_peer(host: IPv4Address, port: int, prefix: str) -> None:
    assert unmapped((f"{prefix}{host}", port, 0, 0)) == (str(host), port)


@unhurried
@given(st.ip_addresses(), ports)
@example(IPv6Address("::ffff:1:2:3"), 80)
def test_every_other_peer_stays_what_it_is(host: IPv4Address | IPv6Address, port: int) -> None:
    if isinstance(host, IPv6Address) and host.ipv4_mapped is not None:
        return
    address = (str(host), port) if host.version == 4 else (str(host), port, 0, 0)
    assert unmapped(address) == address


def test_a_peer_of_another_family_may_have_a_number_for_a_host() -> None:
    # vsock(7): the number of a virtual machine, and a port
    assert unmapped((2, 1024)) == (2, 1024)


# -- numeric_host ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "relay.example", "127.1", "192.0.2.1:80", "[::1]", "::1%"])
def test_what_is_no_numeric_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a numeric host"):
        numeric_host(text)


# -- resolve -----------------------------------------------------------------------------


def spelled(host: IPv6Address) -> str:
    """As the system writes it."""
    return socket.inet_ntop(socket.AF_INET6, host.packed)


def numeric(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[object, ...]]]:
    return resolve(socket, host, port, socket.SOCK_STREAM, numeric_only=True)


def test_a_numeric_address_needs_no_look_up() -> None:
    assert numeric("192.0.2.1", 80) == [(socket.AF_INET, ("192.0.2.1", 80))]
    assert numeric("2001:db8::1", 80) == [(socket.AF_INET6, ("2001:db8::1", 80, 0, 0))]


def test_a_scope_is_a_number_or_the_name_of_an_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "if_nametoindex", {"eth7": 7}.__getitem__)
    expected = [(socket.AF_INET6, ("fe80::1", 80, 0, 7))]
    assert numeric("fe80::1%7", 80) == expected
    assert numeric("fe80::1%eth7", 80) == expected


@pytest.mark.parametrize(
    "scope", ["no such thing", "4294967296", "9" * 5000, "٢", "a\0b", "\udcff"]
)
def test_a_scope_that_is_no_interface_is_an_os_error_that_names_it(scope: str) -> None:
    with pytest.raises(OSError, match=r"fe80::1%.*: no such interface") as caught:
        numeric(f"fe80::1%{scope}", 80)
    assert caught.value.errno == errno.ENODEV


def test_a_mapped_address_is_the_ipv4_address() -> None:
    assert numeric("::FFFF:192.0.2.1", 80) == [(socket.AF_INET, ("192.0.2.1", 80))]


@pytest.mark.parametrize("host", [None, 2130706433, b"\x7f\0\0\x01"])
def test_what_is_no_text_is_no_host(host: object) -> None:
    with pytest.raises(TypeError, match="a host is a str"):
        numeric(host, 80)  # type: ignore[arg-type]


def test_a_name_is_not_looked_up_while_a_loop_runs() -> None:
    with pytest.raises(RuntimeError, match=r"relay\.example"):
        numeric("relay.example", 80)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=str(port)):
        numeric("192.0.2.1", port)


@pytest.mark.parametrize("port", [0, 65535])
def test_every_port_in_range_is_taken(port: int) -> None:
    assert numeric("192.0.2.1", port) == [(socket.AF_INET, ("192.0.2.1", port))]


def test_a_name_gives_all_its_addresses_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, *, type: int) -> list[tuple[object, ...]]:
        assert (host, port, type) == ("relay.example", 80, socket.SOCK_DGRAM)
        return [
            (socket.AF_INET6, type, 17, "", ("2001:db8::1", port, 0, 0)),
            (socket.AF_INET, type, 17, "", ("192.0.2.1", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert resolve(socket, "relay.example", 80, socket.SOCK_DGRAM, numeric_only=False) == [
        (socket.AF_INET6, ("2001:db8::1", 80, 0, 0)),
        (socket.AF_INET, ("192.0.2.1", 80)),
    ]


def test_an_address_that_is_named_twice_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [found, found])
    assert resolve(socket, "localhost", 80, socket.SOCK_STREAM, numeric_only=False) == [
        (socket.AF_INET, ("127.0.0.1", 80))
    ]


def test_an_unknown_name_is_an_os_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, *, type: int) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(OSError, match=r"relay\.example.*not known"):
        resolve(socket, "relay.example", 80, socket.SOCK_STREAM, numeric_only=False)


def test_a_name_that_can_not_be_one_is_an_os_error_that_names_it() -> None:
    name = "x" * 64
    with pytest.raises(OSError, match=f"{name}.*label"):
        resolve(socket, name, 80, socket.SOCK_STREAM, numeric_only=False)


# -- interlaced --------------------------------------------------------------------------

SIX, FOUR = socket.AF_INET6, socket.AF_INET
infos = st.lists(st.sampled_from([SIX, FOUR]), min_size=1, max_size=12).map(
    lambda families: [(family, ("host", place)) for place, family in enumerate(families)]
)


@unhurried
@given(infos)
def test_interlacing_loses_and_doubles_nothing(found: list[AddressInfo]) -> None:
    assert sorted(interlaced(found)) == sorted(found)


@unhurried
@given(infos)
def test_interlacing_leaves_the_first_the_first(found: list[AddressInfo]) -> None:
    assert interlaced(found)[0] == found[0]


@unhurried
@given(infos)
def test_interlacing_keeps_the_order_within_a_family(found: list[AddressInfo]) -> None:
    for family in (SIX, FOUR):
        of_family = [info for info in interlaced(found) if info[0] is family]
        assert of_family == [info for info in found if info[0] is family]


@unhurried
@given(infos)
def test_interlacing_has_no_neighbours_of_one_family_while_there_is_another(
    found: list[AddressInfo],
) -> None:
    order = [family for family, _ in interlaced(found)]
    for place in range(1, len(order)):
        if order[place] is order[place - 1]:
            assert len(set(order[place - 1 :])) == 1


# -- errors ------------------------------------------------------------------------------


def test_an_error_is_named_by_the_address_it_came_with() -> None:
    named_so = named(ConnectionRefusedError(errno.ECONNREFUSED, "no"), ("fe80::1", 80, 0, 2))
    assert isinstance(named_so, ConnectionRefusedError)
    assert named_so.strerror == "[fe80::1%2]:80: no"


def test_an_error_without_a_number_is_told_in_its_own_words() -> None:
    assert str(named(OSError("bad family"), ("::1", 80)).strerror) == "[::1]:80: bad family"


def test_one_error_has_the_words_of_all_and_the_number_that_says_most() -> None:
    absent = OSError(errno.ENETUNREACH, "no way")
    refused = OSError(errno.ECONNREFUSED, "refused")
    reset = OSError(errno.ECONNRESET, "reset")
    found = summary([absent, refused, reset])
    assert (found.errno, found.strerror) == (errno.ECONNREFUSED, "no way; refused; reset")


def test_if_nothing_else_is_known_the_lack_of_a_way_is_the_error() -> None:
    assert summary([OSError(errno.ENETUNREACH, "no way")]).errno == errno.ENETUNREACH
