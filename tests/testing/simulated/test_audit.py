"""A checker that can't fail is none: each complaint of the auditor is provoked by a planted bug.

And the very programs into which the bugs are planted pass as long as nothing is planted.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reactor import (
    EVENT_READ,
    DatagramBatch,
    DatagramEndpoint,
    DatagramHandler,
    ReceiveBuffer,
    Stream,
    StreamClosed,
    StreamHandler,
    bind_udp,
)
from reactor.testing import RecordingHandler, Simulation, Violation, simulated, stream_pair
from tests.testing.simulated.bugs import BUGS, Bug
from tests.testing.simulated.bugs.programs import PROGRAMS, SLOW, Program

AUDITS = ["auditor.py", "stream_audit.py", "endpoint_audit.py", "timer_audit.py"]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_nothing_is_said_against_a_program_without_a_bug(program: Program) -> None:
    with Simulation(faults=SLOW) as simulation:
        program(simulation)


def complaints_about(bug: Bug, patch: pytest.MonkeyPatch) -> str:
    with pytest.raises(Violation) as caught, Simulation(faults=SLOW) as simulation:
        bug.plant(simulation, patch)
    return str(caught.value)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.plant.__name__)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(bug.complaint, complaints_about(bug, monkeypatch))


def complaints_in_source() -> Iterator[str]:
    """A pattern for each complaint that the auditor and its helpers can make."""
    for path in AUDITS:
        for node in ast.walk(ast.parse((Path(*simulated.__path__) / path).read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("complain", "_complain"):
                yield pattern_of(node.args[0])


def pattern_of(text: ast.expr) -> str:
    parts = text.values if isinstance(text, ast.JoinedStr) else [text]
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in parts
    )


def test_each_complaint_is_provoked_by_some_bug() -> None:
    made = []
    for bug in BUGS:
        with pytest.MonkeyPatch.context() as patch:
            made.append(complaints_about(bug, patch))
    wanted = list(complaints_in_source())
    assert len(wanted) > 20
    assert [each for each in wanted if not re.search(each, "\n".join(made))] == []


# -- what is said and when -------------------------------------------------------------------


def test_all_that_is_wrong_in_a_turn_is_said_together() -> None:
    with pytest.raises(Violation, match=r"^2 tcp .* was never closed; 3 tcp .* was never closed$"):
        with Simulation() as simulation:
            simulation.network.socketpair()


def test_a_complaint_stands_in_the_transcript() -> None:
    with Simulation() as simulation:
        near, far = simulation.network.socketpair()
        with near, far, pytest.raises(Violation, match="never closed"):
            simulation.check_nothing_is_left()
    assert "auditor                       VIOLATION: 2 tcp" in simulation.transcript


def test_a_violation_has_what_the_handler_raised_as_its_cause() -> None:
    class Careless(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            raise ValueError("careless")

    with Simulation() as simulation:
        stream_pair(simulation.loop, Careless(), StreamHandler())
        with pytest.raises(Violation) as caught:
            simulation.run(1.0)
    assert isinstance(caught.value.__cause__, ValueError)


def test_of_several_handlers_that_raise_all_are_told_and_the_first_is_the_cause() -> None:
    class Careless(StreamHandler):
        def __init__(self, name: str) -> None:
            self._name = name

        def connection_made(self, stream: Stream) -> None:
            raise ValueError(self._name)

    with Simulation() as simulation:
        stream_pair(simulation.loop, Careless("left"), Careless("right"))
        with pytest.raises(Violation, match=r"'left'.*; .*'right'") as caught:
            simulation.run(1.0)
    assert str(caught.value.__cause__) == "left"


def test_what_a_program_reports_itself_is_no_violation() -> None:
    class Careless(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            raise ValueError("careless")

    reported: list[Exception] = []
    with Simulation() as simulation:
        simulation.loop.set_exception_handler(lambda message, exc: reported.append(exc))
        stream_pair(simulation.loop, Careless(), StreamHandler())
        simulation.run(1.0)
    assert [str(exc) for exc in reported] == ["careless"]


def test_a_bug_that_is_not_there_any_more_is_not_said_again() -> None:
    with Simulation() as simulation:
        near, far = simulation.network.socketpair()
        watcher = simulation.loop.register(near, EVENT_READ, lambda events: None)
        near.close()
        with pytest.raises(Violation, match="closed"):
            simulation.run(1.0)
        watcher.close()
        far.close()
        simulation.run(1.0)


# -- what a program may do with its own ------------------------------------------------------


def test_a_program_sees_its_own_handler_not_who_listens_in() -> None:
    handler = RecordingHandler()
    with Simulation() as simulation:
        stream, _ = stream_pair(simulation.loop, handler, StreamHandler())
        simulation.run(1.0)
        assert stream.handler is handler


def test_a_program_may_let_another_handler_take_over() -> None:
    class Greeter(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            self._stream = stream

        def data_received(self, buffer: ReceiveBuffer) -> None:
            self._stream.handler = heir

    heir = RecordingHandler()
    with Simulation() as simulation:
        left, _ = stream_pair(simulation.loop, StreamHandler(), Greeter())
        left.write(b"hello")
        left.close()
        simulation.run(10.0)
    assert heir.events == ["eof_received", "connection_lost"]


def test_a_program_may_let_another_handler_take_an_endpoint_over() -> None:
    class Heir(DatagramHandler):
        heard = 0

        def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
            self.heard += len(batch)

        def connection_lost(self, exc: Exception | None) -> None:
            self.heard += 10

    heir = Heir()
    with Simulation() as simulation:
        endpoint = bind_udp(simulation.loop, DatagramHandler(), "127.0.0.1", 0)
        endpoint.handler = heir
        endpoint.send(b"hello", endpoint.sockname)
        simulation.run(1.0)
    assert heir.heard == 11


def test_a_program_may_go_on_calling_a_stream_that_has_ended() -> None:
    with Simulation() as simulation:
        stream, _ = stream_pair(simulation.loop, StreamHandler(), StreamHandler())
        stream.close()
        simulation.run(10.0)
        stream.handler = heir = RecordingHandler()
        stream.close()
        stream.abort()
        with pytest.raises(StreamClosed):
            stream.write(b"too late")
    assert heir.events == []


def test_a_program_may_have_streams_of_its_own_kind() -> None:
    class Shouting(Stream):
        def write(self, data: bytes | bytearray | memoryview) -> bool:
            return super().write(bytes(data).upper())

    listening = RecordingHandler()
    with Simulation() as simulation:
        left, right = simulation.network.socketpair()
        stream = Shouting(simulation.loop, left, StreamHandler(), peername="right")
        Stream(simulation.loop, right, listening, peername="left")
        stream.write(b"hello")
        stream.close()
        simulation.run(10.0)
    assert listening.received == b"HELLO"
