"""Sockets that tell a record what is done with them: each operation, a birth and a death.

They are of a subclass, so that whatever is made by way of `socket.socket` is one: what
`accept`, `create_connection`, `socketpair` and the others return.
"""

import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from errno import errorcode
from functools import lru_cache, wraps
from socket import socket as Socket
from types import FrameType
from typing import Any, Final, TypeAlias

from ...addresses import Network, format_address
from .record import Record, error_name
from .stand_ins import StandIn, class_in_place_of

__all__ = ["RecordedNetwork", "serial_of", "stand_ins"]

Method: TypeAlias = Callable[..., Any]
Wrapper: TypeAlias = Callable[[Record, Method], Method]
"""Makes a method that does what another does, and tells a record of it."""

# A wait may be broken off by a signal: by Ctrl-C, or by a handler that ends the program.
_FAILURES: Final = (OSError, KeyboardInterrupt, SystemExit)
_HOW: Final = {socket.SHUT_RD: "r", socket.SHUT_WR: "w", socket.SHUT_RDWR: "rw"}
_PEEK: Final = socket.MSG_PEEK

# Who makes a pair of sockets to wake itself with.
_LOOPS: Final = ("reactor.wakeup", "asyncio.selector_events")


def serial_of(record: Record, fileobj: Any) -> int:
    """The serial number of what has a descriptor; what is not known yet is born now.

    0 if it is closed, and nobody will ever know what it was.
    """
    fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
    return record.serial_of(fd) or (_open(record, fileobj, fd) if fd >= 0 else 0)


def stand_ins(record: Record) -> Iterator[StandIn]:
    """What takes the place of `socket.socket`, by way of which all others are made."""
    real = socket.socket
    members = {name: wrap(record, getattr(real, name)) for name, wrap in _WRAPPERS.items()}
    yield StandIn(socket, "socket", class_in_place_of(real, {**members, "recorded_as": 0}))
    yield StandIn(socket, "socketpair", _socketpair(record, socket.socketpair))


class RecordedNetwork:
    """A network whose sockets are recorded, without standing in for anything.

    For sockets written in Python, such as the simulated system's, which can be made one of a
    subclass and stay the object that they were. They have an `address`.
    """

    def __init__(self, network: Network, record: Record) -> None:
        self.getaddrinfo = network.getaddrinfo
        self._network = network
        self._record = record
        self._classes: dict[type, type] = {}

    def socket(self, family: int, type: int, /) -> Socket:
        """A new socket. Raises OSError if there can't be one more."""
        sock: Socket = self._recorded(self._network.socket(family, type))
        _bear(self._record, sock)
        return sock

    def socketpair(self) -> tuple[Socket, Socket]:
        """Two connected sockets."""
        left, right = map(self._recorded, self._network.socketpair())
        _bear_pair(self._record, (left, right), sys._getframe(1))
        return left, right

    def _recorded(self, sock: Any) -> Any:
        """The socket, of which the record is told from now on."""
        base = type(sock)
        if base not in self._classes:
            self._classes[base] = self._class_of(base)
        sock.__class__ = self._classes[base]
        return sock

    def _class_of(self, base: type) -> type:
        members = {
            name: wrap(self._record, _alone(base, getattr(base, name)))
            for name, wrap in _WRAPPERS.items()
            if hasattr(base, name) and name not in ("__init__", "__del__")
        }
        if "accept" in members:
            members["accept"] = self._accept(members["accept"])
        return class_in_place_of(base, {**members, "recorded_as": 0})

    def _accept(self, accept: Method) -> Method:
        def accept_and_record(sock: Any) -> tuple[Any, Any]:
            connection, address = accept(sock)
            return self._recorded(connection), address

        return accept_and_record


def _alone(base: type, call: Method) -> Method:
    """What a socket does with itself meanwhile is part of what it was asked to do."""

    @wraps(call)
    def method(sock: Any, *args: Any) -> Any:
        kind, sock.__class__ = sock.__class__, base
        try:
            return call(sock, *args)
        finally:
            sock.__class__ = kind

    return method


# -- who is who --------------------------------------------------------------------------


def _bear(record: Record, sock: Any, kind: str = "") -> None:
    """A socket is made: whoever had its number before is gone."""
    sock.recorded_as = record.open(sock.fileno(), kind or _kind_of(sock))


def _serial(record: Record, sock: Any) -> int:
    """Of a socket that is used; one that was made around a descriptor is born by that."""
    serial: int = sock.recorded_as
    if not serial:
        sock.recorded_as = serial = serial_of(record, sock)
    return serial


def _open(record: Record, fileobj: Any, fd: int) -> int:
    """What was there before it was recorded is born now, with what can be found out of it."""
    if not isinstance(fileobj, socket.SocketType):
        return record.open(fd, "other")
    names = []
    for method in (fileobj.getsockname, fileobj.getpeername):
        try:
            names.append(_written(method()))
        except OSError:
            names.append("")
    kind = "listener" if _is_listening(fileobj) else _kind_of(fileobj)
    return record.open(fd, kind, local=names[0], peer=names[1])


def _is_listening(sock: Any) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _kind_of(sock: Any) -> str:
    if sock.type == socket.SOCK_STREAM:
        return "stream"
    return "datagram" if sock.type == socket.SOCK_DGRAM else "other"


@lru_cache(1024)
def _written(address: Any) -> str:
    """An address as text; what is no host and port, or path, as Python writes it."""
    return format_address(address) if len(address or "") > 1 else str(address or "")


def _local_name(sock: Any) -> str:
    """Where a socket is bound. Of a simulated one nothing is asked that could be refused."""
    is_real = isinstance(sock, socket.SocketType)
    try:
        return _written(sock.getsockname() if is_real else sock.address)
    except OSError:
        return ""


def _bear_pair(record: Record, pair: tuple[Any, Any], caller: FrameType) -> None:
    is_bell = caller.f_globals.get("__name__") in _LOOPS
    for sock in pair:
        _bear(record, sock, "wakeup" if is_bell else "")


def _socketpair(record: Record, call: Method) -> Method:
    @wraps(call)
    def socketpair(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        pair: tuple[Any, Any] = call(*args, **kwargs)
        _bear_pair(record, pair, sys._getframe(1))
        return pair

    return socketpair


def _size(buffers: Sequence[Any]) -> int:
    return sum(memoryview(buffer).nbytes for buffer in buffers)


# -- birth and death ---------------------------------------------------------------------


def _init(record: Record, call: Method) -> Method:
    def __init__(
        sock: Any, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        call(sock, family, type, proto, fileno)
        # What is made around a descriptor is born when more is known of it, or it is used.
        if fileno is None:
            _bear(record, sock)

    return wraps(call)(__init__)


def _ending(how: str) -> Wrapper:
    def wrap(record: Record, call: Method) -> Method:
        @wraps(call)
        def end(sock: Any) -> Any:
            fd = sock.fileno()
            result = call(sock)
            # A file made of it may still hold it open.
            if sock.recorded_as and fd >= 0 and sock.fileno() < 0:
                record.died(sock.recorded_as, fd, how)
            return result

        return end

    return wrap


def _del(record: Record, call: Method) -> Method:
    """The line that is warned of has to be the one that forgot the socket, not one of ours."""

    @wraps(call)
    def __del__(sock: Any) -> None:
        fd = sock.fileno()
        if fd < 0:
            return
        try:
            warnings.warn(f"unclosed {sock!r}", ResourceWarning, stacklevel=2, source=sock)
        finally:
            with suppress(OSError):  # somebody has closed its descriptor
                socket.close(Socket.detach(sock))
            if sock.recorded_as:
                record.died(sock.recorded_as, fd, "collected")

    return __del__


# -- finding each other ------------------------------------------------------------------


def _accept(record: Record, call: Method) -> Method:
    @wraps(call)
    def accept(sock: Any) -> tuple[Any, Any]:
        began = record.now()
        try:
            connection, address = call(sock)
        except _FAILURES as exc:
            record.failed(_serial(record, sock), "accept", began, error_name(exc))
            raise
        serial = _serial(record, sock)
        record.done(serial, "accept", began)
        connection.recorded_as = record.open(
            connection.fileno(), _kind_of(connection), peer=_written(address), by=serial
        )
        return connection, address

    return accept


def _tell_connect(record: Record, sock: Any, began: int, address: Any, error: str) -> None:
    serial = _serial(record, sock)
    if error:
        record.failed(serial, "connect", began, error)
    else:
        record.done(serial, "connect", began)
    record.named(serial, local=_local_name(sock), peer=_written(address))


def _connect(record: Record, call: Method) -> Method:
    @wraps(call)
    def connect(sock: Any, address: Any) -> Any:
        began = record.now()
        try:
            number = call(sock, address)  # connect_ex returns what connect raises
        except _FAILURES as exc:
            _tell_connect(record, sock, began, address, error_name(exc))
            raise
        _tell_connect(record, sock, began, address, errorcode.get(number or 0, ""))
        return number

    return connect


def _bind(record: Record, call: Method) -> Method:
    @wraps(call)
    def bind(sock: Any, address: Any) -> None:
        call(sock, address)
        record.named(_serial(record, sock), local=_local_name(sock))

    return bind


def _listen(record: Record, call: Method) -> Method:
    @wraps(call)
    def listen(sock: Any, *backlog: int) -> None:
        call(sock, *backlog)
        record.named(_serial(record, sock), kind="listener", local=_local_name(sock))

    return listen


def _shutdown(record: Record, call: Method) -> Method:
    @wraps(call)
    def shutdown(sock: Any, how: int) -> None:
        began = record.now()
        try:
            call(sock, how)
        except _FAILURES as exc:
            record.failed(_serial(record, sock), "shutdown", began, error_name(exc))
            raise
        record.shut(_serial(record, sock), began, _HOW[how])

    return shutdown


# -- bytes that come ---------------------------------------------------------------------


def _recv(record: Record, call: Method) -> Method:
    @wraps(call)
    def recv(sock: Any, size: int, *flags: int) -> bytes:
        op = _op_by(flags) if flags else "recv"
        began = record.now()
        try:
            data: bytes = call(sock, size, *flags)
        except _FAILURES as exc:
            record.failed(_serial(record, sock), op, began, error_name(exc), size)
            raise
        record.came(sock.recorded_as or _serial(record, sock), op, began, len(data), size, data)
        return data

    return recv


def _recvfrom(record: Record, call: Method) -> Method:
    """Also `recvmsg`: the bytes are the first of several results, the sender is the last."""
    place = 1 if call.__name__ == "recvmsg" else 0

    @wraps(call)
    def recvfrom(sock: Any, size: int, *more: int) -> Any:
        op = _op_by(more[place:])
        began = record.now()
        try:
            result = call(sock, size, *more)
        except _FAILURES as exc:
            record.failed(_serial(record, sock), op, began, error_name(exc), size)
            raise
        data, sender = result[0], _written(result[-1])
        record.came(_serial(record, sock), op, began, len(data), size, data, sender)
        return result

    return recvfrom


def _recv_into(record: Record, call: Method) -> Method:
    """Also `recvfrom_into`: the number of bytes is all of the result, or the first part of it."""

    @wraps(call)
    def recv_into(sock: Any, buffer: Any, nbytes: int = 0, flags: int = 0) -> Any:
        op = "peek" if flags & _PEEK else "recv"
        began = record.now()
        room = nbytes or memoryview(buffer).nbytes
        try:
            result = call(sock, buffer, nbytes, flags)
        except _FAILURES as exc:
            record.failed(_serial(record, sock), op, began, error_name(exc), room)
            raise
        size, sender = (result, "") if isinstance(result, int) else (result[0], _written(result[1]))
        record.came(_serial(record, sock), op, began, size, room, buffer, sender)
        return result

    return recv_into


def _recvmsg_into(record: Record, call: Method) -> Method:
    @wraps(call)
    def recvmsg_into(sock: Any, buffers: Iterable[Any], *more: int) -> Any:
        op = _op_by(more[1:])
        began = record.now()
        buffers = list(buffers)
        room = _size(buffers)
        try:
            result = call(sock, buffers, *more)
        except _FAILURES as exc:
            record.failed(_serial(record, sock), op, began, error_name(exc), room)
            raise
        record.came(
            _serial(record, sock), op, began, result[0], room, buffers, _written(result[-1])
        )
        return result

    return recvmsg_into


def _op_by(flags: Sequence[int]) -> str:
    """What it is to receive with such flags, if there are any: what is only looked at stays."""
    return "peek" if flags and flags[0] & _PEEK else "recv"


# -- bytes that go -----------------------------------------------------------------------


def _send(record: Record, call: Method) -> Method:
    """Also `sendall`, which returns nothing, and `sendto`, whose last argument is an address."""
    op = "sendall" if call.__name__ == "sendall" else "send"
    has_address = call.__name__ == "sendto"

    @wraps(call)
    def send(sock: Any, data: Any, *more: Any) -> Any:
        began = record.now()
        asked = len(data) if isinstance(data, bytes) else memoryview(data).nbytes
        try:
            size = call(sock, data, *more)
        except _FAILURES as exc:
            to = _written(more[-1]) if has_address else ""
            name = error_name(exc)
            record.failed(_serial(record, sock), op, began, name, asked, data, to)
            raise
        to = _written(more[-1]) if has_address else ""
        sent = asked if size is None else size
        record.went(sock.recorded_as or _serial(record, sock), op, began, sent, asked, data, to)
        return size

    return send


def _sendmsg(record: Record, call: Method) -> Method:
    @wraps(call)
    def sendmsg(sock: Any, buffers: Iterable[Any], *more: Any) -> int:
        began = record.now()
        buffers = list(buffers)
        asked = _size(buffers)
        to = _written(more[2]) if len(more) > 2 else ""
        try:
            size: int = call(sock, buffers, *more)
        except _FAILURES as exc:
            name = error_name(exc)
            record.failed(_serial(record, sock), "send", began, name, asked, buffers, to)
            raise
        record.went(_serial(record, sock), "send", began, size, asked, buffers, to)
        return size

    return sendmsg


def _sendfile(record: Record, call: Method) -> Method:
    """Where the system sends a file; where it can't, the pieces are told of one by one."""

    @wraps(call)
    def sendfile(sock: Any, file: Any, offset: int = 0, count: int | None = None) -> int:
        began = record.now()
        size: int = call(sock, file, offset, count)
        record.went(_serial(record, sock), "sendfile", began, size, size, b"")
        return size

    return sendfile


_WRAPPERS: Final[dict[str, Wrapper]] = {
    "__init__": _init,
    "__del__": _del,
    "close": _ending("closed"),
    "detach": _ending("detached"),
    "bind": _bind,
    "listen": _listen,
    "accept": _accept,
    "connect": _connect,
    "connect_ex": _connect,
    "shutdown": _shutdown,
    "recv": _recv,
    "recvfrom": _recvfrom,
    "recvmsg": _recvfrom,
    "recv_into": _recv_into,
    "recvfrom_into": _recv_into,
    "recvmsg_into": _recvmsg_into,
    "send": _send,
    "sendto": _send,
    "sendall": _send,
    "sendmsg": _sendmsg,
    "_sendfile_use_sendfile": _sendfile,
}
