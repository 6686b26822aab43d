"""Torture leaves no call out, puts in what it says, and finds what it is there to find."""

import errno
import importlib
import socket
from collections.abc import Iterable
from dataclasses import replace

import pytest

from reactor import (
    EVENT_READ,
    DatagramHandler,
    ReceiveBuffer,
    Stream,
    StreamHandler,
    bind_udp,
    connect,
    listen,
    testing,
)
from reactor.testing import (
    Cut,
    Fault,
    Faults,
    Injection,
    Jump,
    Lie,
    RecordingHandler,
    Refusal,
    Scenario,
    Simulation,
    SimulationFailed,
    Violation,
    injections,
    legal_faults,
    torture,
)
from tests.size import thoroughly

SERVER = ("127.0.0.1", 7000)


# -- programs --------------------------------------------------------------------------------


class Echo(StreamHandler):
    """Sends everything back."""

    def connection_made(self, stream: Stream) -> None:
        self._stream = stream

    def data_received(self, buffer: ReceiveBuffer) -> None:
        self._stream.write(buffer.take_all())


class Caller(RecordingHandler):
    """Says hello, and half-closes."""

    def connection_made(self, stream: Stream) -> None:
        super().connection_made(stream)
        stream.write(b"hello")
        stream.write_eof()


def call(simulation: Simulation) -> None:
    """A caller of an echo server, and a datagram: it ends, well or badly, whatever happens."""
    loop = simulation.loop
    loop.set_exception_handler(lambda message, exc: None)
    door = listen(loop, Echo, *SERVER)
    endpoint = bind_udp(loop, DatagramHandler(), "127.0.0.1", 7000, segmentation=False)
    caller = Caller()
    connect(loop, caller, *SERVER)
    endpoint.send(b"hello", endpoint.sockname)
    loop.call_later(10.0, door.close)
    simulation.run(20.0)
    jumped = simulation.injection is not None and isinstance(simulation.injection.fault, Jump)
    if not jumped and caller.events[-1] not in ("connection_lost", "connection_failed"):
        raise Violation("the caller was not told of its end")
    if simulation.injection is None and caller.received != b"hello":
        raise Violation("nothing went wrong, but not all came back")


def accept_carelessly(simulation: Simulation) -> None:
    """A server by hand that forgets what it has accepted when it can't be set up."""
    accept_by_hand(simulation, careful=False)


def accept_carefully(simulation: Simulation) -> None:
    accept_by_hand(simulation, careful=True)


def accept_by_hand(simulation: Simulation, *, careful: bool) -> None:
    loop = simulation.loop
    visitor = RecordingHandler()

    def accept(events: int) -> None:
        sock, _ = listener.accept()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            if careful:
                sock.close()
            return
        sock.close()

    with simulation.network.socket() as listener:
        listener.setblocking(False)
        listener.bind(SERVER)
        listener.listen()
        watcher = loop.register(listener, EVENT_READ, accept)
        connect(loop, visitor, *SERVER)
        simulation.run_until(lambda: visitor.events[-1:] == ["connection_lost"])
        watcher.close()


def wait_for_ever(simulation: Simulation) -> None:
    """A program that does not reckon with a server that is not there."""

    class Careless(StreamHandler):
        connected = False

        def connection_made(self, stream: Stream) -> None:
            self.connected = True

    handler = Careless()
    listen(simulation.loop, StreamHandler, *SERVER)
    connect(simulation.loop, handler, *SERVER)
    simulation.run_until(lambda: handler.connected)


def start_carelessly(simulation: Simulation) -> None:
    """Leaves its socket open when it can't be bound."""
    sock = simulation.network.socket()
    sock.bind(SERVER)
    sock.close()


def start_carefully(simulation: Simulation) -> None:
    with simulation.network.socket() as sock:
        sock.bind(SERVER)


def injection_into(scenario: Scenario, call: str, fault: Fault, who: str = "") -> Injection:
    """What puts a fault into the first such call of somebody, once."""
    (first, *_) = [
        each
        for each in injections(scenario)
        if (each.call, each.fault, each.lasting) == (call, fault, False) and who in each.who
    ]
    return first


def failure_of(scenario: Scenario, chosen: Iterable[Injection] | None = None) -> SimulationFailed:
    with pytest.raises(SimulationFailed) as caught:
        torture(scenario, chosen=chosen)
    return caught.value


@pytest.fixture
def stories(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The lines of the transcript of each run, also of those that came to nothing."""
    told: list[list[str]] = []
    module = importlib.import_module("reactor.testing.torture")
    run_scenario = module.run_scenario

    def listen_in(simulation: Simulation, *rest: object) -> None:
        run_scenario(simulation, *rest)
        told.append(simulation.transcript.splitlines())

    monkeypatch.setattr(module, "run_scenario", listen_in)
    return told


# -- what can be put in ----------------------------------------------------------------------


def test_each_legal_fault_is_put_into_each_call_once_and_for_good() -> None:
    calls: list[tuple[str, str]] = []

    def note(name: str, who: str) -> None:
        calls.append((name, who))

    with Simulation(faults=Faults(), injector=note) as simulation:
        call(simulation)
    assert list(injections(call)) == [
        Injection(index, name, who, fault, lasting)
        for index, (name, who) in enumerate(calls)
        for fault in legal_faults(name)
        for lasting in (False, True)
    ]


def test_a_small_program_makes_calls_of_all_kinds() -> None:
    put_in = list(injections(call))
    assert {type(each.fault) for each in put_in} == {Refusal, Cut, Jump, Lie}
    assert {each.call for each in put_in} >= {
        "socketpair",
        "socket",
        "bind",
        "listen",
        "accept",
        "connect_ex",
        "recv",
        "send",
        "shutdown",
        "send_datagram",
        "receive_datagram",
        "register",
        "select",
        "clock",
    }


def test_the_calls_of_one_seed_are_always_the_same() -> None:
    assert list(injections(call, seed=3)) == list(injections(call, seed=3))


def test_a_program_that_fails_with_nothing_put_in_is_a_failure() -> None:
    def fail(simulation: Simulation) -> None:
        raise ValueError("always")

    with pytest.raises(SimulationFailed) as caught:
        torture(fail, seed=7)
    assert caught.value.seed == 7
    assert str(caught.value).endswith("run it again with: torture(scenario, seed=7)")


# -- what is put in --------------------------------------------------------------------------

each_or_some = pytest.mark.parametrize("step", [13, thoroughly(1)])


@each_or_some
def test_a_fault_strikes_at_its_very_call_and_nothing_goes_wrong_before(
    stories: list[list[str]], step: int
) -> None:
    put_in = list(injections(call))[::step]
    torture(call, chosen=put_in)
    unharmed, *harmed = stories
    assert len(harmed) == len(put_in) > 500 // step
    for injection, story in zip(put_in, harmed, strict=True):
        struck = next(place for place, line in enumerate(story) if "FAULT" in line)
        expected = f"{injection.who:<28}  {injection.call}: FAULT, {injection.fault}"
        assert story[struck][14:] == expected, injection
        # A jump of the clock shows in the time of the line that tells of it, no earlier.
        assert story[:struck] == unharmed[:struck], injection


@each_or_some
def test_what_is_put_in_once_strikes_once(stories: list[list[str]], step: int) -> None:
    put_in = [each for each in injections(call) if not each.lasting][::step]
    torture(call, chosen=put_in)
    assert {"\n".join(story).count("FAULT") for story in stories[1:]} == {1}


@each_or_some
def test_what_is_put_in_for_good_strikes_nobody_else(stories: list[list[str]], step: int) -> None:
    put_in = [each for each in injections(call) if each.lasting][::step]
    torture(call, chosen=put_in)
    for injection, story in zip(put_in, stories[1:], strict=True):
        faults = {line[14:] for line in story if "FAULT" in line}
        expected = f"{injection.who:<28}  {injection.call}: FAULT, {injection.fault}"
        assert faults == {expected}, injection


@pytest.mark.parametrize(
    ("code", "times"), [(errno.EMFILE, range(20, 200)), (errno.EAGAIN, range(5, 6))]
)
def test_what_says_try_again_can_not_be_said_for_ever(
    stories: list[list[str]], code: int, times: range
) -> None:
    def knock(simulation: Simulation) -> None:
        listen(simulation.loop, StreamHandler, *SERVER)
        connect(simulation.loop, StreamHandler(), *SERVER)
        simulation.run(10.0)

    once = injection_into(knock, "accept", Refusal(code))
    torture(knock, chosen=[replace(once, lasting=True)])
    assert "\n".join(stories[-1]).count("accept: FAULT") in times


def test_a_scenario_learns_what_is_put_in() -> None:
    learnt: list[Injection | None] = []

    def learn(simulation: Simulation) -> None:
        learnt.append(simulation.injection)
        start_carefully(simulation)

    put_in = [each for each in injections(learn) if each.call == "bind"]
    torture(learn, chosen=put_in)
    assert learnt == [None, *put_in]


def test_torture_says_how_many_runs_that_were(stories: list[list[str]]) -> None:
    runs = torture(start_carefully)
    assert runs == len(stories) - 1 == len(list(injections(start_carefully)))


def test_torture_can_be_restricted(stories: list[list[str]]) -> None:
    put_in = list(injections(start_carefully))[:2]
    stories.clear()
    assert torture(start_carefully, chosen=put_in) == len(stories) == 2


# -- what is found ---------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_program_that_bears_everything_passes() -> None:
    assert torture(call) == len(list(injections(call)))


def test_a_program_that_ignores_a_failed_connection_is_found() -> None:
    refused = injection_into(wait_for_ever, "connect_ex", Refusal(errno.ECONNREFUSED))
    failure = failure_of(wait_for_ever, [refused])
    assert "Violation: still waiting after 60 simulated seconds" in str(failure)


def test_a_server_that_leaks_what_it_could_not_set_up_is_found() -> None:
    refused = injection_into(
        accept_carelessly, "setsockopt", Refusal(errno.ENOBUFS), " 127.0.0.1:7000 to "
    )
    assert "Violation: " in str(failure_of(accept_carelessly, [refused]))


def test_a_server_that_closes_what_it_could_not_set_up_passes() -> None:
    refused = injection_into(
        accept_carefully, "setsockopt", Refusal(errno.ENOBUFS), " 127.0.0.1:7000 to "
    )
    assert torture(accept_carefully, chosen=[refused]) == 1


def test_a_start_that_is_refused_may_leave_nothing_open() -> None:
    assert "Violation: 2 tcp unnamed was never closed" in str(failure_of(start_carelessly))


def test_a_start_that_is_refused_and_leaves_nothing_open_passes() -> None:
    assert torture(start_carefully) == len(list(injections(start_carefully)))


def test_a_loop_that_can_not_be_made_is_a_start_that_is_refused(stories: list[list[str]]) -> None:
    refused = injection_into(start_carelessly, "socketpair", Refusal(errno.EMFILE))
    assert torture(start_carelessly, chosen=[refused]) == 1
    assert [line[14:] for line in stories[-1]] == [
        "kernel                        socketpair: FAULT, EMFILE"
    ]


def test_an_error_that_was_not_put_in_is_a_failure() -> None:
    def misjudge(simulation: Simulation) -> None:
        try:
            start_carefully(simulation)
        except OSError:
            raise OSError(errno.EIO, "something else") from None

    refused = injection_into(misjudge, "bind", Refusal(errno.EADDRINUSE))
    assert "OSError: [Errno 5] something else" in str(failure_of(misjudge, [refused]))


# -- what a failure says ---------------------------------------------------------------------


def test_a_failure_says_what_was_put_in() -> None:
    told = str(failure_of(start_carelessly)).splitlines()
    assert told[2] == "put in: call 3, bind of 2 tcp unnamed: EADDRINUSE, once"


@pytest.mark.parametrize("scenario", [wait_for_ever, accept_carelessly, start_carelessly])
def test_a_failure_can_be_had_again_by_what_it_says(scenario: Scenario) -> None:
    message = str(failure_of(scenario))
    again = message.rpartition("run it again with: ")[2]
    public = {name: getattr(testing, name) for name in testing.__all__}
    with pytest.raises(SimulationFailed) as caught:
        eval(again, {**public, "scenario": scenario})
    assert str(caught.value) == message
