"""A fatal signal is heard before it is obeyed; of others, and in children, nothing changes."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reactor.timeline.command.fatal_signals import FatalSignals

pytestmark = [
    pytest.mark.usefixtures("watchdog", "_at_peace"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals and forks"),
]

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
DEFAULT, IGNORED = signal.SIG_DFL, signal.SIG_IGN


@pytest.fixture
def _at_peace() -> Iterator[None]:
    """Nobody listens to the signals, and afterwards who did before."""
    handlers = {signum: signal.signal(signum, DEFAULT) for signum in SIGNALS}
    yield
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


def in_another_thread(act: Callable[[], object]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def fork_and_die(ends: list[int]) -> None:
    """Have a child that ends by SIGTERM; by 9 if it does not."""
    child = os.fork()
    if not child:
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(9)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


@pytest.mark.parametrize("signum", SIGNALS)
def test_what_is_to_be_done_is_done_before_the_end(
    monkeypatch: pytest.MonkeyPatch, signum: int
) -> None:
    done: list[object] = []
    FatalSignals(done.append)
    handler: Any = signal.getsignal(signum)
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda *ours: done.append((*ours, signal.getsignal(signum))))
        handler(signum, None)
        for thread in threading.enumerate():
            if thread.name == "reactor.timeline":
                thread.join()
    assert done == [signum, (os.getpid(), signum, DEFAULT)]


def test_a_failure_does_not_keep_the_process_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    FatalSignals(lambda signum: 1 / 0)
    handler: Any = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda *ours: killed.set())
        handler(signal.SIGTERM, None)
        killed.wait()


def test_what_the_program_listens_to_or_ignores_is_left_alone() -> None:
    signal.signal(signal.SIGTERM, IGNORED)
    signal.signal(signal.SIGHUP, print)
    FatalSignals(int)
    assert [signal.getsignal(signum) for signum in SIGNALS] == [IGNORED, print]


def test_a_system_without_forks_has_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork")
    FatalSignals(int)
    assert signal.getsignal(signal.SIGTERM) != DEFAULT


@pytest.mark.parametrize("where", [lambda act: act(), in_another_thread])
def test_a_child_dies_at_once_and_its_parent_goes_on_listening(
    where: Callable[[Callable[[], object]], None],
) -> None:
    done: list[int] = []
    FatalSignals(done.append)
    before = signal.getsignal(signal.SIGTERM)
    ends: list[int] = []
    where(lambda: fork_and_die(ends))
    assert ends == [-signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) == before
    assert done == []


def test_what_the_program_listens_to_meanwhile_is_its_own_after_a_fork() -> None:
    FatalSignals(int)
    signal.signal(signal.SIGTERM, IGNORED)
    child = os.fork()
    if not child:
        os._exit(signal.getsignal(signal.SIGTERM) == IGNORED)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert signal.getsignal(signal.SIGTERM) == IGNORED


def test_where_no_thread_can_be_started_any_more_all_is_done_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    done: list[object] = []
    FatalSignals(done.append)
    handler: Any = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda *ours: done.append(ours))
        patch.setattr(threading.Thread, "start", refuse)
        handler(signal.SIGTERM, None)
    assert done == [signal.SIGTERM, (os.getpid(), signal.SIGTERM)]
