"""A row about link-local addresses, which say nothing without the interface that they are at.

The machine's own interfaces are left alone: what needs one runs in a network namespace that
ends with it. That takes root; it is skipped elsewhere, and fails there in CI.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from textwrap import dedent

import pytest

from reactor import format_address, format_host, parse_address
from reactor.addresses import numeric_host, resolve
from tests.doubles.faulty_socket import has_ipv6
from tests.museum.row import ROOT

# -- 209: a scope is lost between two spellings ----------------------------------------------

PEER = ("fe80::77", 5004, 0, 7)


def resolved(host: str, port: int) -> object:
    return resolve(socket, host, port, socket.SOCK_STREAM, numeric_only=True)[0][1]


def test_row_209_what_was_written_of_an_address_is_that_address() -> None:
    assert resolved(*parse_address(format_address(PEER))) == PEER


def test_row_209_what_was_written_of_a_host_is_that_host() -> None:
    assert resolved(format_host(PEER), 5004) == PEER


def test_row_209_an_address_without_a_scope_gets_none() -> None:
    assert format_host(("2001:db8::1", 80, 0, 0)) == "2001:db8::1"


@pytest.mark.parametrize("text", ["fe80::77%7", "FE80:0::77%7", "fe80::0:77%seven"])
def test_row_209_every_spelling_of_a_scope_is_one_host(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "if_nametoindex", {"seven": 7}.__getitem__)
    assert numeric_host(text) == format_host(PEER)


@pytest.mark.parametrize("scope", ["nothing", "4294967296", "9" * 5000])
def test_row_209_a_scope_that_is_none_is_an_error_that_names_it(scope: str) -> None:
    with pytest.raises(OSError, match=r"fe80::77%.*no such interface"):
        resolved(f"fe80::77%{scope}", 80)


# Two ends of a cable, and link-local addresses at one of them.
CABLE = (
    "ip link set lo up; ip link add d0 type veth peer name d1; "
    "ip link set d0 up; ip link set d1 up; ip addr add fe80::77/64 dev d0 nodad"
)
PRELUDE = """
import socket
from reactor import *
from reactor.relay import RelayClient, RelayServer
from reactor.testing import RecordingHandler, run_until
from tests.doubles.faulty_socket import udp_socket
from tests.doubles.mailbox import Mailbox

def hear(only_from):
    mailbox = Mailbox()
    endpoint = bind_udp(loop, mailbox, "fe80::77%d0", only_from=only_from)
    outlet = bind_udp(loop, Mailbox(), "fe80::77%d0")
    outlet.send(b"hello", endpoint.sockname)
    counters = endpoint.counters
    run_until(loop, lambda: counters.received + counters.rejected)
    return len(mailbox.datagrams)

with EventLoop() as loop:
    index = socket.if_nametoindex("d0")
"""
needs_namespace = pytest.mark.skipif(
    not (
        os.name == "posix"
        and os.geteuid() == 0
        and all(map(shutil.which, ["unshare", "ip"]))
        and has_ipv6()
    )
    and "CI" not in os.environ,
    reason="needs root, unshare, ip and IPv6",
)


@pytest.fixture
def in_namespace() -> Callable[[str], list[str]]:
    """Runs a program, after PRELUDE, where there is an interface `d0`; the words that it prints."""

    def run(program: str) -> list[str]:
        code = PRELUDE + "".join(f"    {line}\n" for line in dedent(program).splitlines())
        done = subprocess.run(
            [
                "unshare",
                "-n",
                "sh",
                "-c",
                f'{CABLE} && exec "$@"',
                "sh",
                sys.executable,
                "-c",
                code,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return run


Run = Callable[[str], list[str]]


@needs_namespace
@pytest.mark.parametrize("scope", ["d0", "{index}"])
def test_row_209_a_listener_is_reached_at_what_was_written_of_it(
    in_namespace: Run, scope: str
) -> None:
    assert in_namespace(f"""
        listener = listen(loop, RecordingHandler, f"fe80::77%{scope}")
        client = RecordingHandler()
        connect(loop, client, *parse_address(format_address(listener.sockname)))
        run_until(loop, lambda: client.events)
        print(client.events[0], client.stream.peername == listener.sockname)
    """) == ["connection_made", "True"]


@needs_namespace
def test_row_209_only_from_takes_the_neighbour_by_every_spelling(in_namespace: Run) -> None:
    assert in_namespace("""
        print(hear("fe80::77%d0"), hear(f"FE80::0:77%{index}"), hear("fe80::77"))
    """) == ["1", "1", "1"]


@needs_namespace
def test_row_209_only_from_refuses_the_namesake_at_another_interface(in_namespace: Run) -> None:
    assert in_namespace("""
        print(hear("fe80::77%d1"))
    """) == ["0"]


@needs_namespace
def test_row_209_a_viewer_sees_what_a_relay_at_a_link_local_address_sends(
    in_namespace: Run,
) -> None:
    assert in_namespace("""
        server = RelayServer(loop, ("fe80::77%d0", 0), ingest=("127.0.0.1", 0))
        told, player, source = [], udp_socket(), udp_socket()
        viewer = RelayClient(
            loop, ("fe80::77%d0", server.address[1]), player.getsockname(), report=told.append
        )
        viewer.connect()
        run_until(loop, lambda: len(told) == 2)
        source.sendto(b"video", server.ingest_address)
        run_until(loop, lambda: viewer.received.received + viewer.received.rejected)
        print(viewer.received.received, viewer.received.rejected)
        player.close()
        source.close()
    """) == ["1", "0"]
