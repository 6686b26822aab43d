"""Fixtures of the example programs' tests."""

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def deadline(watchdog: None) -> None:
    """No wait for a program lasts for ever."""


@pytest.fixture
def signals_kept() -> Iterator[None]:
    """A program that is run in this process may leave signals ignored."""
    kept = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    if hasattr(signal, "SIGHUP"):
        kept[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    yield
    for signum, handler in kept.items():
        signal.signal(signum, handler)
