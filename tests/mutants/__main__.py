"""Makes mutants of the library at random, one at a time, and expects some test to fail.

Tests that a change goes by unnoticed have a hole. Each mutant has a process of its own, in
which the tests named after its room are run, and all others only if these have passed; the
first failure is the last test. It tells nothing unless the tests pass as things are.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Final

from tests.museum.row import ROOT
from tests.museum.trial import Trial, conduct

from .mutant import Mutant, all_mutants, known_as_equal

_TESTS: Final = ROOT / "tests"
# What is said of the text of the library, and what does not run it.
_BLIND: Final = [
    "test_architecture.py",
    "test_documents.py",
    "museum/test_collection.py",
    "mutants",
]
# Rooms without tests that bear their name.
_TESTED_WITH: Final = {
    **dict.fromkeys(["batch", "counters", "datagram_sender", "socket_options"], "datagrams"),
    "control": "server",
    "errors": "loop",
    "forwarder": "client",
    "network": "sockets",
    "stream_handler": "stream",
}
# Seconds: one that works without end is ended before, wherever all that is there takes its time.
_PATIENCE: Final = 900.0
_ALL_WERE_GREEN: Final = 0
_THERE_WERE_NONE: Final = 5
_ENOUGH: Final = 0.95


def named_after(room: str) -> list[str]:
    """The files with the tests of a room and hardly any other."""
    stem = room.rpartition(".")[2]
    name = _TESTED_WITH.get(stem, stem)
    found = [
        path
        for path in sorted(_TESTS.rglob("test_*.py"))
        if path.parent.name != "examples"  # those are whole programs
        if path.stem.startswith(f"test_{name.removesuffix('s')}") or path.parent.name == name
    ]
    # The models last, for they look long for the shortest example.
    return [str(path) for path in sorted(found, key=lambda path: path.parent.name == "model")]


def all_others(room: str) -> list[str]:
    """The core is in all tests; the relay is in its own, the museum's and those of programs."""
    folders = ["relay", "museum", "reliability", "examples"] if ".relay." in room else ["."]
    ignored = [f"--ignore={_TESTS / name}" for name in _BLIND]
    return [*(str(_TESTS / folder) for folder in folders), *ignored]


def survivors(mutants: list[Mutant], broadly: bool, jobs: int) -> Iterator[Mutant]:
    """Those of which no test took notice."""
    starts = []
    for mutant in mutants:
        files = (all_others if broadly else named_after)(mutant.room)
        starts.append(partial(Trial, mutant, mutant.plant, [*files, "--tb=no"], _PATIENCE))
    for trial in conduct(starts, jobs):
        status, output, seconds = trial.result()
        last = output.strip().rpartition("\n")[2]
        print(f"{trial.subject}  ({last}, {seconds:.1f} s)", flush=True)
        if status in (_ALL_WERE_GREEN, _THERE_WERE_NONE):
            yield trial.subject


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="default 1")
    parser.add_argument("--count", type=int, default=300, help="how many (%(default)s)")
    # A mutant that hangs waits, and leaves the processor to another.
    jobs = 2 * (os.cpu_count() or 1)
    parser.add_argument("--jobs", type=int, default=jobs, help="at a time (%(default)s)")
    arguments = parser.parse_args()
    mutants = Random(arguments.seed).sample(all_mutants(), arguments.count)
    with tempfile.TemporaryDirectory() as caches:
        # What one has compiled of the tests, the next may be given.
        sys.dont_write_bytecode, sys.pycache_prefix = False, caches
        left = list(survivors(mutants, broadly=False, jobs=arguments.jobs))
        left = list(survivors(left, broadly=True, jobs=arguments.jobs))
    reasons = known_as_equal()
    for mutant in left:
        print(f"SURVIVED {mutant}: {reasons.get(mutant.place, 'why?')}")
    share = 1 - len(left) / len(mutants)
    print(f"{len(mutants)} mutants, {share:.1%} noticed")
    return 0 if share >= _ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
