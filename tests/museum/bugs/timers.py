"""Bugs of `reactor/timers.py`."""

import time
from typing import Any

from reactor import Timer
from reactor.timers import TimerQueue
from tests.museum.bug import Function, Patch, bug, instead_of
from tests.museum.witness import made


def add_at(patch: Patch, place: Function) -> None:
    """Where a timer is put: a function of when it is due."""

    @instead_of(patch, TimerQueue, "add")
    def _(add: Function, queue: TimerQueue, when: float, *call: Any) -> Any:
        return add(queue, place(when), *call)


@bug(22, "times are counted in milliseconds, in 31 bits")
def _(patch: Patch) -> None:
    add_at(patch, lambda when: (int(when * 1000) & 0x7FFFFFFF) / 1000)


@bug(22, "times are counted in seconds, in 31 bits")
def _(patch: Patch) -> None:
    add_at(patch, lambda when: when % 2.0**31)


@bug(22, "what is due is asked of the wall clock")
def _(patch: Patch) -> None:
    @instead_of(patch, TimerQueue, "expire")
    def _(expire: Function, queue: TimerQueue, now: float) -> None:
        expire(queue, time.time())


@bug(22, "the rhythm of a repeating timer is that of the wall clock")
def _(patch: Patch) -> None:
    @instead_of(patch, TimerQueue, "pop_expired")
    def _(pop_expired: Function, queue: TimerQueue, now: float) -> Any:
        return pop_expired(queue, time.time())


@bug(23, "timers that are added while others are called join their round")
def _(patch: Patch) -> None:
    @instead_of(patch, TimerQueue, "pop_expired")
    def _(pop_expired: Function, queue: TimerQueue, now: float) -> Any:
        queue.expire(now)
        return pop_expired(queue, now)


# -- cancelling ----------------------------------------------------------------------------


@bug(24, "a cancelled timer leaves an empty one in its place, until its time has come")
def _(patch: Patch) -> None:
    queues: dict[Timer, TimerQueue] = {}

    @instead_of(patch, TimerQueue, "add")
    def _(add: Function, queue: TimerQueue, *args: Any) -> Timer:
        timer: Timer = add(queue, *args)
        queues[timer] = queue
        return timer

    @instead_of(patch, Timer, "cancel")
    def _(cancel: Function, timer: Timer) -> None:
        if timer.active:
            queues[timer].add(timer.when, bool)
        cancel(timer)


@bug(24, "a cancelled timer holds on to its callback")
def _(patch: Patch) -> None:
    @instead_of(patch, Timer, "cancel")
    def _(cancel: Function, timer: Timer) -> None:
        callback = timer.callback
        cancel(timer)
        timer.callback = callback


@bug(24, "a cancelled timer holds on to its arguments")
def _(patch: Patch) -> None:
    @instead_of(patch, Timer, "cancel")
    def _(cancel: Function, timer: Timer) -> None:
        args = timer.args
        cancel(timer)
        timer.args = args


@bug(24, "a cancelled timer calls nobody, and is waited for all the same")
def _(patch: Patch) -> None:
    @instead_of(patch, Timer, "cancel")
    def _(cancel: Function, timer: Timer) -> None:
        timer.callback, timer.args = bool, ()


# -- repeating -----------------------------------------------------------------------------


def pop_as_if(patch: Patch, pretend: Function) -> None:
    """Before a repeating timer is put back: what the time is, after a look at the timer."""
    repeating: list[Timer] = []

    @instead_of(patch, TimerQueue, "add")
    def _(add: Function, queue: TimerQueue, *args: Any) -> Timer:
        timer: Timer = add(queue, *args)
        if timer.interval is not None:
            repeating.append(timer)
        return timer

    @instead_of(patch, TimerQueue, "pop_expired")
    def _(pop_expired: Function, queue: TimerQueue, now: float) -> Any:
        for timer in repeating:
            if timer.active and timer.when <= now:
                now = pretend(timer, now)
        return pop_expired(queue, now)


@bug(123, "the next time counts from when the timer was called, not from when it was due")
def _(patch: Patch) -> None:
    def count_from_now(timer: Timer, now: float) -> float:
        timer.when = now
        return now

    pop_as_if(patch, count_from_now)


@bug(123, "each time that was missed is made up for")
def _(patch: Patch) -> None:
    pop_as_if(patch, lambda timer, now: timer.when)


@bug(123, "only the one time that was missed is skipped")
def _(patch: Patch) -> None:
    pop_as_if(patch, lambda timer, now: min(now, timer.when + timer.interval))


@bug(123, "a next time that rounding brings to now is due at once")
def _(patch: Patch) -> None:
    queues = made(patch, TimerQueue)

    def round_down(timer: Timer, now: float) -> float:
        assert timer.interval is not None
        if now + timer.interval - (now - timer.when) % timer.interval <= now:
            assert timer.callback is not None
            queues[-1].add(now, timer.callback, timer.args)
        return now

    pop_as_if(patch, round_down)
