"""Segmentation offload sends what the runs say: a wrong run is a datagram that is lost or cut.
The rules are the kernel's, stated here once more in other words.
"""

import socket
import struct
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.gso import MAX_DATAGRAM, Run, _is_mangling, find_runs

MAX_SEGMENTS = 64
UDP_SEGMENT = 103

a_size = st.sampled_from([0, 1, 2, 188, 1316, 1328, 9000, 32_753, 32_754, MAX_DATAGRAM])
stretches = st.tuples(a_size | st.integers(0, MAX_DATAGRAM), st.integers(1, 140))
small_sizes = st.lists(st.integers(0, 3), max_size=14)
all_sizes = (
    st.lists(stretches, max_size=6).map(
        lambda stretches: [size for size, times in stretches for _ in range(times)]
    )
    | st.lists(a_size, max_size=40)
    | small_sizes
)


def is_legal(sizes: Sequence[int]) -> bool:
    if len(sizes) == 1:
        return True
    *segments, last = sizes
    return (
        len(set(segments)) == 1
        and 0 < last <= segments[0]
        and len(sizes) <= MAX_SEGMENTS
        and sum(sizes) <= MAX_DATAGRAM
    )


def indices(run: Run) -> range:
    return range(run.first, run.first + run.count)


def fewest_runs(sizes: Sequence[int]) -> int:
    fewest = [0]
    for end in range(1, len(sizes) + 1):
        starts = [start for start in range(end) if is_legal(sizes[start:end])]
        fewest.append(1 + min(fewest[start] for start in starts))
    return fewest[-1]


many = settings(deadline=None)


@many
@given(all_sizes)
def test_every_datagram_is_in_one_run_and_in_order(sizes: list[int]) -> None:
    covered = [index for run in find_runs(tuple(sizes)) for index in indices(run)]
    assert covered == list(range(len(sizes)))


@many
@given(all_sizes)
def test_offsets_are_those_of_datagrams_packed_without_gaps(sizes: list[int]) -> None:
    end = 0
    for run in find_runs(tuple(sizes)):
        assert run.start == end
        end += sum(sizes[index] for index in indices(run))
        assert run.start + run.size == end


@many
@given(all_sizes)
def test_every_run_is_one_that_the_kernel_cuts_back_into_its_datagrams(sizes: list[int]) -> None:
    for run in find_runs(tuple(sizes)):
        assert is_legal([sizes[index] for index in indices(run)])


@many
@given(all_sizes)
def test_no_run_could_take_one_datagram_more(sizes: list[int]) -> None:
    for run in find_runs(tuple(sizes))[:-1]:
        assert not is_legal(sizes[run.first : run.first + run.count + 1])


@settings(deadline=None)
@given(small_sizes)
def test_no_other_cutting_needs_fewer_runs(sizes: list[int]) -> None:
    assert len(find_runs(tuple(sizes))) == fewest_runs(sizes)


@many
@given(all_sizes)
def test_a_run_tells_the_kernel_its_segment_size_and_a_single_datagram_nothing(
    sizes: list[int],
) -> None:
    for run in find_runs(tuple(sizes)):
        segment = struct.pack("=H", sizes[run.first])
        expected = [(socket.IPPROTO_UDP, UDP_SEGMENT, segment)] if run.count > 1 else []
        assert run.control == expected


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [
        ([], []),
        ([0], [1]),
        ([0, 0, 0], [1, 1, 1]),
        ([1316, 0, 1316], [1, 1, 1]),
        ([1316] * 49, [49]),
        ([1316] * 50, [49, 1]),
        ([1] * 65, [64, 1]),
        ([1316, 1316, 188, 188], [3, 1]),
        ([188, 1316], [1, 1]),
        ([MAX_DATAGRAM, MAX_DATAGRAM], [1, 1]),
        ([32_754, 32_753], [2]),
        ([32_754, 32_754], [1, 1]),
        ([32_754, 32_754, 1], [1, 2]),
    ],
)
def test_runs_end_where_the_rules_end_them(sizes: list[int], counts: list[int]) -> None:
    assert [run.count for run in find_runs(tuple(sizes))] == counts


@pytest.mark.parametrize(
    "release",
    ["7.0", "7.0.0", "7.0.12-generic", "7.0-rc1", "7.1", "7.1.4", "7.1.4-200.fc44.x86_64"],
)
def test_kernels_that_mangle_runs_are_known(release: str) -> None:
    assert _is_mangling(release)


@pytest.mark.parametrize(
    "release",
    [
        "4.18.0",
        "6.18.44-x",
        "6.99.99",
        "7.1.5",
        "7.1.10",
        "7.1.40",
        "7.2",
        "7.10.1",
        "8.0.0",
        "17.0.1",
    ],
)
def test_kernels_that_do_not_mangle_runs_are_trusted(release: str) -> None:
    assert not _is_mangling(release)


@pytest.mark.parametrize("release", ["", "unknown", "x7.1.2", "7"])
def test_a_release_that_says_nothing_is_trusted(release: str) -> None:
    assert not _is_mangling(release)


def test_a_datagram_too_large_to_be_sent_is_a_run_of_its_own() -> None:
    assert [run.count for run in find_runs((70_000, 70_000, 1))] == [1, 1, 1]


@pytest.mark.thorough
def test_what_is_remembered_of_runs_does_not_grow_with_the_batches() -> None:
    tracemalloc.start()
    try:
        for size in range(300):
            find_runs((size, *[1316] * 1_000))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
