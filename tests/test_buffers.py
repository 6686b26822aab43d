"""The buffers promise that nothing depends on how bytes were cut, and that work is linear.
Every stream of the library and every parser of the relay stands on that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor import BufferFull, LineTooLong, ReceiveBuffer, SendQueue, buffers
from tests.doubles.memory import memory_within
from tests.size import thoroughly

unhurried = settings(deadline=None)

Lines = tuple[list[tuple[bytes, int]], int | None]
"""Lines with their positions, and the position of the line that was too long."""

line_bytes = st.lists(
    st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b"bc", b"\0", b"\xff", b"long" * 3]), max_size=24
).map(b"".join) | st.binary(max_size=40)
limits = st.integers(0, 14)
offsets = st.sets(st.integers(1, 80))

Take = Callable[[ReceiveBuffer, int], object]
TAKES = pytest.mark.parametrize("take", [ReceiveBuffer.take_line, ReceiveBuffer.take_lines])


def cut(data: bytes, places: set[int]) -> list[bytes]:
    ends = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(ends) if start < end]


def every_cutting(data: bytes) -> Iterator[list[bytes]]:
    for mask in range(2 ** (len(data) - 1)):
        yield cut(data, {place for place in range(1, len(data)) if mask >> (place - 1) & 1})


def read_lines(chunks: list[bytes], limit: int) -> Lines:
    """By `take_line`, until it gives none."""
    buffer = ReceiveBuffer()
    lines: list[tuple[bytes, int]] = []
    for chunk in chunks:
        buffer.append(chunk)
        try:
            position = buffer.position
            while (line := buffer.take_line(limit)) is not None:
                lines.append((line, position))
                position = buffer.position
        except LineTooLong as exc:
            return lines, exc.position
    return lines, None


def read_lines_at_once(chunks: list[bytes], limit: int) -> tuple[list[bytes], int | None]:
    """By `take_lines`, until it gives none; the lines, and the position of one too long."""
    buffer = ReceiveBuffer()
    lines: list[bytes] = []
    for chunk in chunks:
        buffer.append(chunk)
        try:
            while some := buffer.take_lines(limit):
                lines += some
        except LineTooLong as exc:
            return lines, exc.position
    return lines, None


def lines_by_definition(data: bytes, limit: int) -> Lines:
    lines: list[tuple[bytes, int]] = []
    position = 0
    *whole, rest = data.split(b"\n")
    for raw in whole:
        line = raw.removesuffix(b"\r")
        if len(line) > limit:
            return lines, position
        lines.append((line, position))
        position += len(raw) + 1
    return lines, position if len(rest.removesuffix(b"\r")) > limit else None


class Searches:
    """Over how many bytes the buffers made meanwhile were searched."""

    scanned = 0

    def count(self, length: int, start: int, found: int) -> int:
        self.scanned += (length if found < 0 else found + 1) - start
        return found


@contextmanager
def counted_searches() -> Iterator[Searches]:
    """Give the buffers kinds of bytes that count, whichever of them they search."""
    searches = Searches()

    class CountingBytes(bytes):
        def find(self, sub: Any, start: Any = 0, end: Any = None, /) -> int:
            return searches.count(len(self), start, super().find(sub, start, end))

        def __getitem__(self, place: Any) -> Any:
            part = super().__getitem__(place)
            return CountingBytes(part) if isinstance(part, bytes) else part

    class CountingBytearray(bytearray):
        def find(self, sub: Any, start: Any = 0, end: Any = None, /) -> int:
            return searches.count(len(self), start, super().find(sub, start, end))

        def __getitem__(self, place: Any) -> Any:
            part = super().__getitem__(place)
            return CountingBytearray(part) if isinstance(part, bytearray) else part

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "bytes", CountingBytes, raising=False)
        patch.setattr(buffers, "bytearray", CountingBytearray, raising=False)
        yield searches


# -- ReceiveBuffer: lines ----------------------------------------------------------------


@unhurried
@given(line_bytes, offsets, limits)
def test_a_line_may_be_cut_anywhere(data: bytes, places: set[int], limit: int) -> None:
    assert read_lines(cut(data, places), limit) == lines_by_definition(data, limit)


@unhurried
@given(line_bytes, offsets, limits)
def test_lines_taken_at_once_are_those_taken_one_by_one(
    data: bytes, places: set[int], limit: int
) -> None:
    lines, too_long_at = lines_by_definition(data, limit)
    expected = [line for line, _ in lines], too_long_at
    assert read_lines_at_once(cut(data, places), limit) == expected


SHORT_INPUTS = pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"ab\r\n\ncd\r\r\nef", 3),
        (b"abc\r\ndefg\r\nh\n", 3),
        thoroughly(b"abc\r\ndef\rg\nh\n", 3),
        (b"\r\n\n\r\r\n\r\n\n\r\r", 1),
        thoroughly(b"\n\r\n\r\n\n\r\n\n\r\n", 0),
        thoroughly(b"a\nb\ncdefghijk", 8),
        (b"unterminated\r", 12),
    ],
)


@SHORT_INPUTS
def test_all_cuttings_of_a_short_input_give_the_same_lines(data: bytes, limit: int) -> None:
    expected = lines_by_definition(data, limit)
    for chunks in every_cutting(data):
        assert read_lines(chunks, limit) == expected, chunks


@SHORT_INPUTS
def test_all_cuttings_of_a_short_input_give_the_same_lines_at_once(data: bytes, limit: int) -> None:
    lines, too_long_at = lines_by_definition(data, limit)
    expected = [line for line, _ in lines], too_long_at
    for chunks in every_cutting(data):
        assert read_lines_at_once(chunks, limit) == expected, chunks


@unhurried
@given(line_bytes, limits)
def test_a_line_or_an_error_comes_with_the_byte_that_decides_it(data: bytes, limit: int) -> None:
    for length in range(len(data) + 1):
        received = data[:length]
        one_by_one = [received[i : i + 1] for i in range(length)]
        assert read_lines(one_by_one, limit) == lines_by_definition(received, limit)


def test_a_last_carriage_return_may_still_belong_to_the_terminator() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"abc\r")
    assert buffer.take_line(limit=3) is None
    buffer.append(b"\n")
    assert buffer.take_line(limit=3) == b"abc"


def test_only_one_carriage_return_belongs_to_the_terminator() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"abc\r\r\n")
    assert buffer.take_line(limit=4) == b"abc\r"


def test_a_line_of_exactly_the_limit_fits() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"four\r\n")
    assert buffer.take_line(limit=4) == b"four"


@pytest.mark.parametrize("data", [b"ok\nlonger", b"ok\nlonger\n", b"ok\nlonger\r\n"])
def test_a_line_too_long_says_its_limit_and_where_it_begins(data: bytes) -> None:
    buffer = ReceiveBuffer()
    buffer.append(data)
    assert buffer.take_line(limit=5) == b"ok"
    with pytest.raises(LineTooLong) as caught:
        buffer.take_line(limit=5)
    assert (caught.value.limit, caught.value.position) == (5, 3)


def test_a_line_too_long_is_not_taken_and_raises_on_every_call() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"longer\nok\n")
    for _ in range(3):
        with pytest.raises(LineTooLong):
            buffer.take_line(limit=5)
    assert (buffer.position, buffer.take_all()) == (0, b"longer\nok\n")


def test_lines_before_one_that_is_too_long_come_out_first() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"one\r\ntwo\nlonger\nfour\n")
    assert buffer.take_lines(limit=5) == [b"one", b"two"]
    for _ in range(3):
        with pytest.raises(LineTooLong, match="at byte 9"):
            buffer.take_lines(limit=5)
    assert buffer.take_lines(limit=6) == [b"longer", b"four"]


def test_a_greater_limit_still_gives_the_line_that_was_too_long() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"longer")
    with pytest.raises(LineTooLong):
        buffer.take_line(limit=5)
    buffer.append(b"\n")
    assert buffer.take_line(limit=6) == b"longer"


@unhurried
@given(line_bytes, offsets)
def test_no_byte_is_searched_twice(data: bytes, places: set[int]) -> None:
    with counted_searches() as searches:
        buffer = ReceiveBuffer()
        for chunk in cut(data, places):
            buffer.append(chunk)
            while buffer.take_line(limit=len(data)) is not None:
                pass
    assert searches.scanned == len(data)


@TAKES
def test_a_long_line_of_single_bytes_is_searched_once(take: Take) -> None:
    with counted_searches() as searches:
        buffer = ReceiveBuffer()
        for _ in range(40_000):
            buffer.append(b"x")
            assert not take(buffer, 40_000)
    assert searches.scanned == 40_000


@TAKES
@pytest.mark.parametrize("chunk_size", [1_000, 1_024, 999])
def test_lines_that_were_taken_leave_no_memory_behind(take: Take, chunk_size: int) -> None:
    data = (b"x" * 249 + b"\n") * 4_000
    buffer = ReceiveBuffer()
    with memory_within(20_000):
        for start in range(0, len(data), chunk_size):
            buffer.append(data[start : start + chunk_size])
            while take(buffer, 249):
                pass
    assert buffer.position == len(data)


def test_a_terminator_is_found_behind_bytes_that_were_taken_otherwise() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"abcdef")
    assert buffer.take_line(limit=80) is None
    assert buffer.take_exactly(4) == b"abcd"
    buffer.append(b"\ngh\n")
    assert [buffer.take_line(limit=80) for _ in range(3)] == [b"ef", b"gh", None]


def test_what_follows_is_searched_after_more_was_taken_than_had_been_searched() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"ab")
    assert buffer.take_line(limit=80) is None
    buffer.append(b"cd\nef")
    buffer.discard(4)
    assert buffer.take_line(limit=80) == b""


# -- ReceiveBuffer: counts ---------------------------------------------------------------


appended = st.tuples(st.just("append"), line_bytes)
counted = st.tuples(st.sampled_from(["line", "lines", "exactly", "discard"]), st.integers(0, 20))
everything = st.just(("all", 0))


@unhurried
@given(st.lists(appended | counted | everything, max_size=30))
def test_bytes_are_taken_once_and_in_order_by_any_mixture_of_calls(
    calls: list[tuple[str, Any]],
) -> None:
    buffer = ReceiveBuffer()
    left = b""
    position = 0
    for call, argument in calls:
        before = left
        match call:
            case "append":
                buffer.append(argument)
                before = left = left + argument
            case "line":
                lines, too_long_at = lines_by_definition(left, argument)
                if not lines and too_long_at is not None:
                    with pytest.raises(LineTooLong, match=f"at byte {position}"):
                        buffer.take_line(argument)
                else:
                    expected = lines[0][0] if lines else None
                    assert buffer.take_line(argument) == expected
                    left = left[left.index(b"\n") + 1 :] if lines else left
            case "lines":
                lines, too_long_at = lines_by_definition(left, argument)
                if not lines and too_long_at is not None:
                    with pytest.raises(LineTooLong, match=f"at byte {position}"):
                        buffer.take_lines(argument)
                else:
                    assert buffer.take_lines(argument) == [line for line, _ in lines]
                    left = left.split(b"\n", len(lines))[-1]
            case "exactly":
                enough = argument <= len(left)
                assert buffer.take_exactly(argument) == (left[:argument] if enough else None)
                left = left[argument:] if enough else left
            case "discard":
                buffer.discard(argument)
                left = left[argument:]
            case "all":
                assert buffer.take_all() == left
                left = b""
        position += len(before) - len(left)
        assert (len(buffer), buffer.position) == (len(left), position)
    assert buffer.take_all() == left


def test_an_exact_count_waits_for_its_last_byte() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"abc")
    assert buffer.take_exactly(4) is None
    buffer.append(b"d")
    assert buffer.take_exactly(4) == b"abcd"


def test_a_negative_count_is_refused() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"abc")
    with pytest.raises(ValueError, match="-1"):
        buffer.take_exactly(-1)
    assert buffer.take_all() == b"abc"


def test_a_negative_count_discards_nothing() -> None:
    buffer = ReceiveBuffer()
    buffer.append(b"abc")
    try:
        buffer.discard(-1)
    except ValueError:
        pass
    assert (buffer.position, buffer.take_all()) == (0, b"abc")


@given(line_bytes, offsets, st.integers(0, 40))
def test_what_lies_in_the_buffer_can_be_seen_and_stays(
    data: bytes, places: set[int], taken: int
) -> None:
    buffer = ReceiveBuffer()
    for chunk in cut(data, places):
        buffer.append(chunk)
    buffer.discard(taken)
    assert bytes(buffer) == data[taken:]
    assert buffer.take_all() == data[taken:]


def test_an_empty_buffer_gives_no_bytes() -> None:
    buffer = ReceiveBuffer()
    assert (buffer.take_all(), buffer.take_exactly(0), buffer.take_exactly(1)) == (b"", b"", None)
    assert (buffer.take_line(limit=0), len(buffer), buffer.position) == (None, 0, 0)


def test_what_is_appended_is_copied() -> None:
    received = bytearray(b"abcdef")
    buffer = ReceiveBuffer()
    buffer.append(received)
    buffer.append(memoryview(received)[:3])
    received[:] = b"xxxxxx"
    assert buffer.take_all() == b"abcdefabc"


@pytest.mark.parametrize("places", [set(), {1}, {3}])
def test_what_is_taken_is_bytes_however_it_was_cut(places: set[int]) -> None:
    buffer = ReceiveBuffer()
    for chunk in cut(b"a\nbcd", places):
        buffer.append(chunk)
    taken = [buffer.take_line(limit=1), buffer.take_exactly(1), buffer.take_all()]
    assert [type(piece) for piece in taken] == [bytes, bytes, bytes]


def test_what_arrived_whole_is_not_copied() -> None:
    chunk = b"x" * 1_000
    buffer = ReceiveBuffer()
    buffer.append(chunk)
    assert buffer.take_all() is chunk


# -- ReceiveBuffer: its limit ------------------------------------------------------------


def test_a_full_buffer_takes_no_more_and_keeps_what_it_has() -> None:
    buffer = ReceiveBuffer(limit=6)
    buffer.append(b"abcd")
    with pytest.raises(BufferFull, match="4 bytes"):
        buffer.append(b"efg")
    assert (buffer.position, buffer.take_all()) == (0, b"abcd")


def test_a_buffer_may_be_filled_to_its_limit() -> None:
    buffer = ReceiveBuffer(limit=6)
    buffer.append(b"abcd")
    buffer.append(b"ef")
    assert buffer.take_all() == b"abcdef"


def test_what_was_taken_makes_room() -> None:
    buffer = ReceiveBuffer(limit=6)
    for _ in range(100):
        buffer.append(b"ab\ncd")
        assert buffer.take_line(limit=4) == b"ab"
        buffer.append(b"efgh")
        assert buffer.take_all() == b"cdefgh"
    buffer.append(b"abcd")
    buffer.discard(3)
    buffer.append(b"efghi")
    assert buffer.take_all() == b"defghi"


def test_the_limit_holds_for_what_waits_and_not_for_what_comes_alone() -> None:
    buffer = ReceiveBuffer(limit=6)
    buffer.append(b"one chunk")
    assert buffer.take_exactly(4) == b"one "
    with pytest.raises(BufferFull):
        buffer.append(b"more")
    assert buffer.take_all() == b"chunk"


def test_what_comes_when_the_last_line_was_taken_always_fits() -> None:
    buffer = ReceiveBuffer(limit=6)
    buffer.append(b"line\n")
    assert buffer.take_line(limit=80) == b"line"
    buffer.append(b"one chunk")
    assert buffer.take_all() == b"one chunk"


def test_nothing_more_fits_into_a_full_buffer_but_nothing() -> None:
    buffer = ReceiveBuffer(limit=2)
    buffer.append(b"abc")
    buffer.append(b"")
    assert buffer.take_all() == b"abc"


def test_without_a_limit_any_number_of_bytes_may_wait() -> None:
    buffer = ReceiveBuffer()
    for _ in range(100):
        buffer.append(b"x" * 10_000)
    assert len(buffer) == 1_000_000


# -- SendQueue ---------------------------------------------------------------------------

# Every four bytes differ from all others, so that no loss or exchange goes unnoticed.
STREAM = b"".join(number.to_bytes(4, "big") for number in range(400_000))

chunk_sizes = st.sampled_from([0, 1, 2, 3, 500, 30_000, 65_535, 65_536, 65_537, 150_000])
accepted_sizes = st.sampled_from([0, 1, 2, 5, 700, 60_000, 100_000, 1_000_000])
appends = st.tuples(st.just("append"), chunk_sizes)
sends = st.tuples(st.just("send"), accepted_sizes)


def offered(queue: SendQueue, accepted: int = 0) -> bytes | memoryview:
    """What the queue gives to a socket that accepts up to so many bytes of it."""
    pieces: list[bytes | memoryview] = []

    def send(data: bytes | memoryview) -> int:
        pieces.append(data)
        return min(accepted, len(data))

    queue.send_to(send)
    (piece,) = pieces
    return piece


def queue_of(*chunks: bytes) -> SendQueue:
    queue = SendQueue()
    for chunk in chunks:
        queue.append(chunk)
    return queue


def drained(queue: SendQueue, accepted: int = 1_000_000) -> list[bytes]:
    """What leaves with each send, until nothing is left."""
    pieces = []
    while queue.size:
        pieces.append(bytes(offered(queue, accepted)[:accepted]))
    return pieces


@unhurried
@given(st.lists(appends | sends, max_size=10), st.lists(appends | sends, max_size=30))
def test_all_bytes_leave_once_and_in_order(
    first: list[tuple[str, int]], second: list[tuple[str, int]]
) -> None:
    queue = SendQueue()
    queued = sent = 0
    for action, size in [*first, *second]:
        if action == "append":
            size = min(size, len(STREAM) - queued)
            queue.append(STREAM[queued : queued + size])
            queued += size
        elif queue.size:
            piece = bytes(offered(queue, size))
            assert piece
            assert piece == STREAM[sent : sent + len(piece)]
            sent += min(size, len(piece))
        assert queue.size == queued - sent
    assert b"".join(drained(queue)) == STREAM[sent:queued]


def test_a_hundred_thousand_small_chunks_drain() -> None:
    queue = queue_of(*[STREAM[start : start + 4] for start in range(0, 400_000, 4)])
    pieces = drained(queue)
    assert b"".join(pieces) == STREAM[:400_000]
    assert len(pieces) <= 1 + 400_000 // 65_536


def test_single_bytes_accepted_drain_the_queue() -> None:
    queue = queue_of(*[STREAM[start : start + 4] for start in range(0, 20_000, 4)])
    assert b"".join(drained(queue, 1)) == STREAM[:20_000]


def test_a_chunk_that_stands_alone_is_not_copied() -> None:
    chunk = b"x" * 100
    assert offered(queue_of(chunk)) is chunk


def test_a_chunk_as_large_as_a_send_is_not_joined_with_its_neighbours() -> None:
    large = b"x" * 65_536
    assert offered(queue_of(large, b"y")) is large


def test_a_partial_send_copies_nothing() -> None:
    chunk = b"x" * 100
    queue = queue_of(chunk)
    offered(queue, 1)
    rest = offered(queue)
    assert isinstance(rest, memoryview)
    assert rest.obj is chunk


def test_small_neighbours_leave_together() -> None:
    assert offered(queue_of(b"one ", b"two ", b"three")) == b"one two three"


def test_no_more_is_joined_than_one_send_may_take() -> None:
    assert len(offered(queue_of(*[b"x" * 40_000] * 10))) == 80_000


def test_an_empty_append_adds_nothing() -> None:
    queue = queue_of(b"", b"a", b"")
    assert queue.size == 1
    assert drained(queue) == [b"a"]


def test_a_send_that_fails_takes_nothing() -> None:
    def refuse(data: bytes | memoryview) -> int:
        raise BlockingIOError

    queue = queue_of(b"ab", b"cd")
    with pytest.raises(BlockingIOError):
        queue.send_to(refuse)
    queue.append(b"ef")
    assert queue.size == 6
    assert drained(queue) == [b"abcdef"]


def test_clear_drops_everything_and_the_queue_lives_on() -> None:
    queue = queue_of(*[b"x" * 40_000] * 3)
    offered(queue, 1)
    queue.append(b"waiting")
    queue.clear()
    assert queue.size == 0
    queue.append(b"new")
    assert drained(queue) == [b"new"]


def test_many_chunks_are_joined_while_the_first_is_under_way() -> None:
    chunks = [bytes([number % 256]) * 100 for number in range(3000)]
    queue = queue_of(*chunks[:2])
    offered(queue, 1)
    for chunk in chunks[2:]:
        queue.append(chunk)
    assert b"".join(drained(queue)) == b"".join(chunks)[1:]
