"""The real system and a simulated one behind one door, for scripts that are to run on both."""

import selectors
import socket
import time
from typing import Protocol

from reactor import Network
from reactor.testing import Faults
from reactor.testing.simulated.kernel import Kernel
from reactor.testing.simulated.network import SimulatedNetwork
from reactor.testing.simulated.selector import SimulatedSelector

_PATIENCE = 30.0


class System(Protocol):
    """Where sockets come from, and where one waits for them."""

    @property
    def network(self) -> Network: ...

    @property
    def selector(self) -> selectors.BaseSelector: ...

    def ready(self) -> dict[int, int]:
        """The events that are ready now, by descriptor, of what is registered."""

    def pass_time(self) -> None:
        """Let what is under way arrive. Fails when it is in vain to go on waiting."""


class RealSystem:
    """The kernel that this program runs on."""

    network: Network = socket

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector: selectors.BaseSelector = selector
        self._deadline = time.monotonic() + _PATIENCE

    def ready(self) -> dict[int, int]:
        return {key.fd: events for key, events in self.selector.select(0)}

    def pass_time(self) -> None:
        assert time.monotonic() < self._deadline, f"waited for {_PATIENCE:g} s"
        time.sleep(0.0005)


class SimulatedSystem:
    """A kernel that only believes to be one."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.kernel = Kernel(seed, faults)
        self.network = SimulatedNetwork(self.kernel)
        self.selector = SimulatedSelector(self.kernel, on_idle=lambda: None)

    def ready(self) -> dict[int, int]:
        told = self.selector.select(0)
        if self.kernel.faults.false_readiness:
            told = self.selector.truth
        return {key.fd: events for key, events in told}

    def pass_time(self) -> None:
        happening = self.kernel.next_happening()
        assert happening is not None, "nothing will ever happen again"
        assert happening < _PATIENCE * 1000, "things go round in circles"
        self.kernel.now = max(self.kernel.now, happening)
        self.kernel.catch_up()
