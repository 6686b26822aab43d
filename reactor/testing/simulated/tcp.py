"""Simulated stream sockets: they listen, connect, and hold one end of a connection."""

import errno
import socket
import struct
from collections import deque
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Final

from ...addresses import Address, format_address, unmapped
from ..faults import SPONTANEOUS, Cut
from .connection import ConnectionEnd, Observer, join
from .kernel import FIRST_DESCRIPTOR, Kernel, fail
from .ports import Ports, reachable
from .sockets import SimulatedSocket

__all__ = ["TcpSocket", "socket_pair"]

# What accept() says of the process or the system, not of a connection.
_KEEPS_CALLER: Final = SPONTANEOUS | {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SYN_RETRY: Final = 1.0
_LINGER: Final = struct.Struct("ii")


class TcpSocket(SimulatedSocket):
    """A stream socket: new, listening, connecting or connected."""

    kind = socket.SOCK_STREAM

    def __init__(
        self, kernel: Kernel, ports: Ports, family: int, end: ConnectionEnd | None = None
    ) -> None:
        self._end: ConnectionEnd | None = None
        super().__init__(kernel, ports, family)
        self._backlog: int | None = None
        self._connecting = False
        self._waiting: deque[ConnectionEnd] = deque()
        if end is not None:
            self._hold(end)

    # -- coming together -------------------------------------------------------------

    def listen(self, backlog: int = 128) -> None:
        """Take connections from now on."""
        self._enter("listen")
        if self._end is not None:
            fail(errno.EINVAL)
        if self.address is None:
            self._claim((self._wildcard(), 0))
        assert self.address is not None
        self._ports.check(self, self.address)
        self._backlog = backlog
        self._kernel.tell(self.name, "listen")

    def accept(self) -> tuple["TcpSocket", Any]:
        """The connection that has waited longest, and its address."""
        try:
            self._enter("accept")
        except OSError as exc:
            if exc.errno not in _KEEPS_CALLER and self._waiting:
                # accept(2): the error is that of the connection, which is gone with it.
                self._waiting.popleft().close(hard=True)
            raise
        if self._backlog is None:
            fail(errno.EINVAL)
        if not self._waiting:
            self._wait("accept")
        end = self._waiting.popleft()
        self.activity += 1
        accepted = TcpSocket(self._kernel, self._ports, self.family, end)
        accepted.options = dict(self.options)
        assert isinstance(end.address, tuple)
        accepted.address = end.address
        self._ports.share(accepted, end.address)
        self._kernel.tell(self.name, "accept", accepted.name)
        return accepted, end.peer_address

    def connect_ex(self, address: Address) -> int:
        """Set out to connect; EINPROGRESS, or the errno of what forbids it."""
        try:
            self._enter("connect_ex")
            if self._blocking:
                self._wait("connect")
            if self._end is not None or self._backlog is not None:
                return self._outcome()
            source = self._ports.source_for(self, address)
            if self.address is None:
                self._claim((source, 0))
        except OSError as exc:
            return exc.errno or errno.EIO
        assert self.address is not None
        destination = reachable(address)
        self._hold(ConnectionEnd(self._kernel, self.address, destination))
        self._connecting = True
        self._kernel.tell(self.name, "connect", destination)
        self._kernel.after(self._kernel.delay(), self._knock)
        return errno.EINPROGRESS

    def _outcome(self) -> int:
        """What became of connecting; Linux tells it once, and then EISCONN."""
        end = self._end
        if end is None or not self._connecting:
            return errno.EISCONN
        if not (end.reachable or end.dead):
            return errno.EALREADY
        self._connecting = False
        if not end.over:
            return 0
        self._end = None
        return end.error or errno.ECONNABORTED

    def _knock(self) -> None:
        """Our SYN arrives where we want to go."""
        end = self._end
        if end is None or end.dead:
            return
        assert isinstance(end.peer_address, tuple)
        listener = self._listener_at(end.peer_address)
        if listener is None:
            self._kernel.after(self._kernel.delay(), lambda: end.die(errno.ECONNREFUSED))
        elif not listener._has_room():
            # The SYN is dropped, and sent again.
            self._kernel.after(_SYN_RETRY, self._knock)
        else:
            listener._greet(end)
            self._kernel.after(self._kernel.delay(), end.establish)

    def _listener_at(self, address: Address) -> "TcpSocket | None":
        for owner in self._ports.find(socket.SOCK_STREAM, address):
            if isinstance(owner, TcpSocket) and owner._backlog is not None:
                return owner
        return None

    def _has_room(self) -> bool:
        return self._backlog is not None and len(self._waiting) <= self._backlog

    def _greet(self, caller: ConnectionEnd) -> None:
        """Somebody wants to connect, and may."""
        assert isinstance(caller.address, tuple)
        assert isinstance(caller.peer_address, tuple)
        near = ConnectionEnd(
            self._kernel, self._as_seen(caller.peer_address), self._as_seen(caller.address)
        )
        join(self._kernel, near, caller)
        near.establish()
        self._waiting.append(near)
        self.activity += 1

    def _as_seen(self, address: Address) -> Address:
        """An IPv4 address as an IPv6 socket sees it."""
        host, port = unmapped(address)[:2]
        if self.family != socket.AF_INET6:
            return host, port
        return (host if ":" in host else f"::ffff:{host}"), port, 0, 0

    def _hold(self, end: ConnectionEnd) -> None:
        self._end = end
        end.changed = self._note_change
        self._rename()
        end.name = self.name

    def _note_change(self) -> None:
        self.activity += 1

    # -- bytes -----------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Take as many bytes as there is room for; how many that was."""
        cut = self._enter("send") or self._cut(len(data))
        taken = self._connection(errno.EPIPE).send(bytes(data), cut)
        if taken is None:
            self._wait("send")
        self.activity += 1
        self._kernel.tell(self.name, "send", f"{taken} of {len(data)}")
        return taken

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What has arrived, at most `size` bytes; b"" at the end. MSG_PEEK leaves it there."""
        cut = self._enter("recv") or self._cut(size)
        peek = flags == socket.MSG_PEEK
        data = self._connection(errno.ENOTCONN).receive(size, cut, peek=peek)
        if data is None:
            self._wait("recv")
        self.activity += not peek
        self._kernel.tell(self.name, "recv", len(data) if data else "end")
        return data

    def shutdown(self, how: int) -> None:
        """Half-close: SHUT_WR only, for that is what a stream does."""
        self._enter("shutdown")
        if how != socket.SHUT_WR:
            raise NotImplementedError("only SHUT_WR is simulated")
        if self._backlog is None:
            self._connection(errno.ENOTCONN).finish()
            self._connecting = False
        self._kernel.tell(self.name, "shutdown")

    def _cut(self, size: int) -> Cut | None:
        """What of `size` bytes is moved, if that is left to chance."""
        kernel = self._kernel
        if size and kernel.happens(kernel.faults.cut):
            return Cut(kernel.chance.randint(1, size))
        return None

    # -- the rest --------------------------------------------------------------------

    def observe(self, observer: Observer) -> None:
        """Let `observer` see what passes. Raises ValueError when not connected."""
        if self._end is None:
            raise ValueError("there is no connection to observe")
        self._end.observer = observer

    def getpeername(self) -> Any:
        """The address of the other end."""
        self._enter("getpeername")
        end = self._connection(errno.ENOTCONN)
        if not end.connected:
            fail(errno.ENOTCONN)
        return end.peer_address

    def getsockopt(self, level: int, option: int, size: int = 0) -> Any:
        """As for any socket; SO_ERROR is told once, SO_ACCEPTCONN is what it is."""
        value = super().getsockopt(level, option, size)
        if (level, option) == (socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return int(self.listening)
        if (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR) and self._end is not None:
            value, self._end.error = self._end.error, 0
        return value

    def getsockname(self) -> Any:
        """This end's address."""
        name = super().getsockname()
        return name if self._end is None else self._end.address

    @property
    def listening(self) -> bool:
        """Whether connections are taken."""
        return self._backlog is not None

    def readiness(self) -> int:
        """The events that are ready. tcp(7), poll(2): HUP and ERR count as both."""
        if self._backlog is not None:
            return EVENT_READ if self._waiting else 0
        if self._end is None or self._end.over:
            return EVENT_READ | EVENT_WRITE
        return EVENT_READ * self._end.readable | EVENT_WRITE * self._end.writable

    def _connection(self, otherwise: int) -> ConnectionEnd:
        if self._end is None:
            fail(otherwise)
        return self._end

    def _let_go(self) -> None:
        super()._let_go()
        for end in self._waiting:
            end.close(hard=True)
        self._waiting.clear()
        self._backlog = None
        if self._end is not None:
            self._end.close(hard=self._lingers_for_nothing())

    def _lingers_for_nothing(self) -> bool:
        linger = self.options.get((socket.SOL_SOCKET, socket.SO_LINGER))
        return linger is not None and _LINGER.unpack(linger) == (1, 0)

    def _label(self) -> str:
        end = self._end
        if end is None:
            return super()._label()
        near, far = format_address(end.address), format_address(end.peer_address)
        return f"{self._number - FIRST_DESCRIPTOR} tcp {near} to {far}"


def socket_pair(kernel: Kernel, ports: Ports) -> tuple[TcpSocket, TcpSocket]:
    """Two ends of a local connection."""
    kernel.enter("socketpair", "kernel")
    ends = (
        ConnectionEnd(kernel, "", "", local=True),
        ConnectionEnd(kernel, "", "", local=True),
    )
    join(kernel, *ends)
    for end in ends:
        end.establish()
    left, right = (TcpSocket(kernel, ports, socket.AF_UNIX, end) for end in ends)
    return left, right
