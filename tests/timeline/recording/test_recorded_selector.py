"""Selectors tell what is watched, how long the loop waits, and what was ready; and no more."""

import gc
import os
import selectors
import socket
import threading
from typing import Any

import pytest

from reactor.timeline.run.events import Blocked, Close, Io, Leave, Open, Ready, Select, Watch
from tests.timeline.tale import Recorded, recorded

from .conftest import Pair

NAMES = [
    name
    for name in ("DefaultSelector", "EpollSelector", "PollSelector", "SelectSelector")
    if hasattr(selectors, name)
]
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def make(name: str = NAMES[0]) -> Any:
    return getattr(selectors, name)()


@pytest.mark.parametrize("name", NAMES)
def test_each_selector_tells_what_is_watched_and_what_was_ready(
    told: Recorded, pair: Pair, name: str
) -> None:
    near, far = pair
    with make(name) as selector:
        selector.register(near, READ, "data")
        far.send(b"x")
        assert [(key.data, events) for key, events in selector.select(1.5)] == [("data", READ)]
        selector.modify(near, READ | WRITE)
        selector.unregister(near)
    assert [(watch.serial, watch.before, watch.after) for watch in told.all(Watch)] == [
        (1, "", "r"),
        (1, "r", "rw"),
        (1, "rw", ""),
    ]
    assert [select.timeout for select in told.all(Select)] == [1.5]
    assert [ready.ready for ready in told.all(Ready)] == [((1, "r"),)]
    assert len(told.all(Leave)) == 1


def test_other_data_of_the_same_interest_is_no_change(told: Recorded, pair: Pair) -> None:
    with make() as selector:
        selector.register(pair[0], READ)
        selector.modify(pair[0], READ, "other")
        selector.unregister(pair[0])
    assert [watch.after for watch in told.all(Watch)] == ["r", ""]


@pytest.mark.skipif(not hasattr(selectors, "EpollSelector"), reason="others notice it later")
def test_what_can_be_watched_no_more_is_told(told: Recorded) -> None:
    reading, writing = os.pipe()
    with make("EpollSelector") as selector, open(writing, "wb"):
        selector.register(reading, READ)
        os.close(reading)
        with pytest.raises(OSError, match="Bad file descriptor"):
            selector.modify(reading, READ | WRITE)
    assert [watch.after for watch in told.all(Watch)] == ["r", ""]


def test_what_is_refused_is_refused_as_ever(told: Recorded, pair: Pair) -> None:
    with make() as selector:
        with pytest.raises(KeyError, match="not registered"):
            selector.modify(pair[0], READ)
        with pytest.raises(KeyError, match="not registered"):
            selector.unregister(pair[0])
        selector.register(pair[0], READ)
        with pytest.raises(KeyError, match="already registered"):
            selector.register(pair[0], READ)
    assert [watch.after for watch in told.all(Watch)] == ["r", ""]


def test_a_selector_that_is_closed_watches_nothing(told: Recorded, pair: Pair) -> None:
    near, far = pair
    selector = make()
    selector.register(near, READ)
    selector.register(far, READ)
    selector.select(0)
    far.close()
    selector.close()
    selector.close()
    assert [(watch.serial, watch.after) for watch in told.all(Watch)] == [
        (1, "r"),
        (2, "r"),
        (1, ""),
    ]
    assert [type(event) for event in told.events][-2:-1] == [Leave]


def test_a_wait_for_a_selector_that_is_closed_is_refused_as_ever(told: Recorded) -> None:
    selector = make()
    selector.close()
    with pytest.raises(ValueError, match="closed"):
        selector.select(0)
    assert told.all(Select) == []


def test_what_is_closed_first_is_not_told_of_again(told: Recorded, pair: Pair) -> None:
    near, _ = pair
    with make() as selector:
        selector.register(near, READ)
        near.close()
        with socket.socket():  # may have its number
            selector.unregister(near)
    assert [watch.after for watch in told.all(Watch)] == ["r"]


def test_what_is_no_socket_is_born_when_it_is_watched(told: Recorded) -> None:
    reading, writing = os.pipe()
    with make() as selector, open(reading, "rb", buffering=0) as file, open(writing, "wb"):
        selector.register(file, READ)
        selector.register(writing, WRITE)
        assert len(selector.select(1)) == 1
    assert [(birth.fd, birth.kind) for birth in told.all(Open)] == [
        (reading, "other"),
        (writing, "other"),
    ]


def test_a_socket_made_before_is_born_when_it_is_watched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with recorded() as told, make() as selector:
            selector.register(server, READ)
    (birth,) = told.all(Open)
    assert (birth.kind, birth.local) == ("listener", f"{host}:{port}")


# -- who is the loop ---------------------------------------------------------------------


def test_a_selector_beside_the_loop_is_a_call_that_blocks(told: Recorded, pair: Pair) -> None:
    with make() as loop:
        loop.select(0)
        with make("SelectSelector") as beside:
            beside.register(pair[0], READ)
            beside.select(0.001)
            pair[1].send(b"x")
            beside.select(None)
    assert len(told.all(Select)) == 1
    assert not told.all(Watch)
    blocked = told.all(Blocked)
    assert [(each.what, each.about) for each in blocked] == [
        ("SelectSelector.select", "0.001"),
        ("SelectSelector.select", ""),
    ]


def test_the_next_selector_is_the_loop_when_the_first_is_over(told: Recorded, pair: Pair) -> None:
    first, second = make(), make()
    with second:
        with first:
            first.select(0)
            second.register(pair[0], WRITE)
        second.select(0)
    assert [(event.turn, type(event)) for event in told.events if event.turn] == [
        (1, Select),
        (1, Ready),
        (1, Leave),
        (1, Watch),
        (2, Select),
        (2, Ready),
        (2, Watch),
        (2, Leave),
        *[(2, type(event)) for event in told.events[-1:]],
    ]


def test_the_next_selector_is_the_loop_when_the_first_was_forgotten(told: Recorded) -> None:
    first = make()
    first.select(0)
    del first
    gc.collect()
    with make() as second:
        second.select(0)
    assert [select.turn for select in told.all(Select)] == [1, 2]


def test_a_selector_of_another_thread_is_its_own_affair(told: Recorded, pair: Pair) -> None:
    def wait() -> None:
        with make() as other:
            other.register(pair[0], WRITE)
            other.select(None)

    with make() as loop:
        loop.select(0)
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert len(told.all(Select)) == 1
    assert {blocked.what for blocked in told.all(Blocked)} <= {"threading.Thread.join"}


def test_a_loop_in_another_thread_has_its_turns_there(told: Recorded, pair: Pair) -> None:
    def run() -> None:
        with make() as loop:
            loop.register(pair[0], READ)
            pair[1].send(b"x")
            loop.select(None)
            pair[0].recv(9)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert told.all(Select)[0].thread == ""
    assert told.all(Io)[-1].thread == ""


# -- written in time ---------------------------------------------------------------------


def test_a_long_wait_leaves_nothing_unwritten(told: Recorded, pair: Pair) -> None:
    near, far = pair
    seen: list[bytes] = []

    def look() -> None:
        while b'"e": "io"' not in told.file.getvalue():
            stop.wait(0.01)
        seen.append(told.file.getvalue())
        far.send(b"x")

    stop = threading.Event()
    with make() as selector:
        selector.register(near, READ)
        far.send(b"y")
        selector.select(None)
        near.recv(9)
        watcher = threading.Thread(target=look)
        watcher.start()
        assert len(selector.select(None)) == 1
        watcher.join()
    assert seen


@pytest.mark.thorough
def test_a_wait_that_is_cut_for_writing_is_as_long_as_it_was_asked_to_be(told: Recorded) -> None:
    with make() as selector:
        selector.select(0)
        assert selector.select(0.3) == []
    first, second = told.all(Ready)
    assert second.time - first.time >= 0.3
    assert len(told.all(Select)) == 2


# -- what the program sees ---------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_selectors_made_before_and_during_are_of_their_class(name: str) -> None:
    with make(name) as before:
        with recorded(), make(name) as during:
            kind = getattr(selectors, name)
            assert isinstance(before, kind)
            assert isinstance(during, kind)
            assert isinstance(during, selectors.BaseSelector)
            assert issubclass(kind, selectors.BaseSelector)
            assert type(during).__name__ == type(before).__name__


def test_a_programs_own_class_of_selectors_is_recorded(told: Recorded, pair: Pair) -> None:
    class Own(selectors.DefaultSelector):
        def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
            return super().register(fileobj, events | WRITE, data)

    with Own() as selector:
        selector.register(pair[0], READ)
        selector.select(0)
    assert told.all(Watch)[0].after == "rw"


def test_nobody_dies_of_a_selector(told: Recorded, pair: Pair) -> None:
    with make() as selector:
        selector.register(pair[0], READ)
    assert not told.all(Close)
