"""Each program with a fault is accused of that, and of nothing else.

The programs are in planted/; here is what their clients do, and what is found then.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reactor.timeline.findings.diagnosis import diagnose
from reactor.timeline.findings.finding import Id
from reactor.timeline.findings.losses import FORGOTTEN

from .scene import Scene, ask

PROGRAMS = Path(__file__).parent / "planted"


def comes(scene: Scene) -> None:
    scene.client()
    scene.let_it_work()


def says_hello(scene: Scene) -> None:
    scene.client().sendall(b"hello\n")
    scene.let_it_work()


def leaves(scene: Scene) -> None:
    client = scene.client()
    ask(client)
    client.close()
    scene.let_it_work()


def is_one_too_many(scene: Scene) -> None:
    most = scene.descriptors() + 1
    resource.prlimit(scene.program.process.pid, resource.RLIMIT_NOFILE, (most, most))
    for _ in range(3):
        scene.client()
    scene.let_it_work()


def naps(scene: Scene) -> None:
    scene.client()
    scene.let_it_sleep(150)


def asks(scene: Scene) -> None:
    client = scene.client()
    ask(client)
    ask(client)


def takes_his_time(scene: Scene) -> None:
    client = scene.client()
    for piece in (b"h", b"e", b"l"):
        client.sendall(piece)
        time.sleep(0.3)
    ask(client, b"lo\n")


def leaves_long_ago(scene: Scene) -> None:
    first, second = scene.client(), scene.client()
    ask(first)
    first.close()
    ask(second)
    ask(second)
    time.sleep(FORGOTTEN + 0.1)
    ask(second)


def come_one_by_one(scene: Scene) -> None:
    for _ in range(3):
        scene.client().recv(1)


def wants_a_list(scene: Scene) -> None:
    client = scene.client(room=4096)
    ask(client, b"list\n")
    ask(scene.client())


def does_not_read(scene: Scene) -> None:
    ask(scene.client(room=4096), b"list\n")
    time.sleep(0.3)


PLANTED: dict[str, tuple[Callable[[Scene], None], set[Id]]] = {
    "selectors_end_of_stream": (leaves, {Id.SPIN_END_OF_STREAM}),
    "reactor_end_of_stream": (leaves, {Id.SPIN_END_OF_STREAM}),
    "asyncio_end_of_stream": (leaves, {Id.SPIN_END_OF_STREAM}),
    "selectors_write_interest": (comes, {Id.SPIN_WRITE_INTEREST}),
    "reactor_write_interest": (comes, {Id.SPIN_WRITE_INTEREST}),
    "asyncio_write_interest": (comes, {Id.SPIN_WRITE_INTEREST}),
    "selectors_unserved": (says_hello, {Id.SPIN_UNSERVED}),
    "reactor_unserved": (says_hello, {Id.SPIN_UNSERVED}),
    "asyncio_unserved": (comes, {Id.SPIN_UNSERVED}),
    "selectors_accept": (is_one_too_many, {Id.SPIN_ACCEPT}),
    "reactor_accept": (is_one_too_many, {Id.SPIN_ACCEPT}),
    "asyncio_accept": (is_one_too_many, {Id.SPIN_ACCEPT}),
    "sockets_poll": (comes, {Id.BUSY_POLL}),
    "sockets_nap": (naps, {Id.BUSY_POLL}),
    "selectors_poll": (comes, {Id.BUSY_POLL}),
    "selectors_nap": (naps, {Id.BUSY_POLL}),
    "selectors_retry": (comes, {Id.BUSY_POLL}),
    "reactor_poll": (comes, {Id.BUSY_POLL}),
    "asyncio_poll": (comes, {Id.BUSY_POLL}),
    "selectors_slow": (asks, {Id.SLOW_CALLBACK}),
    "reactor_slow": (asks, {Id.SLOW_CALLBACK, Id.LATE_TIMER}),
    "asyncio_slow": (asks, {Id.SLOW_CALLBACK, Id.LATE_TIMER}),
    "selectors_sleep": (asks, {Id.BLOCKING_CALL}),
    "selectors_blocking": (takes_his_time, {Id.BLOCKING_CALL}),
    "selectors_stuck": (does_not_read, {Id.BLOCKING_CALL}),
    "reactor_sleep": (asks, {Id.BLOCKING_CALL}),
    "reactor_lookup": (asks, {Id.BLOCKING_CALL}),
    "asyncio_sleep": (asks, {Id.BLOCKING_CALL}),
    "asyncio_lookup": (asks, {Id.BLOCKING_CALL}),
    "selectors_leak": (leaves_long_ago, {Id.DESCRIPTOR_LEAK}),
    "selectors_forgotten": (come_one_by_one, {Id.DESCRIPTOR_LEAK}),
    "reactor_leak": (leaves_long_ago, {Id.DESCRIPTOR_LEAK}),
    "asyncio_leak": (leaves_long_ago, {Id.DESCRIPTOR_LEAK}),
    "selectors_short_write": (wants_a_list, {Id.SHORT_WRITE}),
    "selectors_sendall": (wants_a_list, {Id.SHORT_WRITE}),
    "reactor_short_write": (wants_a_list, {Id.SHORT_WRITE}),
    "asyncio_short_write": (wants_a_list, {Id.SHORT_WRITE}),
}
QUICK = ["asyncio_sleep"]


def test_each_program_has_its_clients() -> None:
    assert set(PLANTED) == {path.stem for path in PROGRAMS.glob("[!_]*.py")}


def test_each_id_is_planted() -> None:
    assert set().union(*(ids for _, ids in PLANTED.values())) == set(Id)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc to see what a program does")
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else pytest.mark.thorough) for n in PLANTED],
)
def test_a_planted_fault_is_found_and_no_other(name: str, tmp_path: Path) -> None:
    play, ids = PLANTED[name]
    with Scene(tmp_path / "run.jsonl", f"tests.timeline.planted.{name}") as scene:
        play(scene)
        run = scene.run()
    assert run.is_whole, scene.program.err
    assert {finding.id for finding in diagnose(run)} == ids
