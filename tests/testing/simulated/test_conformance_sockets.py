"""What raw sockets do on Linux they do in the simulation: the same scripts leave the same traces.

Each script is written once. The trace that it leaves on the kernel, watched by epoll, is the
truth; poll, select, and simulated systems, perfect and gentle, have to leave the same.
"""

import functools
import sys

import pytest

from tests.doubles.bench import Script, Trace, gentle, run_really, run_simulated
from tests.size import thoroughly
from tests.testing.simulated.scripts import SCRIPTS, datagrams, registering

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the simulation is one of Linux"),
    pytest.mark.usefixtures("watchdog"),
]

gentle_seeds = pytest.mark.parametrize("seeds", [range(3), thoroughly(range(3, 20))])


@functools.cache
def truth(script: Script) -> Trace:
    """What Linux says."""
    return run_really(script, "EpollSelector")


def named(scripts: list[Script]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("script", scripts, ids=lambda function: function.__name__)


@pytest.mark.parametrize("kind", ["PollSelector", thoroughly("SelectSelector")])
@named(SCRIPTS)
def test_all_selectors_of_the_system_say_the_same(script: Script, kind: str) -> None:
    assert run_really(script, kind) == truth(script)


@named([*SCRIPTS, registering.a_number_that_has_passed_to_another])
def test_a_perfect_simulated_system_says_what_the_real_one_says(script: Script) -> None:
    assert run_simulated(script) == truth(script)


@gentle_seeds
@named([script for script in SCRIPTS if script is not datagrams.datagrams_in_order])
def test_a_gentle_simulated_system_says_what_the_real_one_says(
    script: Script, seeds: range
) -> None:
    for seed in seeds:
        faults = gentle(seed)
        assert run_simulated(script, seed, faults) == truth(script), f"seed {seed}: {faults}"
