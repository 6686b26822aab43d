"""A client may send its commands in any order: none may crash the session or go unanswered.
The table below is the whole state machine, and every entry of it is tried.
"""

import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.relay.protocol import (
    Command,
    Connect,
    Disconnect,
    EndOfInput,
    Error,
    ErrorCode,
    Ok,
    Pause,
    Resume,
)
from reactor.relay.session import Session, SessionState

NEW, ACTIVE, PAUSED, CLOSED = SessionState

OPEN_STATES = [NEW, ACTIVE, PAUSED]
COMMANDS: list[Command] = [Connect(6000), Pause(), Resume(), Disconnect()]

TABLE: dict[tuple[SessionState, type[Command]], SessionState | ErrorCode] = {
    (NEW, Connect): ACTIVE,
    (NEW, Pause): ErrorCode.NOT_CONNECTED,
    (NEW, Resume): ErrorCode.NOT_CONNECTED,
    (NEW, Disconnect): CLOSED,
    (ACTIVE, Connect): ErrorCode.ALREADY_CONNECTED,
    (ACTIVE, Pause): PAUSED,
    (ACTIVE, Resume): ErrorCode.NOT_PAUSED,
    (ACTIVE, Disconnect): CLOSED,
    (PAUSED, Connect): ErrorCode.ALREADY_CONNECTED,
    (PAUSED, Pause): ErrorCode.ALREADY_PAUSED,
    (PAUSED, Resume): ACTIVE,
    (PAUSED, Disconnect): CLOSED,
}

in_every_open_state = pytest.mark.parametrize("state", OPEN_STATES)
with_every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)


def everybody(port: int) -> ErrorCode | None:
    return None


def session_in(
    state: SessionState, admit: Callable[[int], ErrorCode | None] = everybody
) -> Session:
    session = Session(admit)
    way: dict[SessionState, list[Command]] = {
        NEW: [],
        ACTIVE: [Connect(5000)],
        PAUSED: [Connect(5000), Pause()],
        CLOSED: [Disconnect()],
    }
    for command in way[state]:
        assert session.receive(command) == Ok()
    assert session.state is state
    return session


def test_the_table_has_every_command_in_every_open_state() -> None:
    assert set(TABLE) == {(state, type(command)) for state in OPEN_STATES for command in COMMANDS}


@in_every_open_state
@with_every_command
def test_a_command_is_answered_as_the_table_says(state: SessionState, command: Command) -> None:
    outcome = TABLE[state, type(command)]
    reply = session_in(state).receive(command)
    assert reply == (Error.of(outcome) if isinstance(outcome, ErrorCode) else Ok())


@in_every_open_state
@with_every_command
def test_a_command_moves_the_session_as_the_table_says(
    state: SessionState, command: Command
) -> None:
    outcome = TABLE[state, type(command)]
    session = session_in(state)
    session.receive(command)
    assert session.state is (state if isinstance(outcome, ErrorCode) else outcome)


@with_every_command
def test_a_closed_session_answers_nobody(command: Command) -> None:
    session = session_in(CLOSED)
    with pytest.raises(ValueError, match="closed"):
        session.receive(command)
    assert session.state is CLOSED


@in_every_open_state
def test_what_is_no_command_leaves_the_session_alone(state: SessionState) -> None:
    session = session_in(state)
    before = session.port
    with suppress(TypeError, AssertionError):
        session.receive(cast(Command, EndOfInput()))
    assert (session.state, session.port) == (state, before)


@pytest.mark.parametrize("state", SessionState)
def test_a_session_can_be_closed_from_every_state(state: SessionState) -> None:
    session = session_in(state)
    session.close()
    assert (session.state, session.port) == (CLOSED, None)


@pytest.mark.parametrize(
    ("state", "port"), [(NEW, None), (ACTIVE, 5000), (PAUSED, 5000), (CLOSED, None)]
)
def test_the_port_is_known_from_conectar_to_the_end(state: SessionState, port: int | None) -> None:
    assert session_in(state).port == port


def test_a_disconnected_session_forgets_its_port() -> None:
    session = session_in(ACTIVE)
    session.receive(Disconnect())
    assert session.port is None


@pytest.mark.parametrize("state", [ACTIVE, PAUSED])
def test_a_second_conectar_does_not_change_the_port(state: SessionState) -> None:
    session = session_in(state)
    session.receive(Connect(6000))
    assert session.port == 5000


@pytest.mark.parametrize("code", ErrorCode)
def test_a_refusal_is_the_reply_and_leaves_the_session_new(code: ErrorCode) -> None:
    session = Session(admit=lambda port: code)
    assert session.receive(Connect(5000)) == Error.of(code)
    assert (session.state, session.port) == (NEW, None)


def test_a_refused_client_may_ask_again() -> None:
    session = Session(admit=lambda port: ErrorCode.PORT_IN_USE if port == 5000 else None)
    session.receive(Connect(5000))
    assert session.receive(Connect(6000)) == Ok()
    assert (session.state, session.port) == (ACTIVE, 6000)


def test_only_a_new_session_asks_to_be_admitted_and_names_its_port() -> None:
    asked: list[int] = []
    session = session_in(NEW, asked.append)
    for command in (Pause(), Connect(5000), Connect(6000), Pause(), Connect(7000), Resume()):
        session.receive(command)
    assert asked == [5000]


any_command = st.one_of(
    st.builds(Connect, st.sampled_from([5000, 6000])),
    st.sampled_from([Pause(), Resume(), Disconnect()]),
)


@settings(deadline=None)
@given(st.lists(any_command, max_size=30))
def test_any_order_of_commands_is_answered_as_the_state_is(commands: list[Command]) -> None:
    """Port 6000 is refused to everybody. OK means that the state has moved, ERROR that not."""
    session = Session(admit=lambda port: ErrorCode.SERVER_PORT if port == 6000 else None)
    state, port = NEW, None
    for command in commands:
        outcome = TABLE[state, type(command)]
        if outcome is ACTIVE and command == Connect(6000):
            outcome = ErrorCode.SERVER_PORT
        reply = session.receive(command)
        if isinstance(outcome, ErrorCode):
            assert reply == Error.of(outcome)
        else:
            assert reply == Ok()
            state = outcome
        port = None if state in (NEW, CLOSED) else 5000
        assert (session.state, session.port) == (state, port)
        if state is CLOSED:
            break


def test_what_is_no_command_is_refused_at_once() -> None:
    session = Session(lambda port: None)
    with pytest.raises(AssertionError):
        session.receive("INTERRUMPIR")  # type: ignore[arg-type]


def test_a_closed_session_lets_go_of_who_admitted_and_never_asks_again() -> None:
    def admit(port: int) -> None:
        """Anybody may come in."""

    reference = weakref.ref(admit)
    session = Session(admit)
    session.close()
    del admit
    assert reference() is None
    with pytest.raises(AssertionError, match="closed session"):
        session._admit(5000)
