"""Bugs of `reactor/batch.py`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reactor import DatagramBatch
from reactor.relay.fanout import FanOut
from tests.museum.bug import Function, Patch, bug, instead_of


@bug(18, "the datagrams of a run are looked for at the front of the batch")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramBatch, "datagrams_of")
    def _(datagrams_of: Function, batch: DatagramBatch, run: Any) -> Any:
        return datagrams_of(batch, replace(run, start=0))


@bug(18, "all datagrams of a refused run are taken for as long as the first")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramBatch, "datagrams_of")
    def _(datagrams_of: Function, batch: DatagramBatch, run: Any) -> list[bytes]:
        return [bytes(datagram).ljust(run.segment) for datagram in datagrams_of(batch, run)]


@bug(18, "after a refusal the whole batch is sent again instead of the run that was refused")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramBatch, "datagrams_of")
    def _(datagrams_of: Function, batch: DatagramBatch, run: Any) -> Iterator[memoryview]:
        return iter(batch)


@bug(18, "the first datagram of a refused run is taken for sent")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramBatch, "datagrams_of")
    def _(datagrams_of: Function, batch: DatagramBatch, run: Any) -> list[memoryview]:
        return list(datagrams_of(batch, run))[1:]


@bug(125, "a batch of nothing but empty datagrams is taken for no batch")
def _(patch: Patch) -> None:
    @instead_of(patch, FanOut, "datagrams_received")
    def _(datagrams_received: Function, fan_out: FanOut, endpoint: Any, batch: Any) -> None:
        if batch.size:
            datagrams_received(fan_out, endpoint, batch)


@bug(125, "a datagram without content is not worth handing over")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramBatch, "__init__")
    def _(init: Function, batch: DatagramBatch, slab: Any, sizes: list[int], sources: Any) -> None:
        init(batch, slab, [size for size in sizes if size], sources)


@bug(125, "the datagrams of a batch end at the first empty one")
def _(patch: Patch) -> None:
    @instead_of(patch, DatagramBatch, "runs")
    def _(runs: Function, batch: DatagramBatch) -> Any:
        return [(buffers, run) for buffers, run in runs(batch) if run.size]
