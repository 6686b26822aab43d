"""Watcher: what is waited for, by whom, and what an event means that is out of date."""

import errno
import os
import random
import selectors
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    EventLoop,
    ReceiveBuffer,
    Stream,
    Watcher,
    bind_udp,
    connect,
    listen,
)
from reactor.testing import RecordingHandler, run_until
from tests.conftest import MakePair, Pair
from tests.doubles.mailbox import Mailbox
from tests.doubles.spy_selector import SpySelector


def fail(*args: object) -> None:
    raise ZeroDivisionError


# -- watchers ----------------------------------------------------------------------------


def test_a_watcher_is_told_what_it_waits_for_and_no_more(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    seen: list[int] = []
    watcher = loop.register(near, EVENT_READ, seen.append)
    loop.run_once(0)
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    watcher.modify(EVENT_READ | EVENT_WRITE)
    loop.run_once(0)
    assert seen == [EVENT_READ, EVENT_WRITE, EVENT_READ | EVENT_WRITE]


def test_a_watcher_registered_with_0_waits_for_nothing(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    loop.register(near, 0, fail)
    loop.run()


def test_a_watcher_of_nothing_is_not_woken_by_a_hang_up(
    loop: EventLoop, selector: SpySelector, pair: Pair
) -> None:
    near, far = pair
    loop.register(near, EVENT_READ, fail).modify(0)
    far.close()
    loop.run()
    assert selector.timeouts == []


def test_a_watcher_of_nothing_can_wait_again(loop: EventLoop, pair: Pair) -> None:
    seen: list[int] = []
    watcher = loop.register(pair[0], 0, seen.append)
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


def test_readiness_that_is_not_used_up_comes_again(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    far.send(b"x")
    seen: list[int] = []
    loop.register(near, EVENT_READ, seen.append)
    loop.run_once(0)
    loop.run_once(0)
    assert seen == [EVENT_READ, EVENT_READ]


def test_closing_a_watcher_twice_is_harmless(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_READ, fail)
    watcher.close()
    watcher.close()
    assert watcher.closed
    assert watcher.events == 0


def test_closing_a_watcher_leaves_its_socket_open(loop: EventLoop, pair: Pair) -> None:
    near, far = pair
    loop.register(near, EVENT_READ, fail).close()
    far.send(b"x")
    assert near.recv(1) == b"x"


def test_a_closed_watcher_can_not_be_modified(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_READ, fail)
    watcher.close()
    with pytest.raises(ValueError, match="closed"):
        watcher.modify(EVENT_READ)


def test_a_closed_watcher_keeps_its_callback_no_longer(loop: EventLoop, pair: Pair) -> None:
    watcher = loop.register(pair[0], EVENT_READ, fail)
    watcher.close()
    with pytest.raises(AssertionError, match="closed watcher"):
        watcher.callback(EVENT_READ)


def test_a_watcher_whose_change_is_refused_waits_for_nothing_and_can_wait_again(
    loop: EventLoop, pair: Pair, selector: SpySelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fileobj: object, events: int, data: object = None) -> object:
        selector.unregister(fileobj)  # as `selectors` does
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    seen: list[int] = []
    watcher = loop.register(pair[0], EVENT_READ, seen.append)
    with monkeypatch.context() as patch:
        patch.setattr(selector, "modify", refuse)
        with pytest.raises(OSError, match="Cannot allocate"):
            watcher.modify(EVENT_READ | EVENT_WRITE)
    assert (watcher.events, watcher.closed, selector.watched) == (0, False, 0)
    loop.run()  # which has nothing to wait for
    watcher.modify(EVENT_WRITE)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [4, 8, -1, None, "r", 1.0])
def test_unknown_events_are_refused(loop: EventLoop, pair: Pair, events: Any) -> None:
    with pytest.raises(ValueError, match=f"unknown events: {events!r}"):
        loop.register(pair[0], events, fail)


def test_a_descriptor_can_not_be_watched_twice(loop: EventLoop, pair: Pair) -> None:
    loop.register(pair[0], EVENT_READ, fail)
    with pytest.raises(ValueError, match="has an owner"):
        loop.register(pair[0], EVENT_WRITE, fail)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_descriptor_whose_watcher_waits_for_nothing_has_an_owner_all_the_same(
    loop: EventLoop, pair: Pair, events: int
) -> None:
    loop.register(pair[0], 0, fail)
    with pytest.raises(ValueError, match="has an owner"):
        loop.register(pair[0].fileno(), events, fail)


def test_a_descriptor_whose_watcher_was_closed_can_be_watched_again(
    loop: EventLoop, pair: Pair
) -> None:
    seen: list[int] = []
    loop.register(pair[0], EVENT_READ, fail).close()
    loop.register(pair[0], EVENT_WRITE, seen.append)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_the_number_of_a_file_that_its_owner_has_closed_is_free(
    loop: EventLoop, make_pair: MakePair, events: int
) -> None:
    seen: list[int] = []
    gone, _ = make_pair()
    owner = loop.register(gone, events, fail)
    number = gone.fileno()
    gone.close()
    newcomer, _ = make_pair()
    if newcomer.fileno() != number:
        os.dup2(newcomer.fileno(), number)
        newcomer.close()
        newcomer = socket.socket(fileno=number)
    with newcomer:
        loop.register(newcomer, EVENT_WRITE, seen.append)
        assert owner.closed
        owner.close()
        loop.run_once(0)
        assert seen == [EVENT_WRITE]
        loop.close()


@pytest.mark.parametrize("bad", [-1, "a name", None, 1.5])
def test_what_is_no_descriptor_is_refused(loop: EventLoop, bad: Any) -> None:
    with pytest.raises(ValueError, match="expected a descriptor"):
        loop.register(bad, EVENT_READ, fail)


def test_the_least_number_there_is_can_be_watched(loop: EventLoop) -> None:
    assert loop.register(0, 0, fail).fd == 0


def test_a_closed_socket_is_refused(loop: EventLoop, pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(ValueError, match="that is open"):
        loop.register(pair[0], EVENT_READ, fail)


def test_a_closed_file_is_refused(loop: EventLoop) -> None:
    with open(__file__) as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        loop.register(file, EVENT_READ, fail)


@pytest.mark.parametrize("events", [0, EVENT_READ])
@pytest.mark.parametrize("mode", ["r", "rb", "r+b"])
def test_a_regular_file_is_refused(loop: EventLoop, tmp_path: Path, events: int, mode: str) -> None:
    path = tmp_path / "file"
    path.touch()
    with path.open(mode) as file, pytest.raises(ValueError, match="not a file"):
        loop.register(file, events, fail)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_regular_file_in_a_wrapper_is_refused(loop: EventLoop, events: int) -> None:
    with NamedTemporaryFile() as file, pytest.raises(ValueError, match="not a file"):
        loop.register(file, events, fail)


def test_what_can_be_waited_for_may_be_wrapped_in_any_object(loop: EventLoop, pair: Pair) -> None:
    class Wrapper:
        def fileno(self) -> int:
            return pair[0].fileno()

    seen: list[int] = []
    loop.register(Wrapper(), EVENT_WRITE, seen.append)
    loop.run_once(0)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_number_that_select_does_not_take_is_refused_in_the_call(
    pair: Pair, beyond_select: Callable[[int], int], events: int
) -> None:
    number = beyond_select(pair[0].fileno())
    with EventLoop(selector=selectors.SelectSelector()) as loop:
        with pytest.raises(ValueError, match=f"below 1024, not {number}"):
            loop.register(number, events, fail)
        loop.run_once(0)
    os.close(number)


@pytest.mark.skipif(not hasattr(selectors, "PollSelector"), reason="needs poll(2)")
def test_a_number_that_select_does_not_take_is_like_any_other_elsewhere(
    pair: Pair, beyond_select: Callable[[int], int]
) -> None:
    seen: list[int] = []
    number = beyond_select(pair[0].fileno())
    with EventLoop(selector=selectors.PollSelector()) as loop:
        loop.register(number, EVENT_WRITE, seen.append)
        loop.run_once(0)
    os.close(number)
    assert seen == [EVENT_WRITE]


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_the_number_of_a_regular_file_or_a_directory_is_refused(
    loop: EventLoop, tmp_path: Path, events: int
) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path):
        number = os.open(path, os.O_RDONLY)
        with pytest.raises(ValueError, match="not a file"):
            loop.register(number, events, fail)
        os.close(number)


@pytest.mark.parametrize("events", [0, EVENT_READ])
def test_a_number_that_is_not_open_is_refused(loop: EventLoop, events: int) -> None:
    number = os.dup(0)
    os.close(number)
    with pytest.raises(ValueError, match=f"that is open, not {number}"):
        loop.register(number, events, fail)


def test_a_number_that_was_watched_as_such_is_free_when_it_stands_for_another_file(
    loop: EventLoop, make_pair: MakePair
) -> None:
    seen: list[int] = []
    reader, writer = os.pipe()
    owner = loop.register(reader, EVENT_READ, fail)
    heir, _ = make_pair()
    os.dup2(heir.fileno(), reader)
    loop.register(reader, EVENT_WRITE, seen.append)
    assert owner.closed
    owner.close()
    loop.run_once(0)
    loop.close()
    os.close(reader)
    os.close(writer)
    assert seen == [EVENT_WRITE]


def test_a_pipe_can_be_watched_by_the_file_that_wraps_it(loop: EventLoop) -> None:
    seen: list[int] = []
    reader, writer = os.pipe()
    with open(reader, "rb") as file, open(writer, "wb"):
        loop.register(file, EVENT_READ, seen.append)
        os.write(writer, b"x")
        loop.run_once(0)
        loop.close()
    assert seen == [EVENT_READ]


def test_what_was_refused_is_not_owned(loop: EventLoop, pair: Pair, selector: SpySelector) -> None:
    selector.refusal = errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        loop.register(pair[0], EVENT_READ, fail)
    selector.refusal = None
    loop.register(pair[0], EVENT_READ, fail)


# -- events of one batch -----------------------------------------------------------------


def first_to_last(selector: SpySelector, *order: socket.socket) -> None:
    """Let the selector report descriptors in this order."""
    numbers = [sock.fileno() for sock in order]
    selector.arrange = lambda ready: sorted(ready, key=lambda entry: numbers.index(entry[0].fd))


def test_a_watcher_closed_earlier_in_the_batch_is_not_called(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    first, second = make_pair()[0], make_pair()[0]
    loop.register(first, EVENT_WRITE, lambda events: victim.close())
    victim = loop.register(second, EVENT_WRITE, fail)
    first_to_last(selector, first, second)
    loop.run_once(0)
    assert victim.closed


def test_an_event_masked_earlier_in_the_batch_is_not_delivered(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    first, second = make_pair()[0], make_pair()[0]
    loop.register(first, EVENT_WRITE, lambda events: masked.modify(EVENT_READ))
    masked = loop.register(second, EVENT_WRITE, fail)
    first_to_last(selector, first, second)
    loop.run_once(0)
    assert masked.events == EVENT_READ


def test_one_of_two_events_masked_earlier_in_the_batch_is_taken_out(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    first, (second, far) = make_pair()[0], make_pair()
    far.send(b"x")
    seen: list[int] = []
    loop.register(first, EVENT_WRITE, lambda events: masked.modify(EVENT_READ))
    masked = loop.register(second, EVENT_READ | EVENT_WRITE, seen.append)
    first_to_last(selector, first, second)
    loop.run_once(0)
    assert seen == [EVENT_READ]


def test_a_stale_event_does_not_reach_the_new_owner_of_a_descriptor_number(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair
) -> None:
    a, (b, b_far), (quiet, _) = make_pair()[0], make_pair(), make_pair()
    b_far.send(b"x")
    number = b.fileno()

    def take_over(events: int) -> None:
        watcher_a.close()
        watcher_b.close()
        os.dup2(quiet.fileno(), number)
        loop.register(b, EVENT_READ, fail)

    watcher_a = loop.register(a, EVENT_WRITE, take_over)
    watcher_b = loop.register(b, EVENT_READ, fail)
    first_to_last(selector, a, b)
    loop.run_once(0)
    assert watcher_b.closed


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_called_has_something_to_read_in_any_order_of_events(
    loop: EventLoop, selector: SpySelector, make_pair: MakePair, seed: int
) -> None:
    chance = random.Random(seed)
    selector.arrange = lambda ready: chance.sample(ready, len(ready))
    watchers: dict[socket.socket, Watcher] = {}

    def watch(sock: socket.socket) -> None:
        watchers[sock] = loop.register(sock, EVENT_READ, lambda events: read_and_replace(sock))

    def read_and_replace(sock: socket.socket) -> None:
        assert sock.recv(1) == b"x"  # BlockingIOError: called for nothing
        victim = chance.choice(list(watchers))
        watchers[victim].close()
        os.dup2(make_pair()[0].fileno(), victim.fileno())
        watch(victim)

    for _ in range(8):
        near, far = make_pair()
        far.send(b"x")
        watch(near)
    for _ in range(8):
        loop.run_once(0)


def test_everything_can_be_closed_from_inside_a_callback(
    loop: EventLoop, make_pair: MakePair
) -> None:
    calls: list[int] = []

    def close_all(events: int) -> None:
        calls.append(events)
        for watcher in watchers:
            watcher.close()

    watchers = [loop.register(make_pair()[0], EVENT_WRITE, close_all) for _ in range(10)]
    loop.run()
    assert calls == [EVENT_WRITE]


@pytest.mark.parametrize("seed", range(10))
def test_false_readiness_changes_nothing(loop: EventLoop, selector: SpySelector, seed: int) -> None:
    class Echo(RecordingHandler):
        def data_received(self, buffer: ReceiveBuffer) -> None:
            assert self.stream is not None
            self.stream.write(buffer.take_all())

    class Client(RecordingHandler):
        def connection_made(self, stream: Stream) -> None:
            super().connection_made(stream)
            stream.write(message)
            stream.write_eof()

    selector.lie(seed)
    message = bytes(range(256)) * 4096
    client, mailbox = Client(), Mailbox()
    listener = listen(loop, Echo, "127.0.0.1", 0)
    connect(loop, client, "127.0.0.1", listener.sockname[1])
    endpoint = bind_udp(loop, mailbox, "127.0.0.1")
    endpoint.send(b"to myself", endpoint.sockname)
    run_until(loop, lambda: client.events[-1:] == ["connection_lost"] and mailbox.batches)
    assert client.received == message
    assert client.error is None
    assert mailbox.datagrams == [b"to myself"]
