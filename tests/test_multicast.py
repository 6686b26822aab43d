"""Groups are joined where they can be heard, and left with the socket."""

import errno
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reactor import DatagramEndpoint, EventLoop, bind_udp, bind_udp_all
from reactor.socket_options import join_group
from reactor.testing import run_until
from tests.doubles.descriptors import open_descriptors
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, has_ipv6
from tests.doubles.hosts import Hosts, needs_namespaces
from tests.doubles.mailbox import Mailbox

GROUP_4, GROUP_6 = "239.1.1.1", "ff15::1"


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with Hosts() as made:
        yield made


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def sender(host: str) -> socket.socket:
    """A socket that speaks to groups from this address."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    if ":" not in host:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host))
    return sock


BINDS: dict[str, Callable[..., DatagramEndpoint]] = {
    "bind_udp": bind_udp,
    "bind_udp_all": lambda *args: bind_udp_all(*args)[0],
}


@needs_namespaces
@pytest.mark.parametrize("bind", BINDS)
@pytest.mark.parametrize("route", [False, True])
@pytest.mark.parametrize(
    ("group", "near", "far"),
    [(GROUP_4, "10.77.0.1", "10.77.0.2"), (GROUP_6, "fd77::1", "fd77::2")],
    ids=["IPv4", "IPv6"],
)
def test_a_group_is_heard_with_a_route_and_without(
    loop: EventLoop,
    hosts: Hosts,
    mailbox: Mailbox,
    group: str,
    near: str,
    far: str,
    route: bool,
    bind: str,
) -> None:
    here, there = hosts.make(), hosts.make()
    prefix = 64 if ":" in near else 24
    name, _ = hosts.connect(here, f"{near}/{prefix}", there, f"{far}/{prefix}")
    if route and ":" not in group:
        hosts.run(here, "ip", "route", "add", "224.0.0.0/4", "dev", name)
    with hosts.enter(here):
        endpoint = BINDS[bind](loop, mailbox, group, 0)
    with hosts.enter(there), sender(far) as sock:
        sock.sendto(b"video", (group, endpoint.sockname[1]))
    run_until(loop, lambda: mailbox.datagrams)
    assert mailbox.datagrams == [b"video"]


@needs_namespaces
def test_a_group_is_left_when_the_endpoint_is_closed(
    loop: EventLoop, hosts: Hosts, mailbox: Mailbox
) -> None:
    here, there = hosts.make(), hosts.make()
    name, _ = hosts.connect(here, "10.77.0.1/24", there, "10.77.0.2/24")
    with hosts.enter(here):
        endpoint = bind_udp(loop, mailbox, GROUP_4)
    assert GROUP_4 in hosts.run(here, "ip", "maddr", "show", "dev", name)
    endpoint.close()
    assert GROUP_4 not in hosts.run(here, "ip", "maddr", "show", "dev", name)


@needs_namespaces
def test_a_scope_says_on_which_interface_a_group_is_joined(
    loop: EventLoop, hosts: Hosts, mailbox: Mailbox
) -> None:
    here, there = hosts.make(), hosts.make()
    hosts.connect(here, "fd77::1/64", there, "fd77::2/64")
    second, _ = hosts.connect(here, "fd78::1/64", there, "fd78::2/64")
    with hosts.enter(here):
        bind_udp(loop, mailbox, f"ff12::1%{second}")
    joined = hosts.run(here, "ip", "maddr", "show").split("\n")
    interface = ""
    for line in joined:
        interface = line if line[:1].isdigit() else interface
        if "ff12::1" in line.split():
            assert second in interface
            break
    else:
        pytest.fail("it was joined nowhere")


@pytest.mark.parametrize(
    ("family", "host"),
    [
        (socket.AF_INET, "127.0.0.1"),
        pytest.param(
            socket.AF_INET6, "::1", marks=pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
        ),
    ],
)
def test_what_is_no_group_is_not_joined(family: int, host: str) -> None:
    with FaultySocket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.script("setsockopt", [errno.ENODEV])
        join_group(sock)
        assert not sock.calls["setsockopt"]


def test_a_group_that_can_be_joined_nowhere_is_an_error_that_names_it(
    loop: EventLoop, network: Door, mailbox: Mailbox
) -> None:
    class Aloof(FaultySocket):
        def setsockopt(self, level: int, option: int, *value: Any) -> None:
            if option == socket.IP_ADD_MEMBERSHIP:
                raise OSError(errno.ENODEV, "no")
            super().setsockopt(level, option, *value)

    network.socket = Aloof
    before = open_descriptors()
    with pytest.raises(OSError, match=f"{GROUP_4}:[0-9]+: no") as caught:
        bind_udp(loop, mailbox, GROUP_4)
    assert caught.value.errno == errno.ENODEV
    assert open_descriptors() == before
