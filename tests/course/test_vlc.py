"""The end of the way: what VLC streams goes through the relay of chapter 11, and VLC plays it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from examples.course.grade.program import Program
from examples.course.grade.screen import Screen
from tests.doubles.program import ROOT
from tests.doubles.vlc import RTP, STANDARD, make_clip, needs_vlc, vlc

pytestmark = needs_vlc

_PATIENCE = 40.0


@pytest.fixture(params=["fixed.py", "fixed_with_reactor.py"])
def relay(request: pytest.FixtureRequest) -> Iterator[Program]:
    path = ROOT / "examples" / "course" / "11" / request.param
    program = Program([sys.executable, str(path)])
    yield program
    program.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that VLC may read and write: it refuses to be root."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def say(relay: Program, *commands: str) -> socket.socket:
    """A client whose commands have been answered OK."""
    connected: list[socket.socket] = []

    def connects() -> bool:
        try:
            connected.append(socket.create_connection(("127.0.0.1", relay.port), timeout=10))
        except ConnectionRefusedError:
            return False
        return True

    wait_until(connects)
    with connected[0].makefile("rw") as file:
        for command in commands:
            print(command, file=file, flush=True)
            assert file.readline() == "OK\n"
    return connected[0]


@pytest.mark.parametrize(("output", "scheme"), [(STANDARD, "udp"), (RTP, "rtp")], ids=["TS", "RTP"])
def test_vlc_plays_what_vlc_streams_through_the_relay_of_the_course(
    relay: Program, folder: Path, output: str, scheme: str
) -> None:
    clip, log = folder / "clip.ts", folder / "player.log"
    make_clip(clip)
    with ExitStack() as cleanup:
        screen = Screen()
        screen.close()  # VLC takes its port

        def run(process: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
            cleanup.callback(process.wait)
            cleanup.callback(process.kill)
            return process

        url = f"{scheme}://@127.0.0.1:{screen.port}"
        run(vlc(folder, "-vv", "--vout", "vdummy", "--aout", "adummy", url, log=log))
        cleanup.enter_context(say(relay, f"CONECTAR {screen.port}", "INTERRUMPIR", "CONTINUAR"))
        wait_until(lambda: f"`{scheme}://@127".encode() in log.read_bytes())
        run(vlc(folder, "-q", "--play-and-exit", str(clip), "--sout", output % relay.ingest))
        wait_until(lambda: b"Received first picture" in log.read_bytes())
