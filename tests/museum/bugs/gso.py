"""Bugs of `reactor/gso.py`."""

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.museum.bug import Function, Patch, bug
from tests.museum.substitute import everywhere, home, number, offered, substitute

ROOM = home("find_runs").__name__
FALLBACK_ERRNOS = offered("FALLBACK_ERRNOS")


def lengthen(patch: Patch, fits: Callable[[Any, int], bool]) -> None:
    """Have a run go on with the datagram behind it where that `fits`."""

    @everywhere(patch, offered("find_runs"))
    def _(find_runs: Function, sizes: Sequence[int]) -> list[Any]:
        runs: list[Any] = []
        for run in find_runs(sizes):
            if runs and run.count == 1 and fits(runs[-1], run.size):
                last = runs.pop()
                run = replace(last, count=last.count + 1, size=last.size + run.size)
            runs.append(run)
        return runs


@bug(15, "a full queue is taken for a refusal of offload")
def _(patch: Patch) -> None:
    substitute(patch, FALLBACK_ERRNOS, FALLBACK_ERRNOS | {errno.ENOBUFS})


@bug(18, "a network card that can't do check sums is not known to refuse runs")
def _(patch: Patch) -> None:
    substitute(patch, FALLBACK_ERRNOS, FALLBACK_ERRNOS - {errno.EIO})


@bug(18, "a path with a smaller frame is not known to refuse runs")
def _(patch: Patch) -> None:
    substitute(patch, FALLBACK_ERRNOS, FALLBACK_ERRNOS - {errno.EMSGSIZE})


@bug(18, "a kernel that finds fault with the control message is not known to refuse runs")
def _(patch: Patch) -> None:
    substitute(patch, FALLBACK_ERRNOS, FALLBACK_ERRNOS - {errno.EINVAL})


@bug(124, "a run holds as many segments as newer kernels take")
def _(patch: Patch) -> None:
    number(patch, ROOM, 64, 128)


@bug(124, "headers are forgotten: a run holds as many bytes as the length field of IP can say")
def _(patch: Patch) -> None:
    number(patch, ROOM, 65507, 65535)


@bug(124, "the shorter datagram that ends a run is not counted against its bounds")
def _(patch: Patch) -> None:
    lengthen(
        patch,
        lambda run, size: run.size == run.count * run.segment and 0 < size < run.segment,
    )


@bug(125, "an empty datagram ends a run as a shorter one does")
def _(patch: Patch) -> None:
    lengthen(patch, lambda run, size: run.count > 1 and size == 0)


@bug(125, "empty datagrams are sent as a run of segments of no size")
def _(patch: Patch) -> None:
    lengthen(patch, lambda run, size: run.segment == size == 0)


@bug(218, "a player that has gone is taken for a refusal of offload")
def _(patch: Patch) -> None:
    substitute(patch, FALLBACK_ERRNOS, FALLBACK_ERRNOS | {errno.ECONNREFUSED})


@bug(219, "a refusal holds for every size")
def _(patch: Patch) -> None:
    @everywhere(patch, offered("find_runs"))
    def _(find_runs: Function, sizes: Sequence[int]) -> list[Any]:
        return [replace(run, segment=65535) for run in find_runs(sizes)]
