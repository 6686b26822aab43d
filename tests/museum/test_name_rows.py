"""A row about names: whoever asks the DNS from a running loop makes everybody wait."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reactor import DatagramHandler, EventLoop, StreamHandler, bind_udp, connect, listen
from reactor.relay import RelayClient, RelayServer
from reactor.relay.events import ClientEvent, ClientLeft, Disconnected, Replied
from tests.doubles.door import Door
from tests.doubles.studio import Studio, studio
from tests.museum.scenes import iterate_until

# -- 39: names -------------------------------------------------------------------------------

RESOLVERS = [
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_ex",
    "gethostbyaddr",
    "getnameinfo",
    "getfqdn",
]


class NumericSocket(socket.socket):
    """A socket that writes down the names that it was given; the system would look them up."""

    names: list[object]

    def _check(self, address: Any) -> None:
        if address is None:  # it is connected
            return
        try:
            ipaddress.ip_address(address[0])
        except ValueError:
            self.names.append(address[0])

    def connect_ex(self, address: Any) -> int:
        self._check(address)
        return super().connect_ex(address)

    def bind(self, address: Any) -> None:
        self._check(address)
        super().bind(address)

    def sendto(self, data: Any, *arguments: Any) -> int:
        self._check(arguments[-1])
        return super().sendto(data, *arguments)

    def sendmsg(self, buffers: Any, *arguments: Any) -> int:
        self._check(arguments[-1])
        return super().sendmsg(buffers, *arguments)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch, network: Door) -> Iterator[list[object]]:
    """The names that were looked up while the loop of `named_relay` ran."""
    names: list[object] = []
    monkeypatch.setattr(NumericSocket, "names", names, raising=False)
    network.socket = NumericSocket
    yield names
    assert names == []


@pytest.fixture
def named_relay(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch, network: Door, looked_up: list[object]
) -> Iterator[Studio]:
    """A relay at a name, on a loop that must not look up any other."""

    def guard(resolver: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
            if loop.running:
                looked_up.append(host)
            return resolver(host, *arguments, **options)

        return guarded

    for name in RESOLVERS:
        monkeypatch.setattr(socket, name, guard(getattr(socket, name)))
    network.getaddrinfo = socket.getaddrinfo
    with studio(loop, control=("localhost", 0), ingest=("localhost", 0)) as relay:
        yield relay


@pytest.mark.parametrize("segmentation", [None, False])
def test_row_39_no_name_is_looked_up_while_a_relay_and_its_client_run(
    named_relay: Studio, looked_up: list[object], segmentation: bool | None
) -> None:
    relay = named_relay
    player = relay.player()
    events: list[ClientEvent] = []
    client = RelayClient(
        relay.loop,
        ("localhost", relay.server.address[1]),
        ("127.0.0.1", player.port),
        segmentation=segmentation,
        report=events.append,
    )
    for command in (client.connect, client.pause, client.resume):
        command()
    iterate_until(relay.loop, lambda: sum(isinstance(event, Replied) for event in events) == 3)
    relay.stream(b"one", b"two", b"two")
    assert player.wait_for(3) == [b"one", b"two", b"two"]
    client.disconnect()
    iterate_until(relay.loop, lambda: isinstance(events[-1], Disconnected))
    relay.server.close()
    iterate_until(relay.loop, lambda: isinstance(relay.events[-1], ClientLeft))
    assert looked_up == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda loop: connect(loop, StreamHandler(), "localhost", 9),
        lambda loop: listen(loop, StreamHandler, "localhost", 0),
        lambda loop: bind_udp(loop, DatagramHandler(), "localhost", 0),
        lambda loop: RelayClient(loop, ("localhost", 9), ("127.0.0.1", 9)),
        lambda loop: RelayServer(loop, ("127.0.0.1", 0), ingest=("localhost", 0)),
        lambda loop: RelayServer(loop, ("localhost", 0), ingest=("127.0.0.1", 0)),
    ],
    ids=["connect", "listen", "bind_udp", "client", "ingest", "control"],
)
def test_row_39_a_loop_that_runs_refuses_a_name_at_once(
    named_relay: Studio, looked_up: list[object], ask: Callable[[EventLoop], object]
) -> None:
    refusals: list[str] = []

    def try_it() -> None:
        try:
            ask(named_relay.loop)
        except RuntimeError as exc:
            refusals.append(str(exc))

    named_relay.loop.call_soon(try_it)
    named_relay.loop.run_once(0)
    assert refusals == ["'localhost' needs a look-up, which would block: do it before run()"]
    assert looked_up == []
