"""A program that calls `select.select` itself has turns, and is answered as without a recorder."""

import os
import select
import selectors
import socket
import threading
from typing import Any

import pytest

from reactor.timeline.run.events import Io, Leave, Open, Ready, Select, Watch
from tests.timeline.tale import Recorded, recorded

from .conftest import Pair


def watches(told: Recorded) -> list[tuple[int, str, str]]:
    return [(watch.serial, watch.before, watch.after) for watch in told.all(Watch)]


# -- the loop ----------------------------------------------------------------------------


def test_each_call_begins_a_turn_and_tells_who_was_ready(told: Recorded, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    assert select.select([near], [near, far], [], 2.5) == ([near], [near, far], [])
    near.recv(9)
    assert select.select([near], [], [], 0) == ([], [], [])
    assert [(each.turn, each.timeout) for each in told.all(Select)] == [(1, 2.5), (2, 0.0)]
    assert [each.ready for each in told.all(Ready)] == [((1, "rw"), (2, "w")), ()]


def test_what_a_call_is_given_is_what_the_loop_waits_for(told: Recorded, pair: Pair) -> None:
    near, far = pair
    for reading, writing in ((near,), ()), ((near,), (near,)), ((far,), ()), ((far,), ()):
        select.select(reading, writing, (), 0.001)
    assert watches(told) == [(1, "", "r"), (1, "r", "rw"), (1, "rw", ""), (2, "", "r")]


def test_what_is_closed_is_watched_no_more_and_its_number_is_free(told: Recorded) -> None:
    for _ in range(2):
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            select.select([sock], [], [], 0.001)
    assert watches(told) == [(1, "", "r"), (2, "", "r")]


def test_numbers_and_pipes_can_be_waited_for(told: Recorded) -> None:
    near, far = os.pipe()
    try:
        assert select.select([near], [], [], 0.001)[0] == []
    finally:
        os.close(near)
        os.close(far)
    assert [lane.kind for lane in told.all(Open)] == ["other"]
    assert watches(told) == [(1, "", "r")]


def test_a_question_about_one_descriptor_is_not_the_first_wait_of_a_loop(
    told: Recorded, pair: Pair
) -> None:
    near, far = pair
    select.select([near], [], [], 0)
    select.select([near], [near], [near], 0)
    assert told.record.turn == 0
    select.select([near, far], [], [], 0)
    select.select([near], [], [], 0)
    assert [each.turn for each in told.all(Select)] == [1, 2]


def test_a_selector_that_waits_takes_over(told: Recorded, pair: Pair) -> None:
    near, _ = pair
    select.select([near], [], [], 0.001)
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ)
        selector.select(0)
        select.select([near], [], [], 0)
    select.select([near], [], [], 0.001)
    assert [each.turn for each in told.all(Select)] == [1, 2, 3]
    assert len(told.all(Leave)) == 2


def test_a_call_of_another_thread_is_its_own_affair(told: Recorded, pair: Pair) -> None:
    select.select([], [], [], 0.001)
    thread = threading.Thread(target=select.select, args=([], [pair[0]], []))
    thread.start()
    thread.join()
    assert len(told.all(Select)) == 1
    assert watches(told) == []


def test_a_long_wait_leaves_nothing_unwritten(told: Recorded, pair: Pair) -> None:
    near, far = pair

    def look() -> None:
        while b'"e": "io"' not in told.file.getvalue():
            pause.wait(0.01)
        far.send(b"x")

    pause = threading.Event()
    far.send(b"y")
    select.select([near], [], [])
    near.recv(9)
    watcher = threading.Thread(target=look)
    watcher.start()
    assert select.select([near], [], [])[0] == [near]
    watcher.join()
    assert len(told.all(Io)) >= 3


# -- what the program sees ---------------------------------------------------------------


class _Mute:
    def fileno(self) -> int:
        raise LookupError


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(((), (), (), "soon"), id="a timeout that is no number"),
        pytest.param(((), (), (), -1), id="a timeout below 0"),
        pytest.param(([-1], (), (), 0.001), id="a number below 0"),
        pytest.param((["name"], (), (), 0.001), id="a name"),
        pytest.param(((), [object()], (), 0.001), id="no descriptor"),
        pytest.param(([_Mute()], (), (), 0.001), id="a descriptor that is none"),
    ],
)
def test_what_is_refused_is_refused_as_ever(arguments: Any) -> None:
    def refusal() -> str:
        try:
            return str(select.select(*arguments))
        except Exception as exc:
            return repr(exc)

    unrecorded = refusal()
    with recorded():
        assert refusal() == unrecorded
