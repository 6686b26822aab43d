"""Bugs of `reactor/stream.py`."""

import errno
import select
import socket
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import reactor.stream
from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    EventLoop,
    LoopClosed,
    ReceiveBuffer,
    Stream,
    StreamClosed,
    StreamHandler,
    Timer,
)
from reactor.watcher import Watcher
from tests.museum.bug import Escaped, Function, Patch, at_sockets, bug, forget, instead_of
from tests.museum.punctuality import wait_otherwise
from tests.museum.substitute import nothing, turning
from tests.museum.witness import under_way

ROOM = "reactor.stream"
FOR_EVER = 1e9


def sockets(patch: Patch, name: str) -> Callable[[Function], Function]:
    """The function below is called instead of a method of a stream's socket."""
    owners = streams(patch)

    def stand(function: Function) -> Function:
        @at_sockets(patch, name, by="reactor")
        def _(method: Function, sock: socket.socket, *args: Any) -> Any:
            return function(method, sock, *args) if sock in owners else method(sock, *args)

        return function

    return stand


def told(patch: Patch, name: str) -> Callable[[Function], Function]:
    """The function below is called instead of a handler's method.

    It gets the method, the stream, and the arguments.
    """

    def stand(function: Function) -> Function:
        @instead_of(patch, Stream, "__init__")
        def _(make: Function, stream: Stream, *args: Any, **options: Any) -> None:
            handler = args[2]
            vars(handler)[name] = partial(function, getattr(handler, name), stream)
            make(stream, *args, **options)

        return function

    return stand


def streams(patch: Patch) -> WeakKeyDictionary[socket.socket, Stream]:
    """The stream that owns a socket."""
    found: WeakKeyDictionary[socket.socket, Stream] = WeakKeyDictionary()

    @instead_of(patch, Stream, "__init__")
    def _(make: Function, stream: Stream, *args: Any, **options: Any) -> None:
        found[args[1]] = stream
        make(stream, *args, **options)

    return found


def loops_of_streams(patch: Patch) -> WeakKeyDictionary[Stream, EventLoop]:
    """The loop of a stream."""
    found: WeakKeyDictionary[Stream, EventLoop] = WeakKeyDictionary()

    @instead_of(patch, Stream, "__init__")
    def _(make: Function, stream: Stream, loop: EventLoop, *args: Any, **options: Any) -> None:
        found[stream] = loop
        make(stream, loop, *args, **options)

    return found


def watchers_of_streams(patch: Patch) -> WeakKeyDictionary[Stream, Watcher]:
    """The watcher of a stream."""
    found: WeakKeyDictionary[Stream, Watcher] = WeakKeyDictionary()
    owners = streams(patch)

    @instead_of(patch, EventLoop, "register", by=ROOM)
    def _(register: Function, loop: EventLoop, sock: socket.socket, *args: Any) -> Watcher:
        watcher: Watcher = register(loop, sock, *args)
        found[owners[sock]] = watcher
        return watcher

    return found


def resumed_streams(patch: Patch) -> set[Stream]:
    """Those whose reading was resumed, until somebody takes them out."""
    found: set[Stream] = set()

    @instead_of(patch, Stream, "resume_reading")
    def _(resume_reading: Function, stream: Stream) -> None:
        found.add(stream)
        resume_reading(stream)

    return found


def failures(patch: Patch) -> list[OSError]:
    """The errors that a stream has met when it sent, or ended its output."""
    found: list[OSError] = []
    for name in ("send", "shutdown"):

        @sockets(patch, name)
        def _(call: Function, *args: Any) -> Any:
            try:
                return call(*args)
            except BlockingIOError:
                raise
            except OSError as exc:
                found.append(exc)
                raise

    return found


def moving_deadline(patch: Patch) -> Callable[[EventLoop], None]:
    """Call what this returns, and the deadlines of all streams begin anew."""
    beginning = [float("-inf")]

    @instead_of(patch, EventLoop, "call_later", by=ROOM)
    def _(call_later: Function, loop: EventLoop, delay: float, call: Function, *args: Any) -> Timer:
        def expire() -> None:
            if loop.time() < beginning[0] + delay:
                loop.call_at(beginning[0] + delay, expire)
            else:
                call(*args)

        timer: Timer = call_later(loop, delay, expire)
        return timer

    def move(loop: EventLoop) -> None:
        beginning[0] = loop.time()

    return move


# -- the system ----------------------------------------------------------------------------


@bug(3, "a selector that takes no more is not expected when a stream begins to read")
def _(patch: Patch) -> None:
    instead_of(patch, Watcher, "modify", by=ROOM)(turning(OSError, into=Escaped))


@bug(6, "a reset that a send meets is left for reading to find")
def _(patch: Patch) -> None:
    sockets(patch, "send")(turning(ConnectionError, into=BlockingIOError))


@bug(7, "a readable socket is believed to have something to read")
def _(patch: Patch) -> None:
    forget(patch, reactor.stream, "BlockingIOError", "InterruptedError")


@bug(7, "a connection is used as it was accepted, blocking")
def _(patch: Patch) -> None:
    sockets(patch, "setblocking")(nothing)


@bug(8, "a chunk is taken off the queue before the system has taken it")
def _(patch: Patch) -> None:
    @sockets(patch, "send")
    def _(send: Function, sock: socket.socket, data: bytes) -> int:
        try:
            send(sock, data)
        except BlockingIOError:
            pass
        return len(data)


@bug(8, "each send copies all that waits")
def _(patch: Patch) -> None:
    @sockets(patch, "send")
    def _(send: Function, sock: socket.socket, data: bytes) -> Any:
        return send(sock, bytes(bytearray(data)))


@bug(8, "of what a send has taken the last byte is sent again")
def _(patch: Patch) -> None:
    @sockets(patch, "send")
    def _(send: Function, sock: socket.socket, data: bytes) -> int:
        sent: int = send(sock, data)
        return sent - (1 < sent < len(data))


@bug(8, "what a send did not take is queued again, behind all that waits")
def _(patch: Patch) -> None:
    owners = streams(patch)

    @sockets(patch, "send")
    def _(send: Function, sock: socket.socket, data: bytes) -> int:
        sent: int = send(sock, data)
        if not owners[sock].closing:
            owners[sock].write(bytes(data)[sent:])
            return len(data)
        return sent


@bug(8, "a buffer of bytes is kept, not copied, and its owner changes it")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "write")
    def _(write: Function, stream: Stream, data: Any) -> bool:
        if isinstance(data, bytes):
            return bool(write(stream, data))
        memoryview(data)
        loops[stream].call_before_select(partial(write, stream, data))
        return True

    loops = loops_of_streams(patch)


@bug(8, "the length of a view is counted in items, not in bytes")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "write")
    def _(write: Function, stream: Stream, data: Any) -> bool:
        return bool(write(stream, bytes(data)[: len(data)]))


@bug(8, "an empty queue is taken for nothing to do, though an end waits behind it")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "write_eof")
    def _(write_eof: Function, stream: Stream) -> None:
        if stream.write_buffer_size:
            write_eof(stream)


# -- the end -------------------------------------------------------------------------------


@bug(9, "the socket is closed as soon as the reply is handed to the system")
def _(patch: Patch) -> None:
    owners = streams(patch)

    @sockets(patch, "shutdown")
    def _(shutdown: Function, sock: socket.socket, how: int) -> None:
        shutdown(sock, how)
        owners[sock].abort()


@bug(9, "a stream that closes no longer reads")
def _(patch: Patch) -> None:
    watchers = watchers_of_streams(patch)
    deaf: set[Watcher | None] = set()

    @instead_of(patch, Stream, "close")
    def _(close: Function, stream: Stream, *args: Any, **options: Any) -> None:
        deaf.add(watchers.get(stream))
        close(stream, *args, **options)
        if stream in watchers and not watchers[stream].closed:
            watchers[stream].modify(watchers[stream].events & EVENT_WRITE)

    @instead_of(patch, Watcher, "modify", by=ROOM)
    def _(modify: Function, watcher: Watcher, events: int) -> None:
        modify(watcher, events & EVENT_WRITE if watcher in deaf else events)


@bug(9, "a stream that was paused before it was closed is not drained")
def _(patch: Patch) -> None:
    owners = streams(patch)
    paused: set[Stream] = set()

    @instead_of(patch, Stream, "pause_reading")
    def _(pause_reading: Function, stream: Stream) -> None:
        paused.add(stream)
        pause_reading(stream)

    @instead_of(patch, Stream, "resume_reading")
    def _(resume_reading: Function, stream: Stream) -> None:
        paused.discard(stream)
        resume_reading(stream)

    @instead_of(patch, Watcher, "modify", by=ROOM)
    def _(modify: Function, watcher: Watcher, events: int) -> None:
        assert isinstance(watcher.fileobj, socket.socket)
        is_paused = owners[watcher.fileobj] in paused
        modify(watcher, events & EVENT_WRITE if is_paused else events)


@bug(10, "the end of input is taken for the end of the connection")
def _(patch: Patch) -> None:
    @sockets(patch, "recv")
    def _(recv: Function, *args: Any) -> bytes:
        data: bytes = recv(*args)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the peer has ended")
        return data


@bug(10, "after the end of input the stream waits for nothing, not even to write")
def _(patch: Patch) -> None:
    ended: set[socket.socket] = set()

    @sockets(patch, "recv")
    def _(recv: Function, sock: socket.socket, *args: Any) -> bytes:
        data: bytes = recv(sock, *args)
        if not data:
            ended.add(sock)
        return data

    @instead_of(patch, Watcher, "modify", by=ROOM)
    def _(modify: Function, watcher: Watcher, events: int) -> None:
        modify(watcher, 0 if watcher.fileobj in ended else events)


@bug(11, "a graceful close has no deadline")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "close")
    def _(close: Function, stream: Stream, timeout: float = 0.0) -> None:
        close(stream, FOR_EVER)


@bug(11, "every byte that the peer sends moves the deadline")
def _(patch: Patch) -> None:
    loops, owners = loops_of_streams(patch), streams(patch)
    move = moving_deadline(patch)

    @sockets(patch, "recv")
    def _(recv: Function, sock: socket.socket, *args: Any) -> Any:
        move(loops[owners[sock]])
        return recv(sock, *args)


@bug(11, "closing again moves the deadline")
def _(patch: Patch) -> None:
    loops = loops_of_streams(patch)
    move = moving_deadline(patch)

    @instead_of(patch, Stream, "close")
    def _(close: Function, stream: Stream, *args: Any, **options: Any) -> None:
        move(loops[stream])
        close(stream, *args, **options)


@bug(11, "the deadline outlives an end that came in time")
def _(patch: Patch) -> None:
    instead_of(patch, Timer, "cancel", by=ROOM)(nothing)


@bug(162, "a deadline that is over when the process wakes ends what was never tried")
def _(patch: Patch) -> None:
    send_at_most(patch, 0)


@bug(
    204,
    "at a deadline that is over when the process wakes one piece is tried, though there is"
    " room for more",
)
def _(patch: Patch) -> None:
    send_at_most(patch, 1)


def send_at_most(patch: Patch, count: int) -> None:
    """When a deadline has passed."""
    room = [FOR_EVER]

    @instead_of(patch, EventLoop, "call_later", by=ROOM)
    def _(call_later: Function, loop: EventLoop, delay: float, call: Function, *args: Any) -> Timer:
        def expire() -> None:
            room[0] = count
            try:
                call(*args)
            finally:
                room[0] = FOR_EVER

        timer: Timer = call_later(loop, delay, expire)
        return timer

    @sockets(patch, "send")
    def _(send: Function, *args: Any) -> Any:
        if not room[0]:
            raise BlockingIOError
        room[0] -= 1
        return send(*args)


@bug(104, "the output is ended before the handler is told of the end of input")
def _(patch: Patch) -> None:
    owners = streams(patch)

    @sockets(patch, "recv")
    def _(recv: Function, sock: socket.socket, *args: Any) -> bytes:
        data: bytes = recv(sock, *args)
        if not data:
            owners[sock].write_eof()
        return data


@bug(105, "ending the output of a connection that is gone raises into the loop")
def _(patch: Patch) -> None:
    sockets(patch, "shutdown")(turning(OSError, into=Escaped))


@bug(111, "a stream tells of its end each time that it is told to finish")
def _(patch: Patch) -> None:
    handlers: dict[Stream, StreamHandler] = {}

    instead_of(patch, EventLoop, "detach", by=ROOM)(nothing)

    @instead_of(patch, Stream, "finish")
    def _(finish: Function, stream: Stream) -> None:
        if stream in handlers:
            handlers[stream].connection_lost(None)
        handlers.setdefault(stream, stream.handler)
        finish(stream)


@bug(208, "the end of a peer that comes after our own is not looked at")
def _(patch: Patch) -> None:
    @sockets(patch, "recv")
    def _(recv: Function, sock: socket.socket, *args: Any) -> bytes:
        data: bytes = recv(sock, *args)
        if not data and sock in shut:
            raise BlockingIOError
        return data

    shut: set[socket.socket] = set()

    @sockets(patch, "shutdown")
    def _(shutdown: Function, sock: socket.socket, how: int) -> None:
        shut.add(sock)
        shutdown(sock, how)


@bug(208, "only close() sets the end in motion once the peer has ended")
def _(patch: Patch) -> None:
    owners, ended = streams(patch), set[Stream]()

    @sockets(patch, "recv")
    def _(recv: Function, sock: socket.socket, *args: Any) -> bytes:
        data: bytes = recv(sock, *args)
        if not data:
            ended.add(owners[sock])
        return data

    @instead_of(patch, Stream, "write_eof", by="tests")
    def _(write_eof: Function, stream: Stream) -> None:
        if stream not in ended:
            write_eof(stream)


@bug(208, "who has half-closed is not asked to write, though it paused for that")
def _(patch: Patch) -> None:
    @told(patch, "resume_writing")
    def _(resume_writing: Function, stream: Stream) -> None:
        if not stream.closing:
            resume_writing()


# -- how much ------------------------------------------------------------------------------


@bug(25, "reads as long as there is something to read")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "register", by=ROOM)
    def _(
        register: Function, loop: EventLoop, sock: socket.socket, events: int, call: Function
    ) -> Watcher:
        def call_again(events: int) -> None:
            call(events)
            while watcher.events & EVENT_READ and select.select([sock], [], [], 0)[0]:
                call(EVENT_READ)

        watcher: Watcher = register(loop, sock, events, call_again)
        return watcher


@bug(25, "what a handler left in the buffer waits for the next packet")
def _(patch: Patch) -> None:
    deliver_when_resumed(patch, lambda call_soon, *args: None)


def deliver_when_resumed(patch: Patch, deliver: Function) -> None:
    """How a stream whose reading is resumed has what is left in its buffer delivered."""
    is_resuming = under_way(patch, Stream, "resume_reading")

    @instead_of(patch, EventLoop, "call_soon", by=ROOM)
    def _(call_soon: Function, *args: Any) -> None:
        deliver(call_soon, *args) if is_resuming() else call_soon(*args)


@bug(34, "write never says that it is enough")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "write")
    def _(write: Function, *args: Any) -> bool:
        write(*args)
        return True


@bug(34, "there is no end to what may wait for a peer that does not read")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "__init__")
    def _(make: Function, stream: Stream, *args: Any, **options: Any) -> None:
        make(stream, *args, **options)
        stream.set_write_buffer_limits(limit=1 << 60)


@bug(34, "a paused stream reads on, and keeps what it reads")
def _(patch: Patch) -> None:
    paused: set[Stream] = set()

    @instead_of(patch, Stream, "pause_reading")
    def _(pause_reading: Function, stream: Stream) -> None:
        paused.add(stream)

    @told(patch, "data_received")
    def _(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        if stream not in paused:
            data_received(buffer)


@bug(33, "a handler that took something is given the rest from inside its own call")
def _(patch: Patch) -> None:
    @told(patch, "data_received")
    def give(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        waiting = len(buffer)
        data_received(buffer)
        if 0 < len(buffer) < waiting:
            give(data_received, stream, buffer)


@bug(33, "resuming delivers what is left at once, one call inside the other")
def _(patch: Patch) -> None:
    deliver_at_once(patch)


def deliver_at_once(patch: Patch) -> None:
    due: list[Callable[[], object]] = []

    def wait(call_soon: Function, loop: EventLoop, call: Function, *args: Any) -> None:
        due.append(partial(call, *args))

    deliver_when_resumed(patch, wait)

    @instead_of(patch, Stream, "resume_reading")
    def _(resume_reading: Function, stream: Stream) -> None:
        resume_reading(stream)
        if due:
            due.pop()()


# -- the handler ---------------------------------------------------------------------------


def let_raise(patch: Patch, name: str) -> None:
    """Have a handler's method raise into the loop."""

    @told(patch, name)
    def _(method: Function, stream: Stream, *args: Any) -> Any:
        try:
            return method(*args)
        except Exception as exc:
            raise Escaped from exc


@bug(26, "connection_made may raise into the loop")
def _(patch: Patch) -> None:
    let_raise(patch, "connection_made")


@bug(26, "data_received may raise into the loop")
def _(patch: Patch) -> None:
    let_raise(patch, "data_received")


@bug(26, "eof_received may raise into the loop")
def _(patch: Patch) -> None:
    let_raise(patch, "eof_received")


@bug(26, "resume_writing may raise into the loop")
def _(patch: Patch) -> None:
    let_raise(patch, "resume_writing")


@bug(26, "connection_lost may raise into the loop")
def _(patch: Patch) -> None:
    let_raise(patch, "connection_lost")


@bug(26, "a handler that raised is reported, and its stream lives on")
def _(patch: Patch) -> None:
    loops = loops_of_streams(patch)

    @told(patch, "data_received")
    def _(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        try:
            data_received(buffer)
        except Exception as exc:
            loops[stream].call_exception_handler("a handler raised", exc)


@bug(27, "whoever aborts a stream is called back before abort returns")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "abort")
    def _(abort: Function, stream: Stream) -> None:
        abort(stream)
        stream.finish()


@bug(27, "whoever resumes reading is called back before that returns")
def _(patch: Patch) -> None:
    deliver_at_once(patch)


@bug(40, "a stream that has ended keeps its handler")
def _(patch: Patch) -> None:
    kept: WeakKeyDictionary[Stream, StreamHandler] = WeakKeyDictionary()

    @instead_of(patch, Stream, "finish")
    def _(finish: Function, stream: Stream) -> None:
        kept[stream] = stream.handler
        finish(stream)


@bug(40, "a stream that has ended keeps the error that ended it, whose traceback keeps the stream")
def _(patch: Patch) -> None:
    kept: WeakKeyDictionary[Stream, Exception | None] = WeakKeyDictionary()

    @told(patch, "connection_lost")
    def _(connection_lost: Function, stream: Stream, exc: Exception | None) -> None:
        kept[stream] = exc
        connection_lost(exc)


@bug(108, "what was left is added to the buffer again when it is delivered")
def _(patch: Patch) -> None:
    resumed = resumed_streams(patch)

    @told(patch, "data_received")
    def _(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        if stream in resumed:
            resumed.remove(stream)
            buffer.append(bytes(buffer))
        data_received(buffer)


# -- what was received, and the end ----------------------------------------------------------


@bug(201, "what is left when reading is resumed waits while the socket is read on")
def _(patch: Patch) -> None:
    watchers = watchers_of_streams(patch)

    @instead_of(patch, Stream, "resume_reading")
    def _(resume_reading: Function, stream: Stream) -> None:
        resume_reading(stream)
        if not watchers[stream].closed:
            watchers[stream].modify(watchers[stream].events | EVENT_READ)


@bug(201, "who pauses again before the rest came is given it all the same")
def _(patch: Patch) -> None:
    @instead_of(patch, Stream, "pause_reading")
    def _(pause_reading: Function, stream: Stream) -> None:
        if stream not in resumed:
            pause_reading(stream)

    resumed = resumed_streams(patch)

    @told(patch, "data_received")
    def _(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        resumed.discard(stream)
        data_received(buffer)


@bug(201, "half a line is offered again and again if its handler resumes from inside")
def _(patch: Patch) -> None:
    loops, resumed = loops_of_streams(patch), resumed_streams(patch)
    times = iter(range(100, 0, -1))

    @told(patch, "data_received")
    def offer(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        resumed.discard(stream)
        data_received(buffer)
        if stream in resumed and buffer and next(times, 0):  # so that what waits for an end, ends
            loops[stream].call_soon(offer, data_received, stream, buffer)


@bug(202, "a send that fails ends the stream with its input unread")
def _(patch: Patch) -> None:
    end_where_it_fails(patch, "send")


@bug(202, "an end of output that fails ends the stream with its input unread")
def _(patch: Patch) -> None:
    end_where_it_fails(patch, "shutdown")


def end_where_it_fails(patch: Patch, name: str) -> None:
    owners = streams(patch)

    @sockets(patch, name)
    def _(call: Function, sock: socket.socket, *args: Any) -> Any:
        try:
            return call(sock, *args)
        except BlockingIOError:
            raise
        except OSError:
            owners[sock].abort()
            raise


@bug(202, "what is written comes before what the peer has said")
def _(patch: Patch) -> None:
    @instead_of(patch, EventLoop, "register", by=ROOM)
    def _(
        register: Function, loop: EventLoop, sock: socket.socket, events: int, call: Function
    ) -> Watcher:
        def write_first(events: int) -> None:
            for each in (EVENT_WRITE, EVENT_READ):
                if events & watcher.events & each:
                    call(each)

        watcher: Watcher = register(loop, sock, events, write_first)
        return watcher


@bug(202, "a stream whose output has failed is paused for ever")
def _(patch: Patch) -> None:
    failed = failures(patch)

    wait_otherwise(patch, ROOM, lambda delay, _: FOR_EVER if failed else delay)


@bug(202, "the last error is told, not the first")
def _(patch: Patch) -> None:
    met = failures(patch)

    @sockets(patch, "recv")
    def _(recv: Function, *args: Any) -> Any:
        try:
            return recv(*args)
        except ConnectionError as exc:
            met.append(exc)
            raise

    @told(patch, "connection_lost")
    def _(connection_lost: Function, stream: Stream, exc: Exception | None) -> None:
        connection_lost(met[-1] if exc is not None and met else exc)


@bug(202, "who waits for room to answer is not asked any more, and leaves the rest unread")
def _(patch: Patch) -> None:
    failed = failures(patch)

    @told(patch, "resume_writing")
    def _(resume_writing: Function, stream: Stream) -> None:
        if not failed:
            resume_writing()


@bug(202, "an end that nobody sent is told after a reset")
def _(patch: Patch) -> None:
    owners, failed = streams(patch), failures(patch)

    @sockets(patch, "recv")
    def _(recv: Function, sock: socket.socket, *args: Any) -> bytes:
        data: bytes = recv(sock, *args)
        if not data and failed:
            owners[sock].handler.eof_received()
        return data


# -- who leaves by an exit, a child, a loop that closes --------------------------------------


def at_exit(patch: Patch, name: str, deed: Function) -> None:
    """Have something done to a stream, and to what its handler was given, if that exits there."""

    @told(patch, name)
    def _(method: Function, stream: Stream, *args: Any) -> Any:
        try:
            return method(*args)
        except Exception:
            raise
        except BaseException:
            deed(stream, *args)
            raise


@bug(203, "a fault is reported before its stream is ended")
def _(patch: Patch) -> None:
    loops = loops_of_streams(patch)

    @told(patch, "data_received")
    def _(data_received: Function, stream: Stream, buffer: ReceiveBuffer) -> None:
        try:
            data_received(buffer)
        except Exception as exc:
            loops[stream].call_exception_handler("a handler raised", exc)
            raise


@bug(203, "who leaves by an exit is never again given what it has left")
def _(patch: Patch) -> None:
    at_exit(patch, "data_received", lambda stream, buffer: buffer.discard(len(buffer)))


def go_deaf(stream: Stream, *args: Any) -> None:
    stream.pause_reading()


@bug(203, "a stream whose connection_made is left by an exit is never watched")
def _(patch: Patch) -> None:
    at_exit(patch, "connection_made", go_deaf)


@bug(203, "who leaves connection_made by an exit is told of no end")
def _(patch: Patch) -> None:
    def lose_handler(stream: Stream, *args: Any) -> None:
        stream.handler = StreamHandler()

    at_exit(patch, "connection_made", lose_handler)


@bug(203, "a stream that is left by an exit in the middle of its rest is not read on")
def _(patch: Patch) -> None:
    at_exit(patch, "data_received", go_deaf)


@bug(203, "an end whose handler leaves by an exit is never answered")
def _(patch: Patch) -> None:
    left: set[Stream] = set()
    at_exit(patch, "eof_received", left.add)

    @instead_of(patch, Stream, "close")
    def _(close: Function, stream: Stream, *args: Any) -> None:
        if stream not in left:
            close(stream, *args)


@bug(203, "who leaves resume_writing by an exit is never asked again")
def _(patch: Patch) -> None:
    left: set[Stream] = set()

    @told(patch, "resume_writing")
    def _(resume_writing: Function, stream: Stream) -> None:
        if stream not in left:
            resume_writing()

    at_exit(patch, "resume_writing", left.add)


@bug(205, "a child queues what it writes behind what its parent has still to send")
def _(patch: Patch) -> None:
    instead_of(patch, Stream, "disown")(nothing)


@bug(207, "a reconnect while the loop closes is called the handler's mistake")
def _(patch: Patch) -> None:
    @told(patch, "connection_lost")
    def _(connection_lost: Function, stream: Stream, exc: Exception | None) -> None:
        try:
            connection_lost(exc)
        except LoopClosed as closed:
            raise RuntimeError(str(closed)) from None


@bug(207, "a last word to a stream whose end is still to be told is a mistake, if the loop closes")
def _(patch: Patch) -> None:
    loops = loops_of_streams(patch)

    @instead_of(patch, Stream, "write")
    def _(write: Function, stream: Stream, data: bytes) -> bool:
        if loops[stream].closed:
            raise StreamClosed("write to a stream whose output was ended")
        return bool(write(stream, data))


@bug(210, "a socket without a peer is a stream without a peer's address")
def _(patch: Patch) -> None:
    at_sockets(patch, "getpeername", by=ROOM)(turning(OSError, into=None))
