"""An event loop whose resources and timers are watched."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ...loop import EventLoop, Resource
from ...timers import Timer
from .auditor import Auditor

__all__ = ["AuditedLoop"]

Callback: TypeAlias = Callable[..., object]


class AuditedLoop(EventLoop):
    """A loop that tells an auditor what it is given."""

    __qualname__ = EventLoop.__qualname__

    def __init__(self, auditor: Auditor, **options: Any) -> None:
        self._auditor = auditor
        super().__init__(**options)

    def attach(self, resource: Resource) -> None:
        super().attach(resource)
        self._auditor.watch(resource)

    def call_at(self, when: float, callback: Callback, *args: Any) -> Timer:
        timers = self._auditor.timers
        return timers.expect(super().call_at(when, timers.timely(when, callback), *args))

    def call_every(self, interval: float, callback: Callback, *args: Any) -> Timer:
        timers = self._auditor.timers
        timely = timers.timely(timers.now + interval, callback, interval)
        return timers.expect(super().call_every(interval, timely, *args))
