"""Rows about the way to a viewer: links that are slow or small, and groups on the way in.

Each has networks of its own, see `tests.doubles.hosts`.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from reactor import EventLoop
from tests.doubles.controller import Controller
from tests.doubles.door import Door
from tests.doubles.faulty_socket import has_ipv6
from tests.doubles.hosts import Hosts, needs_firewall, needs_namespaces
from tests.doubles.player import Player
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import iterate_until, numbered, runs_and_singles
from tests.test_multicast import sender


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with Hosts() as made:
        yield made


def viewer_at(hosts: Hosts, relay: Studio, host: str, address: str) -> Player:
    """A client on another host that is active; the loop runs where it ran before."""
    with hosts.enter(host):
        client = Controller(relay.loop, relay.server.address)
        player = Player(relay.loop, address)
    relay.adopt(client.sock, player.sock)
    assert client.ask(b"CONECTAR %d" % player.port) == b"OK"
    return player


# -- 217: a group that nobody has joined -------------------------------------------------


@needs_namespaces
@pytest.mark.parametrize(
    ("group", "near", "far"),
    [("239.1.1.1", "10.77.0.1", "10.77.0.2"), ("ff15::1", "fd77::1", "fd77::2")],
    ids=["IPv4", "IPv6"],
)
def test_row_217_a_stream_to_a_group_is_relayed(
    loop: EventLoop, hosts: Hosts, group: str, near: str, far: str
) -> None:
    server, studio_host = hosts.make(), hosts.make()
    prefix = 64 if ":" in near else 24
    hosts.connect(server, f"{near}/{prefix}", studio_host, f"{far}/{prefix}")
    with hosts.enter(server), studio(loop, control=(near, 0), ingest=(group, 0)) as relay:
        player = viewer_at(hosts, relay, studio_host, far)
        with hosts.enter(studio_host), sender(far) as source:
            source.sendto(b"video", relay.server.ingest_address)
        assert player.wait_for(1) == [b"video"]


@pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
def test_row_217_a_stream_to_a_name_is_relayed_at_whichever_address_it_comes(
    loop: EventLoop, network: Door
) -> None:
    def look_up(host: str, port: int, **kwargs: object) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", port)),
        ]

    network.getaddrinfo = look_up
    with studio(loop, ingest=("localhost", 0)) as relay:
        _, player = relay.viewer()
        port = relay.server.ingest_address[1]
        for number, host in enumerate(("::1", "127.0.0.1")):
            source = relay.player(host)
            source.sock.sendto(host.encode(), (host, port))
            assert player.wait_for(number + 1)[number] == host.encode()


# -- 218: a slow link in the way of all --------------------------------------------------


@needs_namespaces
@runs_and_singles
def test_row_218_a_viewer_behind_a_slow_link_costs_a_fast_one_nothing(
    loop: EventLoop, hosts: Hosts, segmentation: bool
) -> None:
    server, fast, slow = hosts.make(), hosts.make(), hosts.make()
    hosts.connect(server, "10.80.1.1/24", fast, "10.80.1.2/24")
    link, _ = hosts.connect(server, "10.80.2.1/24", slow, "10.80.2.2/24")
    hosts.run(server, "ip", "addr", "add", "10.99.0.1/32", "dev", "lo")
    for host, gateway in ((fast, "10.80.1.1"), (slow, "10.80.2.1")):
        hosts.run(host, "ip", "route", "add", "default", "via", gateway)
    # As good as shut: what is sent stays in the queue of the link, and in the sender's account.
    slow_down = ["root", "tbf", "rate", "64kbit", "burst", "4kb", "limit", "64mb"]
    hosts.run(server, "tc", "qdisc", "add", "dev", link, *slow_down)
    options = {"control": ("10.99.0.1", 0), "ingest": ("10.99.0.1", 0)}
    with hosts.enter(server), studio(loop, segmentation=segmentation, **options) as relay:
        players = [
            viewer_at(hosts, relay, fast, "10.80.1.2"),
            viewer_at(hosts, relay, slow, "10.80.2.2"),
        ]
        sent = numbered(100)
        for number in range(1, 26):
            relay.stream(*sent)
            assert players[0].wait_for(100 * number) == sent * number
        counters = relay.server.counters
    assert counters.sent + counters.dropped == 2 * counters.received
    assert counters.dropped > 0  # or the slow link was never full


# -- 220: a link that is too small -------------------------------------------------------


@needs_firewall
@runs_and_singles
def test_row_220_datagrams_arrive_where_a_link_is_smaller_and_its_router_silent(
    loop: EventLoop, hosts: Hosts, segmentation: bool
) -> None:
    server, router, client = hosts.make(), hosts.make(), hosts.make()
    hosts.connect(server, "10.78.1.1/24", router, "10.78.1.2/24")
    ends = hosts.connect(router, "10.78.2.2/24", client, "10.78.2.1/24")
    for host, name in zip((router, client), ends, strict=True):
        hosts.run(host, "ip", "link", "set", name, "mtu", "1280")
    for host, gateway in ((server, "10.78.1.2"), (client, "10.78.2.2")):
        hosts.run(host, "ip", "route", "add", "default", "via", gateway)
    hosts.run(router, "sysctl", "-w", "net.ipv4.ip_forward=1")
    hosts.run(router, *["iptables", "-A", "OUTPUT", "-p", "icmp", "-j", "DROP"])
    options = {"control": ("10.78.1.1", 0), "ingest": ("10.78.1.1", 0)}
    with hosts.enter(server), studio(loop, segmentation=segmentation, **options) as relay:
        player = viewer_at(hosts, relay, client, "10.78.2.1")
        sent = numbered(20)
        relay.stream(*sent)
        iterate_until(loop, lambda: relay.server.counters.sent == 20)
        assert player.wait_for(20) == sent
