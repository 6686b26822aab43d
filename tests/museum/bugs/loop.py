"""Bugs of `reactor/loop.py`, and of the order in which it does things."""

import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import reactor.loop
from reactor import EventLoop, Stream, Watcher
from reactor.timers import TimerQueue
from reactor.wakeup import Wakeup
from tests.museum.bug import Escaped, Function, Patch, at_sockets, bug, instead_of
from tests.museum.substitute import turning
from tests.museum.witness import made, under_way

PLACES = {"call_soon": 0, "call_before_select": 0, "call_at": 1, "register": 2}
"""By which methods a loop is given a callback, and behind how many arguments."""


def around_callbacks(patch: Patch, *methods: str) -> Callable[[Function], Function]:
    """The function below is called instead of each callback that a loop is given.

    It gets the callback, then its arguments. `methods` says by which ways; all if empty.
    """

    def stand(function: Function) -> Function:
        for name in methods or PLACES:

            @instead_of(patch, EventLoop, name)
            def _(add: Function, loop: EventLoop, *args: Any, place: int = PLACES[name]) -> Any:
                callback = partial(function, args[place])
                return add(loop, *args[:place], callback, *args[place + 1 :])

        return function

    return stand


def around_hook(patch: Patch, name: str) -> Callable[[Function], Function]:
    """The function below is called instead of a hook of a loop's instrument."""

    def stand(function: Function) -> Function:
        @instead_of(patch, EventLoop, "__init__")
        def _(make: Function, loop: EventLoop, *, instrument: Any = None, **options: Any) -> None:
            if instrument is not None:
                setattr(instrument, name, partial(function, getattr(instrument, name)))
            make(loop, instrument=instrument, **options)

        return function

    return stand


def around_select(patch: Patch) -> Callable[[Function], Function]:
    """The function below is called instead of the `select` of a loop's selector.

    It gets what was to be called, the loop, and the time-out.
    """

    def stand(function: Function) -> Function:
        @instead_of(patch, EventLoop, "__init__")
        def _(make: Function, loop: EventLoop, *, selector: Any = None, **options: Any) -> None:
            selector = selectors.DefaultSelector() if selector is None else selector
            selector.select = partial(function, selector.select, loop)
            make(loop, selector=selector, **options)

        return function

    return stand


def call_expired(queue: TimerQueue, now: float) -> None:
    """Call the timers that have been set aside."""
    while call := queue.pop_expired(now):
        callback, args, _ = call
        callback(*args)


# -- events --------------------------------------------------------------------------------


@bug(4, "a watcher is called though it was closed earlier in the batch")
def _(patch: Patch) -> None:
    @instead_of(patch, Watcher, "close")
    def _(close: Function, watcher: Watcher) -> None:
        events, callback = watcher.events, watcher.callback
        close(watcher)
        watcher.events, watcher.callback = events, callback


@bug(4, "an event belongs to whoever is registered under its number by now")
def _(patch: Patch) -> None:
    class Late(list[Any]):
        keys: Mapping[Any, Any] = {}

        def __iter__(self) -> Iterator[Any]:
            for key, events in super().__iter__():
                yield self.keys.get(key.fd, key), events

    @around_select(patch)
    def _(select: Any, loop: EventLoop, timeout: float | None = None) -> Late:
        ready = Late(select(timeout))
        ready.keys = select.__self__.get_map()
        return ready


# -- calls ---------------------------------------------------------------------------------


@bug(26, "an exception handler that raises ends the loop")
def _(patch: Patch) -> None:
    report_by(patch, Exception, Escaped)


@bug(203, "an exception handler that leaves the program is logged, and stays")
def _(patch: Patch) -> None:
    report_by(patch, BaseException, RuntimeError)


def report_by(patch: Patch, raised: type[BaseException], to: type[BaseException]) -> None:
    """What an exception handler raises is something else to the loop."""

    @instead_of(patch, EventLoop, "set_exception_handler")
    def _(set_exception_handler: Function, loop: EventLoop, handler: Function) -> None:
        set_exception_handler(loop, partial(turning(raised, to), handler))


@bug(27, "a callback can close the loop under its own feet")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "close")
    def _(close: Function, loop: EventLoop) -> None:
        if not loop.running:
            close(loop)


@bug(27, "a callback can run the loop that runs it")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "run_once")
    def _(run_once: Function, loop: EventLoop, *args: Any) -> None:
        if not loop.running:
            run_once(loop, *args)


@bug(40, "the loop does not let go of a resource that has ended")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "detach")
    def _(detach: Function, loop: EventLoop, *args: Any) -> None:
        if loop.closed:
            detach(loop, *args)


@bug(102, "the loop is woken before there is anything to do")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "call_soon_threadsafe")
    def _(call_soon_threadsafe: Function, loop: EventLoop, *call: Any) -> None:
        call_soon_threadsafe(loop, int)
        loop.call_soon(*call)


@bug(29, "the pipe is the queue: a call that finds no room in it is lost")
def _(patch: Patch) -> None:
    full = [False]

    @at_sockets(patch, "send", by="reactor.wakeup")
    def _(send: Function, *args: Any) -> Any:
        try:
            return send(*args)
        except BlockingIOError:
            full[0] = True
            raise

    @instead_of(patch, EventLoop, "call_soon_threadsafe")
    def _(call_soon_threadsafe: Function, loop: EventLoop, callback: Function, *args: Any) -> None:
        def call() -> None:
            if not lost:
                callback(*args)

        full[0] = lost = False
        call_soon_threadsafe(loop, call)
        lost = full[0]


def forget_behind_a_raise(patch: Patch, name: str) -> None:
    """What is queued when one of its kind raises is not done."""
    raised = [0]

    @instead_of(patch, EventLoop, name)
    def _(queue: Function, loop: EventLoop, callback: Function, *args: Any) -> None:
        def call() -> None:
            if raised[0] > before:
                return
            try:
                callback(*args)
            except Exception:
                raised[0] += 1
                raise

        before = raised[0]
        queue(loop, call)


@bug(109, "the calls behind one that raised are forgotten")
def _(patch: Patch) -> None:
    forget_behind_a_raise(patch, "call_soon")


@bug(109, "the flushes behind one that raised are forgotten")
def _(patch: Patch) -> None:
    forget_behind_a_raise(patch, "call_before_select")


def call_until_none_is_left(patch: Patch, name: str) -> None:
    """What is queued while one of its kind is called is called right behind it."""
    waiting: deque[Callable[[], object]] = deque()
    is_calling = [False]

    @instead_of(patch, EventLoop, name)
    def _(queue: Function, loop: EventLoop, callback: Function, *args: Any) -> None:
        def call() -> None:
            is_calling[0] = True
            try:
                callback(*args)
                while waiting:
                    waiting.popleft()()
            finally:
                is_calling[0] = False

        if is_calling[0]:
            waiting.append(partial(callback, *args))
        else:
            queue(loop, call)


@bug(23, "deferred calls are made until there are none left")
def _(patch: Patch) -> None:
    call_until_none_is_left(patch, "call_soon")


@bug(23, "streams are flushed until there are none left")
def _(patch: Patch) -> None:
    call_until_none_is_left(patch, "call_before_select")


@bug(110, "a loop that is told to stop leaves without a last flush")
def _(patch: Patch) -> None:
    stopped = [False]

    @instead_of(patch, EventLoop, "stop")
    def _(stop: Function, loop: EventLoop) -> None:
        stopped[0] = True
        stop(loop)

    @around_callbacks(patch, "call_before_select")
    def _(flush: Function) -> None:
        if not stopped[0]:
            flush()


@bug(203, "a hook that raises loses the call that was due")
def _(patch: Patch) -> None:
    lost = [False]

    @around_hook(patch, "callback_started")
    def _(callback_started: Function, *args: Any) -> None:
        try:
            callback_started(*args)
        except BaseException:
            lost[0] = True
            raise

    @around_callbacks(patch)
    def _(callback: Function, *args: Any) -> None:
        if lost[0]:
            lost[0] = False
        else:
            callback(*args)


# -- time ----------------------------------------------------------------------------------


@bug(22, "a loop keeps the time of the wall clock")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "__init__")
    def _(make: Function, loop: EventLoop, **options: Any) -> None:
        make(loop, **{"clock": time.time, **options})


@bug(22, "a delay counts from what the wall clock shows")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "call_later")
    def _(call_later: Function, loop: EventLoop, delay: float, *call: Any) -> Any:
        return loop.call_at(time.time() + delay, *call)


@bug(22, "how long to wait is worked out with the wall clock")
def _(patch: Patch) -> None:
    @around_select(patch)
    def _(select: Function, loop: EventLoop, timeout: float | None = None) -> Any:
        when = loop.state.next_timer
        return select(max(0.0, when - time.time()) if timeout and when is not None else timeout)


@bug(103, "a wait is as long as the next timer is away, whatever the system can do")
def _(patch: Patch) -> None:
    @around_select(patch)
    def _(select: Function, loop: EventLoop, timeout: float | None = None) -> Any:
        when = loop.state.next_timer
        return select(when - loop.time() if timeout and when is not None else timeout)


@bug(204, "timers that are overdue run before the sockets are looked at")
def _(patch: Patch) -> None:
    @instead_of(patch, TimerQueue, "expire")
    def _(expire: Function, queue: TimerQueue, now: float) -> None:
        expire(queue, now)
        call_expired(queue, now)


@bug(204, "timers that are overdue run before the calls that were queued in time")
def _(patch: Patch) -> None:
    seen: list[tuple[TimerQueue, float]] = []

    @instead_of(patch, TimerQueue, "expire")
    def _(expire: Function, queue: TimerQueue, now: float) -> None:
        seen.append((queue, now))
        expire(queue, now)

    @around_callbacks(patch, "call_soon")
    def _(callback: Function, *args: Any) -> None:
        call_expired(*seen[-1])
        callback(*args)


@bug(204, "what is due is asked for when the sockets have been served, however long that took")
def _(patch: Patch) -> None:
    loops = made(patch, EventLoop)
    expire, is_first = TimerQueue.expire, [False]

    @instead_of(patch, TimerQueue, "expire")
    def _(expire: Function, queue: TimerQueue, now: float) -> None:
        is_first[0] = True

    @instead_of(patch, TimerQueue, "pop_expired")
    def _(pop_expired: Function, queue: TimerQueue, now: float) -> Any:
        if is_first[0]:
            expire(queue, loops[-1].time())
            is_first[0] = False
        return pop_expired(queue, now)


@bug(204, "the time is taken when the instrument is done with the wait")
def _(patch: Patch) -> None:
    loops = made(patch, EventLoop)
    queues: list[TimerQueue] = []
    expire = TimerQueue.expire

    @instead_of(patch, TimerQueue, "expire")
    def _(expire: Function, queue: TimerQueue, now: float) -> None:
        queues.append(queue)
        if loops[-1].instrument is None:
            expire(queue, now)

    @around_hook(patch, "select_ended")
    def _(select_ended: Function, *args: Any) -> None:
        select_ended(*args)
        expire(queues[-1], loops[-1].time())


# -- the bell ------------------------------------------------------------------------------


@bug(29, "a pipe that had to be replaced is nobody's news")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "call_exception_handler")
    def _(report: Function, loop: EventLoop, message: str, exc: Exception) -> None:
        if type(exc) is not ConnectionError:
            report(loop, message, exc)


@bug(203, "a broken bell is reported first, by somebody who may leave")
def _(patch: Patch) -> None:
    loops = made(patch, EventLoop)

    @instead_of(patch, Wakeup, "abandon")
    def _(abandon: Function, bell: Wakeup) -> None:
        loops[-1].call_exception_handler("the bell is broken", ConnectionError("broken"))
        abandon(bell)


@bug(164, "a bell that can't be replaced at once is the end of the loop")
def _(patch: Patch) -> None:
    instead_of(patch, Wakeup, "__init__")(turning(OSError, into=Escaped))


@bug(164, "a bell is asked for once and never again")
def _(patch: Patch) -> None:
    refused: list[OSError] = []

    @instead_of(patch, Wakeup, "__init__")
    def _(make: Function, bell: Wakeup, *args: Any) -> None:
        try:
            if not refused:
                make(bell, *args)
        except OSError as exc:
            refused.append(exc)
        if refused:
            raise refused[0]


@bug(213, "stop() sets a flag, and wakes nobody")
def _(patch: Patch) -> None:
    is_stopping = under_way(patch, EventLoop, "stop")
    ring_unless(patch, is_stopping)


@bug(213, "a stop between the look at the queue and the wait is missed")
def _(patch: Patch) -> None:
    on_the_brink = [False]
    is_stopping = under_way(patch, EventLoop, "stop")
    ring_unless(patch, lambda: is_stopping() and on_the_brink[0])

    @around_hook(patch, "select_started")
    def _(select_started: Function, *args: Any) -> None:
        on_the_brink[0] = True
        try:
            select_started(*args)
        finally:
            on_the_brink[0] = False


def ring_unless(patch: Patch, is_silent: Callable[[], bool]) -> None:
    @instead_of(patch, Wakeup, "ring")
    def _(ring: Function, bell: Wakeup) -> None:
        if not is_silent():
            ring(bell)


@bug(213, "stop() rings whether anybody sleeps or not")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "stop")
    def _(stop: Function, loop: EventLoop) -> None:
        stop(loop)
        loop.call_soon_threadsafe(int)


# -- closing -------------------------------------------------------------------------------


@bug(111, "a loop that is closed tells nobody")
def _(patch: Patch) -> None:
    not_while_closing(patch, Stream, "finish")


@bug(111, "a loop that is closed tells of the end, and leaves the sockets open")
def _(patch: Patch) -> None:
    kept: list[socket.socket] = []  # from the garbage collector, which would tell another test
    is_closing = under_way(patch, EventLoop, "close")

    @instead_of(patch, socket.socket, "close")
    def _(close: Function, sock: socket.socket) -> None:
        kept.append(sock) if is_closing() else close(sock)


@bug(128, "a loop that is closed leaves its signal handlers behind")
def _(patch: Patch) -> None:
    not_while_closing(patch, signal, "signal")


@bug(207, "the timers of a closed loop seem to be active")
def _(patch: Patch) -> None:
    not_while_closing(patch, TimerQueue, "clear")


@bug(207, "the watchers of a closed loop seem to be open")
def _(patch: Patch) -> None:
    not_while_closing(patch, Watcher, "close")


def not_while_closing(patch: Patch, owner: Any, name: str) -> None:
    """A step that is left out of what is done when a loop is closed."""
    is_closing = under_way(patch, EventLoop, "close")

    @instead_of(patch, owner, name)
    def _(step: Function, *args: Any) -> Any:
        return None if is_closing() else step(*args)


@bug(207, "a closed loop refuses work like any other wrong use")
def _(patch: Patch) -> None:
    patch.setattr(reactor.loop, "LoopClosed", RuntimeError)


@bug(207, "a loop that is closed does not say so")
def _(patch: Patch) -> None:
    patch.setattr(EventLoop, "closed", False)


# -- a child -------------------------------------------------------------------------------


@bug(205, "nobody tells a child")
def _(patch: Patch) -> None:
    disown_only_if(patch, lambda loop: False)


@bug(205, "a child that returns into the loop goes on in its parent's place")
def _(patch: Patch) -> None:
    disown_only_if(patch, lambda loop: not loop.running)


def disown_only_if(patch: Patch, is_told: Callable[[EventLoop], bool]) -> None:
    @instead_of(patch, EventLoop, "disown")
    def _(disown: Function, loop: EventLoop) -> None:
        if is_told(loop):
            disown(loop)


@bug(205, "a child keeps the signal handlers of its parent, which call nobody there")
def _(patch: Patch) -> None:
    handled: set[int] = set()

    @instead_of(patch, EventLoop, "add_signal_handler")
    def _(add_signal_handler: Function, loop: EventLoop, signum: int, *call: Any) -> None:
        handled.add(signum)
        add_signal_handler(loop, signum, *call)

    @instead_of(patch, EventLoop, "disown")
    def _(disown: Function, loop: EventLoop) -> None:
        disown(loop)
        for signum in handled:
            signal.signal(signum, lambda *args: None)


def children(patch: Patch) -> set[EventLoop]:
    """The loops that this process, which is a child, has inherited."""
    found: set[EventLoop] = set()

    @instead_of(patch, EventLoop, "disown")
    def _(disown: Function, loop: EventLoop) -> None:
        found.add(loop)
        disown(loop)

    return found


@bug(205, "a child may register with the selector of its parent")
def _(patch: Patch) -> None:
    inherited = children(patch)

    @instead_of(patch, EventLoop, "register")
    def _(register: Function, loop: EventLoop, *args: Any) -> Any:
        return None if loop in inherited else register(loop, *args)


@bug(205, "a child tells the handlers of connections that go on")
def _(patch: Patch) -> None:
    inherited = children(patch)

    @instead_of(patch, EventLoop, "close")
    def _(close: Function, loop: EventLoop) -> None:
        for resource in loop.state.resources:
            if loop in inherited and isinstance(resource, Stream):
                resource.handler.connection_lost(None)
        close(loop)


@bug(205, "a child of a callback can't close what it has inherited")
def _(patch: Patch) -> None:
    running: set[EventLoop] = set()

    @instead_of(patch, EventLoop, "disown")
    def _(disown: Function, loop: EventLoop) -> None:
        if loop.running:
            running.add(loop)
        disown(loop)

    @instead_of(patch, EventLoop, "close")
    def _(close: Function, loop: EventLoop) -> None:
        if loop in running:
            raise RuntimeError("a running loop can't be closed: stop() it first")
        close(loop)
