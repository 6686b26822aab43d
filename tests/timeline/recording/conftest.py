"""The fixtures of whoever looks at what a process does to be recorded."""

import socket
from collections.abc import Iterator
from typing import TypeAlias

import pytest

from tests.timeline.tale import Recorded, recorded

Pair: TypeAlias = tuple[socket.socket, socket.socket]


@pytest.fixture
def told() -> Iterator[Recorded]:
    """What is recorded while the test runs."""
    with recorded() as told:
        yield told


@pytest.fixture
def pair(told: Recorded) -> Iterator[Pair]:
    """Two connected sockets: the first and the second lane."""
    near, far = socket.socketpair()
    with near, far:
        yield near, far
