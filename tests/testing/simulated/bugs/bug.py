"""The list of all bugs that are planted to see whether the auditor finds them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest

from reactor.testing import Simulation

Patch: TypeAlias = pytest.MonkeyPatch
Plant: TypeAlias = Callable[[Simulation, Patch], object]


@dataclass(frozen=True)
class Bug:
    """A bug that can be planted, in a program that shows it."""

    plant: Plant
    complaint: str


BUGS: list[Bug] = []


def found(complaint: str) -> Callable[[Plant], Plant]:
    """One more bug, and what must be said of it."""

    def note(plant: Plant) -> Plant:
        BUGS.append(Bug(plant, complaint))
        return plant

    return note
