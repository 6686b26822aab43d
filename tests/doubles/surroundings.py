"""Where the machines run: in a simulated system, or on sockets of this machine.

The simulated one comes without its auditor: here the model is the judge.
"""

import random
import selectors
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from reactor import EventLoop
from reactor.testing import Faults, ManualClock
from tests.doubles.spy_selector import SpySelector
from tests.doubles.system import SimulatedSystem

__all__ = ["RealSurroundings", "SimulatedSurroundings", "Surroundings"]

_MOST_TURNS: Final = 100_000
_NAP: Final = 0.05


class Surroundings:
    """Where a machine runs: a loop, and connected sockets for its streams."""

    loop: EventLoop
    unit: int
    """Bytes that are neither few nor many."""
    resets = False
    """Whether connections break by themselves."""

    @property
    def now(self) -> float:
        """Seconds that have passed; to look at them takes none."""
        raise NotImplementedError

    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Two connected sockets."""
        raise NotImplementedError

    def run_until(self, condition: Callable[[], object], seconds: float) -> None:
        """Iterate until `condition()` is true. Raises TimeoutError."""
        deadline = self.now + seconds
        for _ in range(_MOST_TURNS):
            if condition():
                return
            if self.now >= deadline:
                raise TimeoutError(f"still waiting after {seconds:g} s")
            # What came in this iteration may be what was waited for: don't sleep on it.
            self.loop.run_once(min(deadline - self.now, _NAP))
        pytest.fail("the loop is still busy: it turns and turns")

    def close(self) -> None:
        """Close the loop; nothing is left open."""
        self.loop.close()


class SimulatedSurroundings(Surroundings):
    """Connections of TCP over a network as bad as the seed wants it."""

    def __init__(self, seed: int, *, resets: float = 0.0, exhaustion: float = 0.0) -> None:
        faults = Faults.gentle(random.Random(seed))
        self.resets = resets > 0.0
        self._faults = replace(faults, reset=resets, exhaustion=exhaustion)
        self.unit = max(2, faults.buffer // 4)
        inside = SimulatedSystem(seed, self._faults)
        self._kernel, self._network = inside.kernel, inside.network
        self.loop = EventLoop(
            selector=inside.selector, clock=inside.kernel.clock, network=inside.network
        )
        self._kernel.calm = False

    @property
    def now(self) -> float:
        return self._kernel.now

    def pair(self) -> tuple[socket.socket, socket.socket]:
        kernel = self._kernel
        kernel.calm = True
        # Without a delay a connection stands at once.
        kernel.faults = replace(self._faults, delay=0.0)
        with self._network.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            near = self._network.socket()
            near.setblocking(False)
            near.connect_ex(server.getsockname())
            far, _ = server.accept()
        kernel.faults, kernel.calm = self._faults, False
        return near, far

    def close(self) -> None:
        super().close()
        assert not self._kernel.descriptors


class RealSurroundings(Surroundings):
    """Socket pairs of this machine, and time that passes only while nothing happens."""

    unit = 4096

    def __init__(self, seed: int) -> None:
        self._clock = ManualClock()
        selector = SpySelector(selectors.DefaultSelector())
        selector.clock = self._clock
        if seed % 2:
            selector.lie(seed)
        self.loop = EventLoop(selector=selector, clock=self._clock)

    @property
    def now(self) -> float:
        return self._clock()

    def pair(self) -> tuple[socket.socket, socket.socket]:
        pair = socket.socketpair()
        for sock in pair:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.unit)
        return pair
