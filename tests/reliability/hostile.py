"""A crowd that misbehaves in every way, and then the end of all descriptors: who watches
loses nothing, and whoever says a command is answered.

Relay, crowd and audience are three processes, as they would be. How fast a reply came is
a figure; only what no busy machine can bring about is a failure.
"""

import json
import os
import re
import resource
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from reactor import Address
from tests.benchmarks.cores import Cores
from tests.benchmarks.processes import Program
from tests.benchmarks.toolbox import python

from . import crowd
from .audience import Audience, GoodClient
from .outcome import Outcome, Plan

CROWD: Final = 500
LONG_CROWD: Final = 10_000
HOST: Final = "127.0.0.1"
SERVER: Final = python("examples.server", HOST, 0, "--ingest", f"{HOST}:0", "--command-timeout", 1)

_AUDIENCE: Final = 5
_MBPS: Final = 8.0
_SECONDS: Final = 12.0
_LONG_SECONDS: Final = 120.0
_SECONDS_WITHOUT_DESCRIPTORS: Final = 3.0
_ANSWER_LIMIT: Final = 0.05
_SPARE: Final = 30  # descriptors that are left to the relay
_BESIEGERS: Final = 150
_ROOM: Final = 16  # so many of those who are silent are seen off at once
_NEWCOMERS: Final = 3

# Bytes, for each client: what may wait for one that does not read (the high water of its
# stream, and a turn's replies), what it sent and was not looked at (one receive, and a copy
# while it is cut), and what the objects of a connection weigh.
_UNREAD: Final = 64 * 1024 + 64 * 80
_UNSEEN: Final = 2 * 32 * 1024
_CONNECTION: Final = 16 * 1024
_SLACK: Final = 8 * 1024 * 1024


def run(plan: Plan) -> Outcome:
    """A crowd of the size that the plan asks for, and the end of all descriptors."""
    if plan.long:
        return check(LONG_CROWD, plan.seed, _LONG_SECONDS)
    return check(CROWD, plan.seed, _SECONDS)


def check(
    count: int,
    seed: int,
    seconds: float,
    server: Sequence[str] = SERVER,
    patience: float | None = None,
) -> Outcome:
    """Have `count` misbehave for so many seconds, around the relay that `server` starts.

    `patience` is how many more seconds pass before something is taken for stuck.
    """
    with Siege(server, crowd.patience(count) if patience is None else patience) as siege:
        siege.let_in_a_crowd(count, seed, seconds)
        siege.use_up_descriptors(min(seconds, _SECONDS_WITHOUT_DESCRIPTORS))
        siege.finish()
    return siege.outcome


class Relay(Program):
    """The relay's process, seen from outside."""

    def said(self, pattern: str) -> list[str]:
        """All lines so far that match."""
        return [line for line in self._lines if re.search(pattern, line)]

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def kilobytes(self, name: str) -> int:
        """VmRSS: what it takes now; VmHWM: the most that it ever took. proc(5)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[0])

    def limit_descriptors(self, count: int | None) -> None:
        """Let it have so many; None: as many as it can."""
        _, most = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        limit = most if count is None else count
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (limit, most))


class Siege:
    """A relay and its audience, and what is done to them."""

    def __init__(self, server: Sequence[str], patience: float) -> None:
        self.outcome = Outcome()
        self._patience = patience
        self._cores = Cores.choose()
        with ExitStack() as opened:
            self._relay = Relay(server, self._cores.relay)
            opened.callback(self._relay.close)
            found = self._relay.wait_for(r"^listening on ([\d.]+):(\d+), ingest on ([\d.]+):(\d+)")
            self._address: Address = (found[1], int(found[2]))
            ingest = (found[3], int(found[4]))
            self._relay.limit_descriptors(None)
            self._audience = Audience(self._address, ingest, _AUDIENCE, _MBPS)
            opened.callback(self._audience.close)
            self._descriptors = self._relay.descriptors()
            self._cleanup = opened.pop_all()

    def __enter__(self) -> "Siege":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._cleanup.close()

    # -- the crowd -----------------------------------------------------------------------

    def let_in_a_crowd(self, count: int, seed: int, seconds: float) -> None:
        """Have `count` at once misbehave for so many seconds."""
        self._audience.last(0.5)
        self._report_answers("quiet")
        before = self._relay.kilobytes("VmRSS")
        command = python("tests.reliability.crowd", *self._address, count, seed)
        with Program(command, self._cores.load) as rabble:
            self._await(rabble, "^ready$", "a crowd that could come")
            self._audience.last(seconds)
            self._report_answers("with the crowd")
            rabble.say("leave")
            report = self._await(rabble, r"^\{.*\}$", "a crowd that could leave")
        if report is not None:
            self._judge_crowd(count, json.loads(report[0]))
        self._judge_memory(count, self._relay.kilobytes("VmHWM") - before)
        self._expect_baseline("after the crowd")

    def _judge_crowd(self, count: int, report: dict[str, Any]) -> None:
        self.outcome.figures["bad clients at once"] = count
        self.outcome.figures["bad clients in all"] = sum(report["lives"].values())
        self.outcome.figures |= {f"of kind {kind!r}": n for kind, n in report["lives"].items()}
        self.outcome.figures["most bytes taken from one"] = report["most_taken"]
        self.outcome.failures += report["complaints"]

    def _judge_memory(self, count: int, kilobytes: int) -> None:
        greedy = count * 2 // len(crowd.KINDS) + 2  # flooding, never reading
        bound = (greedy * (_UNREAD + _UNSEEN) + count * _CONNECTION + _SLACK) // 1024
        self.outcome.figures["most memory for the crowd, kB"] = kilobytes
        self.outcome.figures["its bound, kB"] = bound
        self.outcome.expect(
            kilobytes <= bound, f"the relay took {kilobytes} kB for the crowd, over {bound} kB"
        )

    # -- descriptors ---------------------------------------------------------------------

    def use_up_descriptors(self, seconds: float) -> None:
        """Have more connect than the relay has descriptors for, for so many seconds."""
        self._audience.take_answer_times()  # those while the crowd left are nobody's
        limit = self._descriptors + _SPARE
        self._relay.limit_descriptors(limit)
        with ExitStack() as besiegers, ExitStack() as newcomers:
            for _ in range(_BESIEGERS):
                besiegers.enter_context(self._connect())
            reached = self._audience.go_on(
                lambda: self._relay.descriptors() >= limit - _ROOM, self._patience
            )
            self.outcome.expect(reached, "the relay never used all the descriptors it had")
            entering = [newcomers.enter_context(self._connect()) for _ in range(_NEWCOMERS)]
            self._audience.last(seconds)
            self._report_answers("without descriptors")
            self._expect_welcome(entering)
        self._relay.limit_descriptors(None)
        self._expect_baseline("after it had run out of descriptors")

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex(self._address)
        return sock

    def _expect_welcome(self, newcomers: list[socket.socket]) -> None:
        unheard = set(newcomers)
        for newcomer in newcomers:
            newcomer.send(b"DESCONECTAR\n")

        def hear() -> bool:
            for newcomer in list(unheard):
                try:
                    heard = newcomer.recv(64)
                except BlockingIOError:
                    continue
                if heard == b"OK\n":
                    unheard.discard(newcomer)
            return not unheard

        welcomed = self._audience.go_on(hear, self._patience)
        self.outcome.expect(welcomed, "silent clients kept new ones from being served")

    # -- the end -------------------------------------------------------------------------

    def finish(self) -> None:
        """Let all that is on its way arrive, end the relay, and compare the accounts."""
        self._audience.finish(self._patience)
        try:
            self._relay.finish(signal.SIGTERM)
        except TimeoutError as exc:
            self.outcome.fail(f"the relay did not end when it was told to: {exc}")
            return
        ended = self._relay.wait_for(
            r"^ended: (\d+) datagrams received, (\d+) lost before; (\d+) copies sent, (\d+) dropped"
        )
        received, lost, sent, dropped = map(int, ended.groups())
        clients, streamed = self._audience.clients, self._audience.sent
        arrived = sum(client.arrived for client in clients)
        neglected = sum(client.lost_by_socket() for client in clients)
        self.outcome.figures |= {
            "datagrams streamed": streamed,
            "copies that good clients got": arrived,
            "lost before the relay": lost,
            "lost by full sockets of the test": neglected,
        }
        for number, client in enumerate(clients, 1):
            self._judge_client(f"good client {number}", client, lost)
        expect = self.outcome.expect
        expect(received + lost == streamed, f"{received} + {lost} of {streamed} datagrams received")
        expect(sent == arrived + neglected, f"{sent} copies sent, but {arrived} came")
        expect(not dropped, f"{dropped} copies dropped that loopback would have taken")
        for line in self._relay.said("Traceback|raised|can't go on"):
            self.outcome.fail(f"the relay said: {line}")

    def _judge_client(self, name: str, client: GoodClient, lost: int) -> None:
        missing = client.missing + self._audience.sent - client.next_number
        # What this process was too slow for is not the relay's fault. What the relay was too
        # slow for is: with all the room it asks for, it has some seconds of this stream.
        excused = client.lost_by_socket()
        if self._relay.said("^receive buffer is"):
            excused += lost
        expect = self.outcome.expect
        expect(missing <= excused, f"{name} lost {missing} datagrams, {lost} before the relay")
        expect(not client.damaged, f"{name} got {client.damaged} damaged or out of order")
        expect(not client.unanswered, f"{name} heard no reply to {client.unanswered} commands")
        expect(
            client.wrong_reply is None, f"{name} heard {client.wrong_reply!r} instead of a reply"
        )

    # -- figures -------------------------------------------------------------------------

    def _await(self, program: Program, pattern: str, what: str) -> re.Match[str] | None:
        """Let the audience go on until a program has said something."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            try:
                found.append(program.wait_for(pattern, 0))
            except TimeoutError:
                return False
            return True

        if self._audience.go_on(look, 2 * self._patience):
            return found[0]
        self.outcome.fail(f"there was never {what}")
        return None

    def _expect_baseline(self, when: str) -> None:
        back = self._audience.go_on(
            lambda: self._relay.descriptors() == self._descriptors, self._patience
        )
        self.outcome.expect(
            back,
            f"{self._relay.descriptors()} descriptors {when} instead of {self._descriptors}",
        )

    def _report_answers(self, when: str) -> None:
        times = self._audience.take_answer_times()
        if not times:
            return
        within = sum(seconds <= _ANSWER_LIMIT for seconds in times) / len(times)
        self.outcome.figures |= {
            f"{when}: commands answered": len(times),
            f"{when}: median, ms": round(times[len(times) // 2] * 1000, 1),
            f"{when}: p99, ms": round(times[len(times) * 99 // 100] * 1000, 1),
            f"{when}: max, ms": round(times[-1] * 1000, 1),
            f"{when}: within {_ANSWER_LIMIT * 1000:g} ms": f"{within:.1%}",
        }
