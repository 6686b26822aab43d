"""How chapter 8 looks at video: what a socket holds, how evenly is filmed, who is held up."""

import socket
import sys
from collections.abc import Iterator

import pytest

from examples.course.grade.chapters.chapter08 import _Stream
from examples.course.grade.exam import Exam
from examples.course.grade.loopback import can_carry, room_for
from examples.course.grade.program import Program
from examples.course.grade.transcript import Transcript
from tests.doubles.program import ROOT


class SlowWay:
    """Each look takes ten seconds of its clock, and how much was filmed before it is counted."""

    def __init__(self) -> None:
        self.looks: list[int] = [0]
        self.now = 0.0

    def film(self, datagram: bytes) -> None:
        self.looks[-1] += 1

    def look(self, within: float) -> list[bytes]:
        self.looks.append(0)
        self.now += 10.0
        return []


def test_a_stream_that_could_not_be_filmed_in_time_fills_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = SlowWay()
    monkeypatch.setattr("time.monotonic", lambda: way.now)
    _Stream(way, rate=460, at_once=23).go_on(until=100)  # type: ignore[arg-type]
    assert max(way.looks) == 23
    assert sum(way.looks) >= 100


@pytest.mark.parametrize("size", [1, 1316])
def test_a_socket_holds_as_many_datagrams_as_was_measured(size: int) -> None:
    room = room_for(size)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(room + 1):
                sender.sendto(bytes(size), receiver.getsockname())
        for _ in range(room):
            receiver.recv(size)
        with pytest.raises(BlockingIOError):
            receiver.recv(size)


def test_what_no_datagram_holds_cannot_be_carried() -> None:
    assert can_carry(0)
    assert not can_carry(65_508)


@pytest.fixture
def exam() -> Iterator[Exam]:
    program = Program([sys.executable, str(ROOT / "examples/course/08/fixed.py")])
    with Exam(program, Transcript(), seed=1) as exam:
        yield exam


def test_who_is_held_up_finds_all_of_a_crowd_waiting(exam: Exam) -> None:
    _, screen = exam.viewer("A")
    camera = exam.camera()
    with exam.program.held_up():
        for number in range(12):
            camera.film(b"%d" % number)
        assert not screen.take(1, 0.05)
    assert screen.take(12, 5.0) == [b"%d" % number for number in range(12)]
