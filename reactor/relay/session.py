"""One client's state machine: a command goes in, a reply comes out, the state has moved.

It knows no socket and no time, so every order of commands can be tried in a test.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, assert_never

from .protocol import Command, Connect, Disconnect, Error, ErrorCode, Ok, Pause, Reply, Resume

__all__ = ["Session", "SessionState"]


class SessionState(StrEnum):
    """Where a client stands; only an ACTIVE one is sent datagrams."""

    NEW = "new"
    ACTIVE = "active"
    PAUSED = "paused"
    CLOSED = "closed"


# What INTERRUMPIR and CONTINUAR do: the state they lead to, or why they can't.
_PAUSE: Final[dict[SessionState, SessionState | ErrorCode]] = {
    SessionState.NEW: ErrorCode.NOT_CONNECTED,
    SessionState.ACTIVE: SessionState.PAUSED,
    SessionState.PAUSED: ErrorCode.ALREADY_PAUSED,
}
_RESUME: Final[dict[SessionState, SessionState | ErrorCode]] = {
    SessionState.NEW: ErrorCode.NOT_CONNECTED,
    SessionState.ACTIVE: ErrorCode.NOT_PAUSED,
    SessionState.PAUSED: SessionState.ACTIVE,
}


class Session:
    """The conversation with one client.

    `admit` is asked before a CONECTAR is granted: it gets the port and returns the code
    of the refusal, or None.

    >>> session = Session(admit=lambda port: None)
    >>> session.receive(Pause()).code
    'NO_CONECTADO'
    >>> session.receive(Connect(5000)), session.port, session.state.name
    (Ok(), 5000, 'ACTIVE')
    >>> session.receive(Disconnect()), session.state.name
    (Ok(), 'CLOSED')
    """

    __slots__ = ("_admit", "port", "state")

    def __init__(self, admit: Callable[[int], ErrorCode | None]) -> None:
        self._admit = admit
        self.state = SessionState.NEW
        self.port: int | None = None
        """UDP port that the client asked for; None before CONECTAR and after the end."""

    def receive(self, command: Command) -> Reply:
        """Carry out `command` if the state allows it; say what is wrong if it does not.

        Raises ValueError when the session is closed: nobody is left to answer.
        """
        if self.state is SessionState.CLOSED:
            raise ValueError("the session is closed")
        match command:
            case Connect(port=port):
                return self._connect(port)
            case Pause():
                return self._move(_PAUSE[self.state])
            case Resume():
                return self._move(_RESUME[self.state])
            case Disconnect():
                self.close()
                return Ok()
            case _:
                assert_never(command)

    def close(self) -> None:
        """End the session, whatever its state; the connection has ended or will now."""
        self.state = SessionState.CLOSED
        self.port = None
        # Break the cycle owner -> session -> admit -> owner.
        self._admit = _nobody

    def _connect(self, port: int) -> Reply:
        if self.state is not SessionState.NEW:
            return Error.of(ErrorCode.ALREADY_CONNECTED)
        refusal = self._admit(port)
        if refusal is not None:
            return Error.of(refusal)
        self.port = port
        return self._move(SessionState.ACTIVE)

    def _move(self, outcome: SessionState | ErrorCode) -> Reply:
        if isinstance(outcome, ErrorCode):
            return Error.of(outcome)
        self.state = outcome
        return Ok()


def _nobody(port: int) -> ErrorCode | None:
    raise AssertionError("a closed session was asked to admit")
