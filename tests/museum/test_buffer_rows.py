"""Rows about lines: wherever the bytes are cut, the same lines, the same error, linear work."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reactor import EventLoop, LineTooLong, ReceiveBuffer, StreamHandler, buffers
from reactor.testing import stream_pair
from tests.museum.scenes import iterate_until

Take = Callable[[ReceiveBuffer, int], list[bytes]]

LIMIT = 4
INPUTS = [
    b"one\nto\r\n",
    b"full\n1234\r\nx",
    b"\n\r\n\r\r\n",
    b"1234\r5\n",
    b"ab\n12345\n",
    b"12345678",
]


def cuttings(data: bytes) -> Iterator[list[bytes]]:
    """Each way to cut `data` into pieces."""
    if not data:
        yield []
    for size in range(1, len(data) + 1):
        for rest in cuttings(data[size:]):
            yield [data[:size], *rest]


def one_by_one(buffer: ReceiveBuffer, limit: int) -> list[bytes]:
    """What `take_lines` gives, by `take_line`: at most one line."""
    line = buffer.take_line(limit)
    return [] if line is None else [line]


each_way = pytest.mark.parametrize("take", [one_by_one, ReceiveBuffer.take_lines])


def read(pieces: list[bytes], take: Take) -> list[object]:
    """The lines in these pieces, and the place of the error if there is one."""
    buffer = ReceiveBuffer()
    found: list[object] = []
    for piece in pieces:
        buffer.append(piece)
        try:
            while lines := take(buffer, LIMIT):
                found += lines
        except LineTooLong as exc:
            return [*found, exc.position]
    return found


def lines_of(data: bytes) -> list[object]:
    """The same by definition: split, strip, compare."""
    found: list[object] = []
    position = 0
    *whole, rest = data.split(b"\n")
    for raw in whole:
        line = raw.removesuffix(b"\r")
        if len(line) > LIMIT:
            return [*found, position]
        found.append(line)
        position += len(raw) + 1
    return [*found, position] if len(rest.removesuffix(b"\r")) > LIMIT else found


@each_way
@pytest.mark.parametrize("data", INPUTS)
def test_row_32_every_cutting_gives_the_same_lines_and_the_same_error(
    data: bytes, take: Take
) -> None:
    for pieces in cuttings(data):
        assert read(pieces, take) == lines_of(data), pieces


class Work:
    """How many bytes were searched, and how many were copied from one buffer into another."""

    searched = 0
    copied = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts the work of the buffers that are made meanwhile."""
    work = Work()

    class CountingBytes(bytes):
        def find(self, sub: Any, start: Any = 0, end: Any = None, /) -> int:
            work.searched += len(self) - start
            return super().find(sub, start, end)

        def __add__(self, other: Any, /) -> bytes:
            work.copied += len(self)
            return CountingBytes(super().__add__(other))

    class CountingBytearray(bytearray):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            work.copied += len(self)

        def find(self, sub: Any, start: Any = 0, end: Any = None, /) -> int:
            work.searched += len(self) - start
            return super().find(sub, start, end)

    monkeypatch.setattr(buffers, "bytes", CountingBytes, raising=False)
    monkeypatch.setattr(buffers, "bytearray", CountingBytearray, raising=False)
    return work


@each_way
def test_row_32_a_line_in_single_bytes_is_searched_and_copied_once(work: Work, take: Take) -> None:
    size = 64 * 1024
    buffer = ReceiveBuffer()
    for _ in range(size):
        buffer.append(b"x")
        assert take(buffer, size) == []
        if work.searched > 2 * size or work.copied > 2 * size:
            break
    buffer.append(b"\n")
    assert take(buffer, size) == [b"x" * size]
    assert work.searched == size + 1
    assert work.copied <= size


def test_row_32_a_line_without_an_end_is_refused_at_its_limit(loop: EventLoop) -> None:
    class Reader(StreamHandler):
        most = 0

        def data_received(self, buffer: ReceiveBuffer) -> None:
            self.most = max(self.most, len(buffer))
            while buffer.take_line(limit=1000) is not None:
                pass

        def connection_lost(self, exc: Exception | None) -> None:
            self.error = exc
            lost.append(exc)

    lost: list[Exception | None] = []
    reader = Reader()
    loop.set_exception_handler(lambda message, exc: None)
    _, other = stream_pair(loop, reader, StreamHandler())
    for _ in range(2000):
        if lost:
            break
        other.write(b"x")
        loop.run_once(0.01)
    iterate_until(loop, lambda: lost)
    assert isinstance(reader.error, LineTooLong)
    assert reader.most <= 1001
