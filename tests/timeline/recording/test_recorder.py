"""A Recorder puts its stand-ins in, and takes out what is still its own."""

import os
import selectors
import socket
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import pytest

import reactor
from reactor.testing import RecordingHandler
from reactor.timeline import Recorder, label
from reactor.timeline.run.events import Close, Io, Label, Leave
from reactor.timeline.run.run import Stage, read
from tests.timeline.tale import recorded


def _nothing() -> None:
    """What a program may want instead."""


def names() -> list[object]:
    """What a Recorder replaces, among others."""
    selector_names = [name for name in dir(selectors) if name.endswith("Selector")]
    return [socket.socket, socket.socketpair, *(getattr(selectors, n) for n in selector_names)]


def test_all_is_as_it_was_when_the_block_is_over() -> None:
    before = names()
    with recorded():
        assert names() != before
    assert names() == before


def test_all_is_as_it_was_when_the_block_is_left_by_an_exception() -> None:
    before = names()
    with pytest.raises(ZeroDivisionError):
        with recorded():
            _ = 1 / 0
    assert names() == before


def test_what_the_program_has_replaced_meanwhile_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "socketpair", socket.socketpair)  # brings it back in the end
    with recorded():
        monkeypatch.setattr(socket, "socketpair", _nothing)
    assert names()[1] is _nothing


def test_what_the_program_has_removed_meanwhile_stays_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selectors, "SelectSelector", selectors.SelectSelector)  # brings it back
    with recorded():
        del selectors.SelectSelector
    assert not hasattr(selectors, "SelectSelector")


def test_one_records_at_a_time() -> None:
    with recorded():
        before = names()
        with pytest.raises(RuntimeError, match="one at a time"), Recorder(BytesIO()):
            raise AssertionError("two record")
        assert names() == before
    with recorded():
        pass


def test_a_file_that_cannot_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    before = names()
    with pytest.raises(FileNotFoundError), Recorder(tmp_path / "no" / "run.jsonl"):
        raise AssertionError("it could")
    assert names() == before
    with recorded():
        pass


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_ends_the_record_not_the_run(caplog: pytest.LogCaptureFixture) -> None:
    with Recorder("/dev/full") as recorder:
        near, far = socket.socketpair()
        with near, far:
            near.send(b"hola")
            assert far.recv(9) == b"hola"
    assert recorder.error is not None
    assert caplog.text.count("ends here") == 1


def test_a_record_that_was_written_has_no_error(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run.jsonl") as recorder:
        pass
    assert recorder.error is None
    assert len((tmp_path / "run.jsonl").read_bytes().splitlines()) == 2


def test_a_label_is_told() -> None:
    with recorded() as told:
        near, far = socket.socketpair()
        with near, far:
            label(near, "near")
            label(far.fileno(), "far")
    assert [(event.serial, event.label) for event in told.all(Label)] == [(1, "near"), (2, "far")]


def test_what_is_closed_already_stays_without_a_name() -> None:
    with recorded() as told:
        sock = socket.socket()
        sock.close()
        label(sock, "gone")
    assert told.all(Label) == []


def test_what_can_not_be_labelled_is_refused_whoever_records() -> None:
    for maybe_recorded in (nullcontext(), recorded()):
        with maybe_recorded, pytest.raises(AttributeError):
            label("a name", "a name")


def test_a_label_is_harmless_where_nobody_records() -> None:
    with socket.socket() as sock:
        label(sock, "nobody listens")


def test_a_run_of_the_library_is_recorded_from_birth_to_death() -> None:
    with recorded() as told:
        with reactor.EventLoop() as loop:
            far = RecordingHandler()
            listener = reactor.listen(loop, RecordingHandler, "127.0.0.1", 0)
            near = RecordingHandler()
            reactor.connect(loop, near, "127.0.0.1", listener.sockname[1])
            while not near.events:
                loop.run_once()
            assert near.stream is not None
            near.stream.write(b"hola\n")
            loop.run_once()
    run = told.run
    assert run.is_whole
    assert not run.unreadable
    assert all(lane.died is not None for lane in run.lanes.values())
    assert sorted(lane.kind for lane in run.lanes.values()) == [
        "listener", "stream", "stream", "wakeup", "wakeup",
    ]  # fmt: skip
    assert b"hola\n" in [io.data for io in told.all(Io) if io.op == "send"]
    assert len(told.all(Leave)) == 1
    assert run.turns[-1].stage is not Stage.BEFORE
    assert far.events == []


def test_the_same_program_unrecorded_closes_as_much() -> None:
    with recorded() as told:
        reactor.EventLoop().close()
    assert len(told.all(Close)) == 2


def test_a_record_of_nothing_is_a_run_of_nothing() -> None:
    with recorded() as told:
        pass
    assert read(told.file.getvalue().splitlines()).turns == []
