"""Bugs of time: timers that wait otherwise, and rooms that look at the time first."""

from collections.abc import Callable
from typing import Any

from reactor import EventLoop, ReceiveBuffer, Timer

from .bug import Function, Patch, instead_of

__all__ = ["look_at_time_first", "wait_otherwise"]


def wait_otherwise(patch: Patch, room: str, change: Callable[..., float]) -> None:
    """Have the timers of `room` set for what `change` makes of a delay and its callback."""

    @instead_of(patch, EventLoop, "call_later", by=room)
    def _(call_later: Function, loop: EventLoop, delay: float, call: Function, *args: Any) -> Any:
        return call_later(loop, change(delay, call), call, *args)


def look_at_time_first(patch: Patch, room: str) -> None:
    """Have the timers of `room` that are due called before anything is taken from a buffer."""
    timers: list[tuple[EventLoop, Timer, Function]] = []

    @instead_of(patch, EventLoop, "call_later")
    def _(call_later: Function, loop: EventLoop, delay: float, call: Function, *args: Any) -> Timer:
        timer: Timer = call_later(loop, delay, call, *args)
        if call.__module__ == room:
            timers.append((loop, timer, call))
        return timer

    @instead_of(patch, ReceiveBuffer, "take_all")
    def _(take_all: Function, buffer: ReceiveBuffer) -> Any:
        for loop, timer, call in timers:
            if timer.active and timer.when <= loop.time():
                timer.cancel()
                call()
        return take_all(buffer)
