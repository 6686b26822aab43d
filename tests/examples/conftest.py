"""Fixtures of the example programs' tests."""

import signal
from collections.abc import Iterator

import pytest

from examples.console import ENDINGS


@pytest.fixture(autouse=True)
def deadline(watchdog: None) -> None:
    """No wait for a program lasts for ever."""


@pytest.fixture(scope="session", autouse=True)
def signals_heard() -> Iterator[None]:
    """What a script starts in its background ignores Ctrl-C, and so would the programs."""
    ignored = [signum for signum in ENDINGS if signal.getsignal(signum) is signal.SIG_IGN]
    for signum in ignored:
        # execve(2): a signal with a handler has its default in the new program.
        signal.signal(signum, lambda signum, frame: None)
    yield
    for signum in ignored:
        signal.signal(signum, signal.SIG_IGN)


@pytest.fixture
def signals_kept() -> Iterator[None]:
    """A program that is run in this process may leave signals ignored."""
    kept = {signum: signal.getsignal(signum) for signum in ENDINGS}
    yield
    for signum, handler in kept.items():
        signal.signal(signum, handler)
