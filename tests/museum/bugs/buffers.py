"""Bugs of `reactor/buffers.py`."""

from typing import Any

import reactor.buffers
from reactor import LineTooLong, ReceiveBuffer, SendQueue
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.edit import between

ANY_LENGTH = 1 << 60


# -- what leaves ---------------------------------------------------------------------------


@bug(8, "the second half of a chunk is queued before the first")
def _(patch: Patch) -> None:
    @instead_of(patch, SendQueue, "append")
    def _(append: Function, queue: SendQueue, data: bytes) -> None:
        half = len(data) // 2
        append(queue, data[half:])
        append(queue, data[:half])


@bug(211, "many small writes are kept as many small objects")
def _(patch: Patch) -> None:
    kept: list[bytes] = []

    @instead_of(patch, SendQueue, "append")
    def _(append: Function, queue: SendQueue, data: bytes) -> None:
        kept.append(data)
        append(queue, data)


@bug(211, "what has been joined is joined again with each thousand that follow")
def _(patch: Patch) -> None:
    waiting: list[bytes] = []

    @instead_of(patch, SendQueue, "append")
    def _(append: Function, queue: SendQueue, data: bytes) -> None:
        waiting.append(data)
        append(queue, data)
        if len(waiting) == 1000:
            waiting[:] = [b"".join(waiting)]
            queue.clear()
            append(queue, waiting[0])


# -- what arrives --------------------------------------------------------------------------


@bug(32, "every search begins at the start of the line")
def _(patch: Patch) -> None:
    @between(patch, "reactor.buffers", "find")
    def _(find: Function, wanted: bytes, *place: int) -> Any:
        find(wanted, 0)
        return find(wanted, *place)


@bug(32, "every chunk that is added copies what waits")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "append")
    def _(append: Function, buffer: ReceiveBuffer, data: Any) -> None:
        getattr(reactor.buffers, "bytearray", bytearray)(bytes(buffer))
        append(buffer, data)


@bug(32, "the limit is only looked at while the line is incomplete")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "take_line")
    def _(take_line: Function, buffer: ReceiveBuffer, limit: int) -> Any:
        return take_line(buffer, ANY_LENGTH if b"\n" in bytes(buffer) else limit)


@bug(32, "the limit is only looked at once the line is complete")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "take_line")
    def _(take_line: Function, buffer: ReceiveBuffer, limit: int) -> Any:
        return take_line(buffer, limit) if b"\n" in bytes(buffer) else None


@bug(32, "a carriage return at the cut counts as part of the line")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "take_line")
    def _(take_line: Function, buffer: ReceiveBuffer, limit: int) -> Any:
        line = take_line(buffer, limit)
        if line is None and len(buffer) > limit:
            raise LineTooLong(limit, buffer.position)
        return line


@bug(32, "the limit counts the terminator of a complete line")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "take_line")
    def _(take_line: Function, buffer: ReceiveBuffer, limit: int) -> Any:
        line, end, _ = bytes(buffer).partition(b"\n")
        if end and len(line) > limit:
            raise LineTooLong(limit, buffer.position)
        return take_line(buffer, limit)


@bug(32, "of lines that come together only the length of the last is looked at")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "take_lines")
    def _(take_lines: Function, buffer: ReceiveBuffer, limit: int) -> Any:
        return take_lines(buffer, ANY_LENGTH if b"\n" in bytes(buffer) else limit)


@bug(32, "the lines before one that is too long are lost with it")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "take_lines")
    def _(take_lines: Function, buffer: ReceiveBuffer, limit: int) -> Any:
        lines = take_lines(buffer, ANY_LENGTH)
        if max(map(len, lines), default=0) > limit:
            raise LineTooLong(limit, buffer.position)
        return lines or take_lines(buffer, limit)


@bug(34, "there is no end to what a handler may leave in its buffer")
def _(patch: Patch) -> None:
    @instead_of(patch, ReceiveBuffer, "__init__")
    def _(make: Function, buffer: ReceiveBuffer, limit: int | None = None) -> None:
        make(buffer)


@bug(211, "what is left of a block keeps the block")
def _(patch: Patch) -> None:
    kept: list[Any] = []

    @instead_of(patch, ReceiveBuffer, "append")
    def _(append: Function, buffer: ReceiveBuffer, data: Any) -> None:
        kept.append(data)
        append(buffer, data)
