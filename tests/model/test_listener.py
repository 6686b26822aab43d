"""Connections that come and go while listeners close, factories raise and callers give up.

The model is small: each attempt is told of one outcome, each connection of one beginning and
one end, and a listener that is closed makes no more of them.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from reactor import Connector, Listener, Stream, StreamHandler, connect, listen
from tests.doubles.surroundings import SimulatedSurroundings
from tests.model import machine_settings
from tests.model.machine import ENDS, Machine, Raised

_MOST_LISTENERS: Final = 4
_MOST_CALLERS: Final = 12
_MOST_WRITES: Final = 50
# Longer than a network without faults that hurt ever takes.
_LONG: Final = 10.0
# What a few iterations take.
_MOMENT: Final = 1e-3
_EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_CALLBACKS: Final = [
    "factory",
    "connection_made",
    "connection_failed",
    "data_received",
    "eof_received",
    "connection_lost",
]


class Left(BaseException):
    """Ends the program, but for this test."""


@dataclass(frozen=True)
class Do:
    """One call: of what, and on which of those that there are."""

    what: str
    whom: int


Script = list[Do]
Plan = dict[str, Script]

NUMBERS = st.integers(0, 20)
CALLING = ["open", "call", "crowd"]
ENDING = ["cancel", "close", "abort", "raise", "leave", "deafen"]
ACTIONS = st.builds(
    Do,
    st.sampled_from([*CALLING, *ENDING, "write", "stop", "misuse"]),
    NUMBERS,
)
SCRIPTS = st.lists(ACTIONS, max_size=3)
PLANS: st.SearchStrategy[Plan] = st.fixed_dictionaries(dict.fromkeys(_CALLBACKS, SCRIPTS))


class Party(StreamHandler):
    """One end of a connection: begins at most once, and ends as often as it has begun."""

    def __init__(self, machine: "ListenerMachine", plan: Plan) -> None:
        self.machine = machine
        self.plan = plan
        self.stream: Stream | None = None
        self.lost = False

    def connection_made(self, stream: Stream) -> None:
        with self.machine.callback():
            assert self.stream is None
            self.stream = stream
            self.play("connection_made")

    def data_received(self, buffer: object) -> None:
        with self.machine.callback():
            self.expect_connection()
            super().data_received(buffer)  # type: ignore[arg-type]
            self.play("data_received")

    def eof_received(self) -> None:
        with self.machine.callback():
            self.expect_connection()
            self.play("eof_received")

    def connection_lost(self, exc: Exception | None) -> None:
        with self.machine.callback():
            self.expect_connection()
            self.lost = True
            self.play("connection_lost")

    def expect_connection(self) -> None:
        assert self.stream is not None
        assert not self.lost

    def play(self, name: str) -> None:
        """Do what the plan says."""
        for action in self.plan[name]:
            if action.what == "raise":
                exc = Raised()
                self.machine.to_report.append(exc)
                raise exc
            if action.what == "leave":
                self.machine.leave()
            self.machine.act(action)


class Guest(Party):
    """Made by a listener's factory: its connection is there before anything else happens."""

    def connection_made(self, stream: Stream) -> None:
        assert self.machine.awaited is self
        self.machine.awaited = None
        super().connection_made(stream)


class Caller(Party):
    """Calls a listener: is told that it was made or that it failed, unless it gives up."""

    def __init__(self, machine: "ListenerMachine", plan: Plan, host: "Host", timeout: float):
        super().__init__(machine, plan)
        self.host = host
        self.timeout = timeout
        self.began = machine.now
        self.failed = self.cancelled = False
        self.connector: Connector

    @property
    def decided(self) -> bool:
        """Whether nothing more is to come of the attempt."""
        return self.stream is not None or self.failed or self.cancelled

    def connection_made(self, stream: Stream) -> None:
        assert not self.decided
        assert self.machine.now <= self.began + self.timeout + _MOMENT, "made after its time"
        super().connection_made(stream)

    def connection_failed(self, exc: OSError) -> None:
        with self.machine.callback():
            assert not self.decided
            self.failed = True
            self.check_reason(exc)
            self.play("connection_failed")

    def check_reason(self, exc: OSError) -> None:
        """There has to be one."""
        machine = self.machine
        if exc.errno == errno.ETIMEDOUT:
            assert machine.now >= self.began + self.timeout, "given up too early"
            patient = self.timeout >= _LONG
            assert not (patient and self.host.is_open), "a listener that did not answer"
        elif exc.errno == errno.ECONNABORTED:
            assert machine.closed, "called off, and nobody had asked for it"
        elif exc.errno in _EXHAUSTED:
            assert machine.exhaustion, f"{exc!r} in a system that has enough of everything"
        else:
            assert not self.host.is_open, f"{exc!r}, but somebody listens"


class Host:
    """A listener, with what its factory was asked for."""

    def __init__(self, machine: "ListenerMachine", plan: Plan) -> None:
        self.machine = machine
        self.plan = plan
        self.is_open = True
        self.guests: list[Guest] = []
        self.refused = 0
        self.listener: Listener

    def make_guest(self) -> Guest:
        machine = self.machine
        with machine.callback():
            assert self.is_open, "a connection after the listener was closed"
            for action in self.plan["factory"]:
                if action.what == "raise":
                    self.refused += 1
                    exc = Raised()
                    machine.to_report.append(exc)
                    raise exc
                if action.what == "leave":
                    self.refused += 1
                    machine.leave()
                machine.act(action)
            guest = Guest(machine, self.plan)
            self.guests.append(guest)
            machine.awaited = guest
            return guest


class ListenerMachine(Machine):
    """Listeners, those who call them, and those who answer; each may end any other."""

    @initialize(
        seed=st.integers(0, 10_000),
        exhaustion=st.sampled_from([0.0, 0.4]),
        plans=st.lists(PLANS, min_size=2, max_size=6),
        end=ENDS,
    )
    def open(self, seed: int, exhaustion: float, plans: list[Plan], end: str) -> None:
        self.start(SimulatedSurroundings(seed, exhaustion=exhaustion), end)
        self.exhaustion, self.plans = exhaustion, plans
        self.hosts: list[Host] = []
        self.callers: list[Caller] = []
        self.awaited: Guest | None = None
        self.writes = 0
        self.do_open(0)

    # -- rules -----------------------------------------------------------------------

    @rule(script=st.lists(ACTIONS, min_size=1, max_size=6), turns=st.integers(0, 3))
    def act_from_outside(self, script: Script, turns: int) -> None:
        for action in script:
            if action.what not in ("raise", "leave"):
                self.act(action)
        self.turn(turns)

    @invariant()
    def counters_agree_with_what_the_factories_saw(self) -> None:
        for host in self.hosts:
            listener = host.listener
            assert (listener.accepted, listener.failed) == (len(host.guests), host.refused)
            assert not listener.pauses or self.exhaustion

    @invariant()
    def no_guest_is_forgotten(self) -> None:
        assert self.awaited is None

    def unmet(self) -> str | None:
        for caller in self.callers:
            if not caller.decided:
                return "an attempt is to be decided"
        for host in self.hosts:
            callers = [caller for caller in self.callers if caller.host is host]
            answered = len(host.guests) + host.refused
            assert answered <= len(callers), "more connections than calls"
            made = sum(caller.stream is not None for caller in callers)
            if host.is_open and answered < made:
                return "a connection is to be accepted"
        return None

    def call_off(self) -> None:
        for host in self.hosts:
            host.is_open = False

    def check_the_end(self) -> None:
        assert all(caller.decided for caller in self.callers)
        guests = [guest for host in self.hosts for guest in host.guests]
        assert all(guest.stream is not None for guest in guests)
        for party in [*self.callers, *guests]:
            assert party.lost == (party.stream is not None)

    # -- what programs do ------------------------------------------------------------

    def leave(self) -> None:
        """End the program from within a callback. Whoever runs the loop starts it again."""
        if self.loop.running:
            raise Left

    def run_until(self, condition: Callable[[], object]) -> None:
        while True:
            try:
                return super().run_until(condition)
            except Left:
                continue

    def act(self, action: Do) -> None:
        if action.what == "leave":
            return
        with self.calling(action.what):
            getattr(self, f"do_{action.what}")(action.whom)

    def do_open(self, whom: int) -> None:
        if len(self.hosts) >= _MOST_LISTENERS or self.closed:
            return
        host = Host(self, self.plans[whom % len(self.plans)])
        try:
            # No name is looked up by a loop that runs.
            name = "127.0.0.1" if self.loop.running else "localhost"
            host.listener = listen(self.loop, host.make_guest, name)
        except OSError as exc:
            # The system may have nothing left for one more.
            if not (self.exhaustion and exc.errno in _EXHAUSTED):
                raise
        else:
            self.hosts.append(host)

    def do_call(self, whom: int) -> None:
        if len(self.callers) >= _MOST_CALLERS or self.closed or not self.hosts:
            return
        host = self.hosts[whom % len(self.hosts)]
        timeout = (_LONG, _LONG, 0.2, 0.0)[whom % 4]
        caller = Caller(self, self.plans[whom % len(self.plans)], host, timeout)
        names = host.listener.socknames
        address = names[whom % len(names)][:2]
        caller.connector = connect(self.loop, caller, *address, timeout=timeout)
        self.callers.append(caller)

    def do_crowd(self, whom: int) -> None:
        for _ in range(4):
            self.do_call(whom)

    def do_cancel(self, whom: int) -> None:
        if self.callers:
            caller = self.callers[whom % len(self.callers)]
            caller.connector.cancel()
            caller.cancelled = caller.cancelled or not caller.decided

    def do_deafen(self, whom: int) -> None:
        if self.hosts:
            host = self.hosts[whom % len(self.hosts)]
            host.listener.close()
            host.is_open = False

    def streams(self) -> list[Stream]:
        guests = [guest for host in self.hosts for guest in host.guests]
        parties: list[Party] = [*self.callers, *guests]
        return [party.stream for party in parties if party.stream is not None]

    def do_write(self, whom: int) -> None:
        streams = [stream for stream in self.streams() if not stream.closing]
        self.writes += 1
        # Two programs that answer each answer would go on for ever.
        if streams and self.writes <= _MOST_WRITES:
            streams[whom % len(streams)].write(b"x" * whom)

    def do_close(self, whom: int) -> None:
        streams = self.streams()
        if streams:
            streams[whom % len(streams)].close()

    def do_abort(self, whom: int) -> None:
        streams = self.streams()
        if streams:
            streams[whom % len(streams)].abort()

    def do_stop(self, whom: int) -> None:
        self.loop.stop()

    def do_misuse(self, whom: int) -> None:
        loop, handler = self.loop, StreamHandler()
        if self.closed:
            return
        with pytest.raises(ValueError, match="host or a socket"):
            listen(loop, StreamHandler)
        for timeout in (nan, inf):
            with pytest.raises(ValueError, match="finite"):
                connect(loop, handler, "127.0.0.1", 1, timeout=timeout)
        with pytest.raises(ValueError, match="port"):
            connect(loop, handler, "127.0.0.1", 65536)
        if loop.running:
            with pytest.raises(RuntimeError, match="look-up"):
                connect(loop, handler, "localhost", 1)
            with pytest.raises(RuntimeError, match="look-up"):
                listen(loop, StreamHandler, "localhost")
        for host in self.hosts:
            if host.is_open and not self.exhaustion:
                with pytest.raises(OSError, match="in use"):
                    listen(loop, StreamHandler, *host.listener.sockname[:2])


ListenerMachine.TestCase.settings = machine_settings(examples=120, steps=25)
test_listeners_and_connectors_do_what_the_model_says = ListenerMachine.TestCase
