"""The checks at a small size, so that none rots; and each shown a fault, which it has to see."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from reactor import Address, DatagramBatch, DatagramEndpoint, ReceiveBuffer, Stream
from reactor.relay.control import ControlConnection
from reactor.relay.fanout import FanOut, Viewer
from reactor.relay.protocol import CommandParser, ReplyParser

from . import __main__ as program
from . import conservation, hostile, parser, soak
from .bursts import Share, fits, is_thinned
from .outcome import CI, Outcome, Plan

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the checks look at the system as Linux shows it"
)


# -- parser --------------------------------------------------------------------------------


def test_the_parsers_hear_the_same_however_input_is_cut() -> None:
    outcome = parser.check(3000, seed=1)
    assert outcome.failures == []
    words = ["CONECTAR", "INTERRUMPIR", "CONTINUAR", "DESCONECTAR"]
    kinds = [f"commands: {kind}" for kind in [*words, "ERROR", "LARGO", "end"]]
    kinds += [f"replies: {kind}" for kind in ["OK", "ERROR", "no reply", "LARGO", "end"]]
    assert all(outcome.figures.get(kind) for kind in kinds)


def test_equal_seeds_make_equal_inputs_and_others_do_not() -> None:
    one, same, other = (list(parser.inputs(50, seed)) for seed in (7, 7, 8))
    assert one == same != other


class ForgetsBlanksBetweenPieces(CommandParser):
    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        super().receive_data(bytes(data).rstrip(b" ") or data)


class TakesAnyPort(CommandParser):
    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        super().receive_data(bytes(data).replace(b" 1023", b" 1024"))


class CountsFromZeroAgain(ReplyParser):
    def receive_data(self, data: bytes | bytearray | memoryview) -> None:
        if not self._buffer:
            self._buffer = ReceiveBuffer()
        super().receive_data(data)


@pytest.mark.parametrize(
    ("commands", "replies"),
    [
        (ForgetsBlanksBetweenPieces, ReplyParser),
        (TakesAnyPort, ReplyParser),
        (CommandParser, CountsFromZeroAgain),
    ],
)
def test_a_parser_with_a_fault_is_found_out(
    commands: type[CommandParser], replies: type[ReplyParser]
) -> None:
    assert parser.check(2000, 1, commands, replies).failures


# -- conservation --------------------------------------------------------------------------


def test_every_copy_is_there_once_or_counted() -> None:
    outcome = conservation.check(20_000, seed=1)
    assert outcome.failures == []
    assert int(outcome.figures["copies received and compared"]) >= 20_000
    assert outcome.figures["offload off, sends that fail: counted as dropped"]


class Faulty(FanOut):
    """Relays batches that `spoil` has been at, once in a while."""

    turn = 0

    def spoil(self, datagrams: list[bytes]) -> list[bytes]:
        return datagrams

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        self.turn += 1
        if self.turn % 5 == 0 and len(batch) > 2:
            batch = DatagramBatch.of(self.spoil([bytes(datagram) for datagram in batch]))
        super().datagrams_received(endpoint, batch)


class Drops(Faulty):
    def spoil(self, datagrams: list[bytes]) -> list[bytes]:
        return datagrams[1:]


class Duplicates(Faulty):
    def spoil(self, datagrams: list[bytes]) -> list[bytes]:
        return [datagrams[0], *datagrams]


class Swaps(Faulty):
    def spoil(self, datagrams: list[bytes]) -> list[bytes]:
        return datagrams[::-1]


class Alters(Faulty):
    def spoil(self, datagrams: list[bytes]) -> list[bytes]:
        largest = max(range(len(datagrams)), key=lambda place: len(datagrams[place]))
        datagrams[largest] = datagrams[largest][:-1] + b"!"
        return datagrams


class SendsOnToWhoPaused(FanOut):
    def deactivate(self, viewer: Viewer) -> None:
        if viewer.active_since is not None and viewer.address[1] % 3:
            super().deactivate(viewer)


class Miscounts(FanOut):
    def release(self, viewer: Viewer) -> None:
        super().release(viewer)
        viewer.dropped += 1


@pytest.mark.parametrize("fault", [Drops, Duplicates, Swaps, Alters, SendsOnToWhoPaused, Miscounts])
def test_a_relay_that_spoils_the_stream_is_found_out(
    monkeypatch: pytest.MonkeyPatch, fault: type[FanOut]
) -> None:
    monkeypatch.setattr("reactor.relay.server.FanOut", fault)
    assert conservation.check(50_000, seed=1, patience=0.5).failures


def test_a_relay_that_counts_what_it_did_not_send_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_to_all = DatagramEndpoint.send_batch_to_all

    def boast(
        endpoint: DatagramEndpoint, batch: DatagramBatch, addresses: list[Address]
    ) -> dict[Address, int]:
        endpoint.counters.sent += 1
        return send_to_all(endpoint, batch, addresses)

    monkeypatch.setattr(DatagramEndpoint, "send_batch_to_all", boast)
    (failure, *_) = conservation.check(1000, seed=1, patience=0.1).failures
    assert "it did not end" in failure


ONE, TWO, THREE = b"1", b"2", b"3"


@pytest.mark.parametrize(
    ("got", "share", "expected"),
    [
        ([ONE, TWO, THREE], Share.ALL, True),
        ([ONE, TWO], Share.ALL, False),
        ([], Share.NONE, True),
        ([ONE], Share.NONE, False),
        ([ONE, TWO], Share.FIRST, True),
        ([TWO, THREE], Share.FIRST, False),
        ([TWO, THREE], Share.LAST, True),
        ([ONE], Share.LAST, False),
        ([ONE, ONE, TWO, THREE], Share.LAST, False),
        ([TWO], Share.MIDDLE, True),
        ([ONE, THREE], Share.MIDDLE, False),
        ([ONE, THREE], Share.ENDS, True),
        ([TWO], Share.ENDS, False),
        ([ONE, TWO, TWO, THREE], Share.ENDS, False),
    ],
)
def test_a_share_of_a_burst(got: list[bytes], share: Share, expected: bool) -> None:
    assert fits(got, [ONE, TWO, THREE], share) is expected


@pytest.mark.parametrize(
    ("got", "expected"), [([ONE, THREE], True), ([THREE, ONE], False), ([ONE, ONE], False)]
)
def test_a_thinned_burst(got: list[bytes], expected: bool) -> None:
    assert is_thinned(got, [ONE, TWO, THREE]) is expected


# -- hostile -------------------------------------------------------------------------------


def server(fault: str = "") -> list[str]:
    """The command of a relay, into which a fault may be put before it starts."""
    code = f"import sys\n{fault}\nfrom examples.server import main\nsys.exit(main())"
    options = ["127.0.0.1", "0", "--ingest", "127.0.0.1:0", "--command-timeout", "0.3"]
    return [sys.executable, "-c", code, *options]


@pytest.mark.thorough
def test_good_clients_lose_nothing_to_bad_ones() -> None:
    outcome = hostile.check(27, seed=1, seconds=1.0, server=server())
    assert outcome.failures == []
    assert outcome.figures["bad clients at once"] == 27


DROPS = """
from reactor.relay.fanout import FanOut
relay = FanOut.datagrams_received
def drop(self, endpoint, batch, turn=[0]):
    turn[0] += 1
    if turn[0] % 100:
        relay(self, endpoint, batch)
FanOut.datagrams_received = drop
"""
LEAVES_UNANSWERED = """
from reactor.relay.control import ControlConnection
reply = ControlConnection._reply
def skip(self, message, turn=[0]):
    turn[0] += 1
    if turn[0] % 50:
        reply(self, message)
ControlConnection._reply = skip
"""
OVERHEARS_THE_END = """
from reactor.relay.control import ControlConnection
ControlConnection.eof_received = lambda self: True
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (DROPS, "lost"),
        (LEAVES_UNANSWERED, "reply"),
        (OVERHEARS_THE_END, "descriptors"),
    ],
    ids=["drops", "leaves unanswered", "overhears the end"],
)
def test_a_relay_that_gives_way_is_found_out(fault: str, complaint: str) -> None:
    outcome = hostile.check(18, seed=1, seconds=0.5, server=server(fault), patience=1.0)
    assert any(complaint in failure for failure in outcome.failures), outcome.failures


# -- soak ----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_nothing_is_left_of_clients_that_went() -> None:
    outcome = soak.check(seconds=2.0, seed=1)
    assert outcome.failures == []
    assert int(outcome.figures["connections"]) > len(soak._CROWD)


def leak(connection: ControlConnection, kept: list[object] = []) -> None:  # noqa: B006
    kept.append(connection)


def tie_a_knot(connection: ControlConnection) -> None:
    connection.knot = connection  # type: ignore[attr-defined]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("fault", "complaint"), [(leak, "more objects"), (tie_a_knot, "only the collector")]
)
def test_a_relay_that_keeps_its_clients_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[ControlConnection], None],
    complaint: str,
) -> None:
    made = ControlConnection.connection_made

    def make(connection: ControlConnection, stream: Stream) -> None:
        fault(connection)
        made(connection, stream)

    monkeypatch.setattr(ControlConnection, "connection_made", make)
    outcome = soak.check(seconds=1.0, seed=1)
    assert any(complaint in failure for failure in outcome.failures), outcome.failures


# -- the program ---------------------------------------------------------------------------


def perform(monkeypatch: pytest.MonkeyPatch, failures: Iterable[str], *arguments: str) -> int:
    outcome = Outcome({"inputs": 1000}, list(failures))
    checks = {"parser": SimpleNamespace(run=lambda plan: outcome)}
    monkeypatch.setattr(program, "CHECKS", checks)
    return program.main(arguments)


def test_promises_that_held_are_success_and_figures_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = tmp_path / "results.json"
    assert perform(monkeypatch, [], "parser", "--json", str(results), "--seed", "9") == 0
    report = json.loads(results.read_text())
    assert (report["seed"], report["checks"]["parser"]["figures"]["inputs"]) == (9, 1000)


def test_a_broken_promise_is_a_line_that_says_how_to_repeat_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert perform(monkeypatch, ["one datagram came twice"], "all", "--seed", "9") == 1
    repeat = "python3 -m tests.reliability parser --seed 9"
    assert f"BROKEN one datagram came twice; repeat: {repeat}\n" in capsys.readouterr().out


def test_a_check_that_crashes_is_a_broken_promise_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(plan: Plan) -> Outcome:
        raise OSError("no more ports")

    monkeypatch.setattr(program, "CHECKS", {"soak": SimpleNamespace(run=crash)})
    assert program.main(["soak"]) == 1
    assert "BROKEN the check itself came to nothing: OSError('no more ports')" in (
        capsys.readouterr().out
    )


def test_how_to_repeat_names_all_that_matters() -> None:
    assert CI.repeat("parser") == "python3 -m tests.reliability parser --seed 1"
    long = Plan(long=True, seed=3, seconds=60).repeat("soak")
    assert long == "python3 -m tests.reliability soak --seed 3 --long --seconds 60"
