"""What waits for room is what was given to the system and not taken, until it is or can't be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.timeline.run.events import Event, Io, Open, Queue, Select
from reactor.timeline.run.queues import Queues
from tests.timeline.strategies import run_of

PREVIEW = 8


def send(data: bytes, size: int, error: str = "") -> Io:
    """A send as it is recorded: the system took the first `size` bytes of `data`."""
    return Io(
        serial=3, op="send", size=size, asked=len(data), error=error,
        data=data[:size][:PREVIEW], rest=data[size:][:PREVIEW],
    )  # fmt: skip


def left_after(*sends: Io) -> int:
    queues = Queues()
    for event in sends:
        queues.send(event)
    return queues.sizes().get(3, 0)


def letters(size: int, first: int = 0) -> bytes:
    """Bytes of which no piece of some length is as another near it."""
    return bytes((first + place) % 251 for place in range(size))


def test_what_was_taken_whole_leaves_nothing() -> None:
    assert left_after(send(b"OK\n", 3)) == 0


def test_a_short_send_leaves_the_rest() -> None:
    assert left_after(send(letters(1000), 400)) == 600


@pytest.mark.parametrize("error", ["EAGAIN", "EWOULDBLOCK", "EINTR"])
def test_who_is_told_to_come_again_has_all_of_it_left(error: str) -> None:
    assert left_after(send(letters(1000), 0, error)) == 1000


def test_after_any_other_error_nothing_waits() -> None:
    data = letters(1000)
    assert left_after(send(data, 400), send(data[400:], 0, "EPIPE")) == 0


@given(st.integers(1, 3000), st.lists(st.integers(0, 900), max_size=8))
def test_a_program_that_gives_all_of_its_rest_each_time(total: int, taken: list[int]) -> None:
    data, sends = letters(total), []
    for size in taken:
        sends.append(send(data, min(size, len(data))))
        data = data[size:]

    assert left_after(*sends) == (len(data) if taken else 0)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8))
def test_a_program_that_gives_its_rest_in_pieces(pieces: list[int]) -> None:
    data = letters(3000)
    sends, at = [send(data, 100)], 100
    for size in pieces:
        sends.append(send(data[at : at + size], size))
        at += size

    assert left_after(*sends) == 3000 - at


def test_who_forgets_the_rest_owes_nothing_of_it() -> None:
    assert left_after(send(letters(1000), 400), send(b"something new\n", 14)) == 0


def test_what_the_program_tells_of_its_queue_is_believed() -> None:
    queues = Queues()
    queues.send(send(letters(1000), 400))
    queues.tell(3, 9000)
    assert queues.sizes() == {3: 9000}

    queues.tell(3, 0)
    assert queues.sizes() == {}


def test_with_a_socket_its_queue_is_gone() -> None:
    queues = Queues()
    queues.send(send(letters(1000), 400))
    queues.close(3)
    queues.close(4)

    assert queues.sizes() == {}


@pytest.mark.parametrize(
    ("told", "queues"),
    [
        (Queue(serial=3, size=500), {3: 500}),
        (Queue(serial=3, size=500, thread="worker"), {3: 500}),
        (Queue(serial=0, size=500), {}),
        (Io(serial=3, op="sendall", asked=500, size=100), {}),
    ],
)
def test_a_turn_has_the_queues_at_its_end(told: Event, queues: dict[int, int]) -> None:
    run = run_of(Select(turn=1), told, Select(turn=2))

    assert [turn.queues for turn in run.turns] == [queues, queues]


def test_a_datagram_that_is_refused_waits_nowhere() -> None:
    run = run_of(Open(serial=3, kind="datagram"), Select(turn=1), send(letters(99), 0, "EAGAIN"))

    assert run.turns[-1].queues == {}
