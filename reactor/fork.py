"""fork(2): what a child inherits is its parent's too, and the parent must not notice.

An epoll instance, a bell and a connection then belong to both: what one process takes or
changes is taken from the other, or changed for it. So each loop is told, in the child,
before anybody can use it there.
"""

import os
import selectors
from typing import Any, NoReturn, Protocol
from weakref import WeakSet

from .steps import do_all

__all__ = ["InheritedSelector", "disown_all", "tell_when_inherited"]


class Inheritable(Protocol):
    """What has to know that it is in a child now."""

    def disown(self) -> None:
        """Touch nothing from now on that is the parent's too."""


_inheritable: WeakSet[Inheritable] = WeakSet()


def tell_when_inherited(something: Inheritable) -> None:
    """Have its `disown` called in every child that is forked while it is alive."""
    _inheritable.add(something)


def disown_all() -> None:
    """This process is a child now. Called by the system."""
    do_all([something.disown for something in _inheritable])


def _where_nothing_forks(*, after_in_child: object) -> None:
    """Windows."""


getattr(os, "register_at_fork", _where_nothing_forks)(after_in_child=disown_all)


class InheritedSelector(selectors.BaseSelector):
    """Takes the place of a selector that is the parent's: it can only be closed."""

    def __init__(self, selector: selectors.BaseSelector, reason: str) -> None:
        self._selector = selector
        self._reason = reason

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError(self._reason)

    register = unregister = select = get_map = _refuse

    def close(self) -> None:
        """Close this process's copy; no registration of the parent's is lost by that."""
        self._selector.close()
