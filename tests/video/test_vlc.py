"""The real thing: VLC streams a clip through the relay, and other VLCs could watch it.

What comes out at the players' ports must be, byte for byte, what VLC sent. These tests
skip on a machine without VLC or ffmpeg, and fail there in CI.
"""

import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import reactor
from reactor.testing import run_until
from tests.doubles.program import Program
from tests.doubles.vlc import RTP, RTP_HEADER, STANDARD, decode, make_clip, needs_vlc, vlc

pytestmark = needs_vlc


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that VLC may read and write: it refuses to be root."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    path = folder / "clip.ts"
    make_clip(path)
    return path


class Port(reactor.DatagramHandler):
    """A UDP port that keeps what arrives and, if told so, sends it on."""

    def __init__(self, loop: reactor.EventLoop) -> None:
        self._endpoint = reactor.bind_udp(loop, self, "127.0.0.1", 0)
        self.number: int = self._endpoint.sockname[1]
        self.datagrams: list[bytes] = []
        self.forward_to: reactor.Address | None = None

    def datagrams_received(
        self, endpoint: reactor.DatagramEndpoint, batch: reactor.DatagramBatch
    ) -> None:
        self.datagrams += map(bytes, batch)
        if self.forward_to is not None:
            assert endpoint.send_batch(batch, self.forward_to) == len(batch)


@dataclass
class House:
    """A relay with its programs running, VLC about to stream, and a tap on what VLC sends."""

    loop: reactor.EventLoop
    folder: Path
    clip: Path
    tap: Port
    server: Program
    control_port: int
    cleanup: ExitStack

    def client(self, player_port: int, *options: str) -> Program:
        program = Program("examples.client", "127.0.0.1", self.control_port, player_port, *options)
        return self.cleanup.enter_context(program)

    def stream(self, output: str) -> subprocess.Popen[bytes]:
        sender = vlc(
            self.folder, "-q", "--play-and-exit", str(self.clip), "--sout", output % self.tap.number
        )
        self.cleanup.callback(sender.wait)
        self.cleanup.callback(sender.kill)
        return sender

    def run_until(self, condition: Callable[[], object]) -> None:
        run_until(self.loop, condition, timeout=40)

    def run_to_the_end(self, sender: subprocess.Popen[bytes], *ports: Port) -> None:
        """Until VLC has ended and every port has got as much as the first of them."""
        self.run_until(lambda: sender.poll() is not None)
        assert sender.returncode == 0
        self.run_until(lambda: all(len(p.datagrams) == len(ports[0].datagrams) for p in ports))


@pytest.fixture
def house(folder: Path, clip: Path) -> Iterator[House]:
    with ExitStack() as cleanup:
        loop = cleanup.enter_context(reactor.EventLoop())
        tap = Port(loop)
        server = cleanup.enter_context(
            Program("examples.server", "127.0.0.1", 0, "--ingest", "127.0.0.1:0")
        )
        found = server.wait_for(r"listening on 127\.0\.0\.1:(\d+), ingest on 127\.0\.0\.1:(\d+)")
        tap.forward_to = ("127.0.0.1", int(found[2]))
        yield House(loop, folder, clip, tap, server, int(found[1]), cleanup)


@pytest.mark.parametrize(
    ("output", "size", "header"),
    [(STANDARD, 1316, 0), (RTP, 1328, RTP_HEADER)],
    ids=["raw TS", "RTP"],
)
def test_what_vlc_sends_arrives_at_both_players_and_decodes(
    house: House, output: str, size: int, header: int
) -> None:
    players = [Port(house.loop), Port(house.loop)]
    for player in players:
        house.client(player.number, "--watch").wait_for(r"\nOK\n")
    house.run_to_the_end(house.stream(output), house.tap, *players)
    sent = house.tap.datagrams
    assert {len(datagram) for datagram in sent[:-1]} == {size}
    assert players[0].datagrams == sent
    assert players[1].datagrams == sent
    complaints, pictures = decode(house.folder, players[0].datagrams, header)
    assert complaints == ""
    assert pictures > 25


def test_a_paused_client_gets_nothing_and_a_resumed_one_goes_on(house: House) -> None:
    steady, pausing = Port(house.loop), Port(house.loop)
    house.client(steady.number, "--watch").wait_for(r"\nOK\n")
    client = house.client(pausing.number)
    client.say("CONECTAR")
    client.wait_for(r"\nOK\n")
    sender = house.stream(STANDARD)
    house.run_until(lambda: len(pausing.datagrams) > 100)
    client.say("INTERRUMPIR")
    client.wait_for(r"(\nOK){2}\n")
    # What left the relay before the reply may still be on its way; it comes with the next.
    house.run_until(lambda: len(steady.datagrams) >= len(house.tap.datagrams))
    before = len(pausing.datagrams)
    watched = len(steady.datagrams)
    house.run_until(lambda: len(steady.datagrams) > watched + 100)
    assert len(pausing.datagrams) == before
    client.say("CONTINUAR")
    client.wait_for(r"(\nOK){3}\n")
    house.run_until(lambda: len(pausing.datagrams) > before + 100)
    house.run_until(lambda: sender.poll() is not None)
    house.run_until(lambda: len(steady.datagrams) == len(house.tap.datagrams))
    sent = house.tap.datagrams
    house.run_until(lambda: pausing.datagrams[-1] == sent[-1])
    after = len(pausing.datagrams) - before
    assert pausing.datagrams == sent[:before] + sent[-after:]


def test_a_vlc_player_opens_what_the_client_hands_it(house: House) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = house.folder / "player.log"
    url = f"udp://@127.0.0.1:{port}"
    player = vlc(house.folder, "-vv", "--vout", "vdummy", "--aout", "adummy", url, log=log)
    house.cleanup.callback(player.wait)
    house.cleanup.callback(player.kill)
    house.client(port, "--watch").wait_for(r"\nOK\n")
    house.run_until(lambda: b"`udp://@127" in log.read_bytes())
    house.stream(STANDARD)
    house.run_until(lambda: b"Received first picture" in log.read_bytes())
