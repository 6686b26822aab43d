"""Bugs of `reactor/relay/session.py`."""

from typing import Any

from reactor.relay.session import Session
from tests.museum.bug import Function, Patch, bug, instead_of


@bug(40, "a session keeps the connection that keeps it")
def _(patch: Patch) -> None:
    asked: dict[Session, Any] = {}

    @instead_of(patch, Session, "__init__")
    def _(init: Function, session: Session, admit: Function) -> None:
        asked[session] = admit
        init(session, admit)
