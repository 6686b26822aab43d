"""Makes mutants of the library at random, one at a time, and expects some test to fail.

Tests that a change goes by unnoticed have a hole. Each mutant has a process of its own, in
which the tests named after its room are run, and all others only if these have passed; the
first failure is the last test. The library as it is goes along, and has to survive all.

Which mutants are drawn depends on the seed and on each by itself: a change of the library
exchanges those that it touches, and leaves the others in the sample.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from random import Random
from typing import Final

from tests.museum.row import ROOT
from tests.museum.trial import Trial, conduct

from .mutant import UNCHANGED, Mutant, all_mutants, known_as_equal

_TESTS: Final = ROOT / "tests"
# What is said of the text of the library, and what does not run it.
_BLIND: Final = {
    *map(_TESTS.joinpath, ["test_architecture.py", "test_documents.py"]),
    _TESTS / "museum" / "test_collection.py",
    _TESTS / "mutants" / "test_mutants.py",
}
# By which other names what a room does is tested.
_RELATIVES: Final = {
    "__main__": ["main"],
    "batch": ["datagrams", "gso"],
    "control": ["server"],
    "datagram_sender": ["datagrams", "gso", "sending"],
    "datagrams": ["multicast"],
    "errors": ["buffers", "protocol"],
    "forwarder": ["client"],
    "gso": ["ways"],
    "loop": ["fork", "instruments", "exits"],
    "socket_options": ["datagrams", "multicast"],
    "sockets": ["listener", "datagrams"],
    "ways": ["gso", "datagrams", "sending"],
}
# Whole programs take longest, and the models look at most.
_LAST: Final = ["model", "reliability", "examples", "benchmarks", "video"]
# Upstairs a storey is in its own tests, and in those of whoever stands on it.
_STOREYS: Final = {
    "relay": ["relay", "museum", "reliability", "examples"],
    "timeline": ["timeline", "testing"],
}
# Seconds: one that works without end is ended before, wherever all that is there takes its time.
_PATIENCE: Final = 900.0
_ALL_WERE_GREEN: Final = 0
_ENOUGH: Final = 0.95


def named_after(room: str) -> list[str]:
    """The files with the tests of a room, then those of its relatives, and hardly any other."""
    *folders, stem = room.split(".")[1:]
    names = [stem, *_RELATIVES.get(stem, []), *reversed(folders)]
    found = [
        path
        for name in names
        for path in _tests_around(room)
        if "/examples/" not in path  # those are whole programs
        if f"/test_{name.removesuffix('s')}" in path or f"/{name}/" in path
    ]
    return list(dict.fromkeys(found))


def all_others(room: str) -> list[str]:
    tried = named_after(room)
    return [path for path in _tests_around(room) if path not in tried]


def _tests_around(room: str) -> list[str]:
    """All that may notice a change there: the core is in all tests."""
    storey = _STOREYS.get(room.split(".")[1])
    return [path for path in _test_files() if storey is None or path.split("/")[1] in storey]


@cache
def _test_files() -> list[str]:
    """All that run the library, the quickest to fail first."""
    paths = sorted(set(_TESTS.rglob("test_*.py")) - _BLIND)
    paths.sort(key=lambda path: _LAST.index(path.parent.name) if path.parent.name in _LAST else -1)
    return [path.relative_to(ROOT).as_posix() for path in paths]


def draw(seed: int, count: int, rooms: str = "reactor") -> list[Mutant]:
    """As many mutants at random, of rooms whose names begin so; any other seed has others."""
    mutants = [mutant for mutant in all_mutants() if mutant.room.startswith(rooms)]
    return sorted(mutants, key=lambda mutant: Random(f"{seed} {mutant}").random())[:count]


def survivors(
    mutants: Sequence[Mutant], tests: Callable[[str], list[str]], jobs: int
) -> Iterator[Mutant]:
    """Those of which no test of their room's `tests` took notice."""
    options = ["--tb=no", "-p", "tests.mutants.haste"]
    starts = [
        partial(Trial, mutant, mutant.plant, [*options, *tests(mutant.room)], _PATIENCE)
        for mutant in mutants
    ]
    for trial in conduct(starts, jobs):
        status, output, seconds = trial.result()
        first = re.search(r"^(FAILED|ERROR) .*", output, re.MULTILINE)
        seen = first[0].partition(" - ")[0] if first else output.strip().rpartition("\n")[2]
        print(f"{trial.subject}  ({seen}, {seconds:.1f} s)", flush=True)
        if status == _ALL_WERE_GREEN:
            yield trial.subject


def verdict(mutants: Sequence[Mutant], left: Sequence[Mutant]) -> int:
    """Say which are left of `mutants`; the exit status."""
    reasons = known_as_equal()
    for mutant in left:
        print(f"SURVIVED {mutant}: {reasons.get(mutant.place, 'why?')}")
    share = 1 - len(left) / len(mutants)
    print(f"{len(mutants)} mutants, {share:.1%} noticed")
    return 0 if share >= _ENOUGH else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="default 1")
    parser.add_argument("--count", type=int, default=300, help="how many (%(default)s)")
    parser.add_argument("--rooms", default="reactor", help="whose names begin so (all)")
    # A mutant that hangs waits, and leaves the processor to another.
    jobs = 2 * (os.cpu_count() or 1)
    parser.add_argument("--jobs", type=int, default=jobs, help="at a time (%(default)s)")
    arguments = parser.parse_args()
    mutants = draw(arguments.seed, arguments.count, arguments.rooms)
    with tempfile.TemporaryDirectory() as caches:
        # What one has compiled of the tests, the next may be given.
        sys.dont_write_bytecode, sys.pycache_prefix = False, caches
        left = list(survivors(mutants, named_after, arguments.jobs))
        left = list(survivors([UNCHANGED, *left], all_others, arguments.jobs))
    if UNCHANGED not in left:
        print("the tests fail as things are: nothing is told by that", file=sys.stderr)
        return 1
    left.remove(UNCHANGED)
    return verdict(mutants, left)


if __name__ == "__main__":
    sys.exit(main())
