"""No program without a fault is accused of anything, whatever its clients do.

The programs are those of examples/, and of good/ what stands on other loops.
"""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.synthetic import datagram
from reactor.timeline.findings import advice
from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.findings.losses import FORGOTTEN
from reactor.timeline.run.run import Run, read
from tests.doubles.program import Program

from .scene import Scene, ask, reset

Play = Callable[[Scene], None]


def findings(run: Run) -> list[str]:
    return [advice.sentence(finding, run) for finding in diagnose(run)]


def talks_and_leaves(client: socket.socket) -> None:
    for line in (b"hola\n", "¿qué tal?\n".encode(), b"chau\n"):
        assert ask(client, line) == line
    client.sendall(b"in the midst of a li")
    client.close()


def reads_late(client: socket.socket) -> None:
    """Send until all that lies between is full, then read."""
    patience, lines = client.gettimeout(), b"".join(b"%d\n" % n for n in range(100_000))
    sent = 0
    client.settimeout(0.2)
    try:
        while sent < 20_000_000:
            sent += client.send(lines)
    except TimeoutError:
        pass
    client.settimeout(patience)
    while sent > 0:
        data = client.recv(65536)
        assert data
        sent -= len(data)


def says_no_more(client: socket.socket) -> None:
    client.sendall(b"the last\n")
    client.shutdown(socket.SHUT_WR)
    received = b""
    while data := client.recv(65536):
        received += data
    assert received == b"the last\n"
    client.close()


def comes_and_goes(scene: Scene) -> None:
    for _ in range(5):
        client = scene.client()
        ask(client)
        client.close()
    for _ in range(3):
        reset(scene.client())


def all_that_clients_do(scene: Scene) -> None:
    stays = scene.client()
    talks_and_leaves(scene.client())
    reads_late(scene.client(room=4096))
    says_no_more(scene.client())
    comes_and_goes(scene)
    reset(scene.client())
    ask(stays)
    time.sleep(FORGOTTEN + 0.1)  # who would have to be closed by now has gone long ago
    ask(stays)


def chat(scene: Scene) -> None:
    first, second = scene.client(), scene.client()
    first.recv(1000)  # that the second is here
    for _ in range(3):
        first.sendall("¿empez".encode())
        first.sendall(b"amos?\n")
        second.recv(1000)
        second.sendall(b"vamos\n")
        first.recv(1000)
    second.close()
    reset(scene.client())
    time.sleep(FORGOTTEN + 0.1)
    first.recv(1000)  # that the second has left


def secret(scene: Scene) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(scene.client()) as client:
        for _ in range(100):
            assert ask(client) == b"hello\n"
        client.sendall(b"x" * 1_000_000)
        for _ in range(1_000_000):
            client.recv(1)
    reset(context.wrap_socket(scene.client()))
    scene.client().close()
    time.sleep(FORGOTTEN + 0.1)


def relay(scene: Scene) -> None:
    ingest = int(scene.program.wait_for(r"ingest on 127\.0\.0\.1:(\d+)")[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as viewer:
        viewer.bind(("127.0.0.1", 0))
        viewer.settimeout(20)
        client = scene.client()
        ask(client, b"CONECTAR %d\n" % viewer.getsockname()[1])
        for number in range(100):
            viewer.sendto(datagram(number), ("127.0.0.1", ingest))
            viewer.recv(2000)
        for command in (b"INTERRUMPIR\n", b"CONTINUAR\n", b"what?\n", b"DESCONECTAR\n"):
            ask(client, command)
    comes_and_goes_silently(scene)


def comes_and_goes_silently(scene: Scene) -> None:
    scene.client().close()
    reset(scene.client())
    time.sleep(FORGOTTEN + 0.1)


GOOD: dict[str, Play] = {
    "tests.timeline.good.asyncio_protocol": all_that_clients_do,
    "tests.timeline.good.asyncio_streams": all_that_clients_do,
    "tests.timeline.good.asyncio_sockets": all_that_clients_do,
    "tests.timeline.good.selectors_echo": all_that_clients_do,
    "tests.timeline.good.socketserver_echo": all_that_clients_do,
    "examples.echo": all_that_clients_do,
    "examples.chat": chat,
    "examples.server": relay,
}
QUICK = ["examples.chat"]
ARGUMENTS: dict[str, list[object]] = {
    "examples.echo": ["127.0.0.1", 0],
    "examples.chat": ["127.0.0.1", 0],
    "examples.server": ["127.0.0.1", 0, "--ingest=127.0.0.1:0"],
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else pytest.mark.thorough) for n in GOOD],
)
def test_a_program_without_a_fault_is_accused_of_nothing(name: str, tmp_path: Path) -> None:
    with Scene(tmp_path / "run.jsonl", name, *ARGUMENTS.get(name, [])) as scene:
        GOOD[name](scene)
        run = scene.run()
    assert run.is_whole, scene.program.err
    assert findings(run) == []
    assert len(run.turns) > 10


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """With its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    path = tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout - -out -"
    path.write_bytes(subprocess.run(command.split(), capture_output=True, check=True).stdout)
    return path


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["asyncio_tls", "selectors_tls"])
def test_what_tls_does_by_itself_is_nobodys_fault(
    name: str, certificate: Path, tmp_path: Path
) -> None:
    with Scene(tmp_path / "run.jsonl", f"tests.timeline.good.{name}", certificate) as scene:
        secret(scene)
        assert findings(scene.run()) == []


@pytest.mark.thorough
def test_a_client_of_the_relay_and_all_of_them_in_one_process_are_accused_of_nothing(
    tmp_path: Path,
) -> None:
    record = tmp_path / "run.jsonl"
    with Program("tests.timeline.recorded", record, "examples.demo", "--seconds", 2) as program:
        assert program.finish() == 0
    assert findings(read(record.read_bytes().splitlines())) == []
