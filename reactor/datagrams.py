"""A UDP socket that is read in batches and written in runs.

What waits in the socket is drained into one slab, datagram behind datagram, so that
neighbours of equal size can be sent on by segmentation offload without being copied.
"""

import math
import socket
from collections.abc import Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, Final, TypedDict, Unpack

from . import gso
from .addresses import Address, format_address, format_host, numeric_host, unmapped
from .batch import DatagramBatch
from .datagram_sender import DatagramSender
from .errors import StreamClosed
from .loop import EventLoop
from .socket_options import (
    allow_fragments,
    ask_for_buffers,
    dropped_by_system,
    granted_receive_buffer,
    join_group,
    silence_error_queue,
    takes_ipv4,
)
from .sockets import Use, bound_sockets
from .timers import Timer
from .watcher import EVENT_READ
from .ways import Ways

__all__ = ["DatagramEndpoint", "DatagramHandler", "bind_udp", "bind_udp_all"]

_BATCH_DATAGRAMS: Final = 128
_BATCH_BYTES: Final = 256 * 1024
# Room for the largest datagram, so that none is ever cut short.
_ROOM: Final = 65536
_MAX_DISCARDED: Final = 65536
_BUFFER_SIZE: Final = 8 * 1024 * 1024
_MAX_BUFFER_SIZE: Final = 2**31 - 1  # socket(7): an int
# Before looking again when a whole wake brought nothing but errors.
_RETRY_DELAY: Final = 0.1


class _Life(Enum):
    """Of an endpoint, and whose it is."""

    OPEN = auto()
    ENDING = auto()  # the socket is closed, and connection_lost follows
    ENDED = auto()
    INHERITED = auto()  # that of a process of which this is a forked child


# Members of an Enum are not as cheap to look up as `send` has to be.
_OPEN: Final = _Life.OPEN


class DatagramHandler:
    """What a program does with an endpoint's datagrams.

    An Exception that leaves a method closes the endpoint and is reported to the loop's
    exception handler; errors of the network never do. What is no Exception (SystemExit,
    KeyboardInterrupt) comes out of `run()`, and the endpoint goes on if the loop does.
    """

    def datagrams_received(self, endpoint: "DatagramEndpoint", batch: DatagramBatch) -> None:
        """At least one datagram has arrived. The batch is valid during this call only."""

    def segmentation_refused(self, endpoint: "DatagramEndpoint", exc: OSError, to: Address) -> None:
        """Runs can't be sent to `to`: each datagram of that size or above leaves by itself.

        After a minute a run is tried again. Said once for each address.
        """

    def connection_lost(self, exc: Exception | None) -> None:
        """The endpoint is closed: by `close` (None), or by what a handler raised."""


class DatagramOptions(TypedDict, total=False):
    """What `bind_udp` and `bind_udp_all` take by name for each endpoint."""

    coalesce: float
    """How long, in seconds, datagrams are left to gather before they are handed over: larger
    batches, at most one wake-up in that time. 0 unless given."""
    buffer_size: int
    """Bytes asked of the system for each direction, 8 MiB unless given."""
    segmentation: bool | None
    """False switches the offload off, None uses it where it is safe."""
    only_from: str | None
    """A numeric host: datagrams of all others are dropped; with a scope ("fe80::1%eth0") also
    those of its namesakes on other interfaces."""
    sources: bool
    """False saves the time to say where datagrams came from."""
    receiving: bool
    """False is for who only sends: it begins paused, and with the smallest receive buffer,
    which strangers may fill."""


def bind_udp(
    loop: EventLoop,
    handler: DatagramHandler,
    host: str | None = None,
    port: int = 0,
    *,
    dual_stack: bool = True,
    sock: socket.socket | None = None,
    **options: Unpack[DatagramOptions],
) -> "DatagramEndpoint":
    """Bind a UDP socket at `host` and `port`, and receive. A multicast group is joined.

    With `sock`, a bound UDP socket, host and port are not used; it has joined its groups
    itself, and keeps its IP_MTU_DISCOVER: all others have routers cut what is too large for
    a link.

    A name is bound at the first of its addresses that can be had: `bind_udp_all` takes
    all. "::" takes IPv4 too, unless `dual_stack` is False.

    Raises OSError that names the addresses that failed; RuntimeError for a host name while
    the loop runs; ValueError or TypeError for another argument that is unsuitable. `sock`
    is left as it was then.
    """
    with bound_sockets(
        loop, Use.DATAGRAMS, host, port, sock=sock, dual_stack=dual_stack, only_first=True
    ) as socks:
        if sock is not None:
            return DatagramEndpoint(loop, sock, handler, **options)
        return _receive_at(socks, loop, handler, options)[0]


def bind_udp_all(
    loop: EventLoop,
    handler: DatagramHandler,
    host: str,
    port: int = 0,
    *,
    dual_stack: bool = True,
    **options: Unpack[DatagramOptions],
) -> list["DatagramEndpoint"]:
    """Bind a UDP socket at each address of `host`, all on one port, and receive.

    So "localhost" hears both families. Addresses that this machine does not have are passed
    over as long as another is left.

    Raises what `bind_udp` raises.
    """
    with bound_sockets(loop, Use.DATAGRAMS, host, port, dual_stack=dual_stack) as socks:
        return _receive_at(socks, loop, handler, options)


def _receive_at(
    socks: list[socket.socket],
    loop: EventLoop,
    handler: DatagramHandler,
    options: DatagramOptions,
) -> list["DatagramEndpoint"]:
    """An endpoint at each of the sockets that were made for it, or at none."""
    endpoints: list[DatagramEndpoint] = []
    try:
        for sock in socks:
            allow_fragments(sock)
            join_group(sock)
        for sock in socks:
            endpoints.append(DatagramEndpoint(loop, sock, handler, **options))
    except BaseException:
        for endpoint in endpoints:
            endpoint.handler = None  # nobody has seen it, and nobody is told
            endpoint.close()
        raise
    return endpoints


def _check(handler: object, coalesce: object, buffer_size: object) -> None:
    if not isinstance(handler, DatagramHandler):
        raise TypeError(f"expected a DatagramHandler, not {handler!r}")
    if not (isinstance(coalesce, int | float) and 0 <= coalesce < math.inf):
        raise ValueError(f"coalesce is a number of seconds from 0 on, not {coalesce!r}")
    if not (isinstance(buffer_size, int) and 0 < buffer_size <= _MAX_BUFFER_SIZE):
        raise ValueError(f"buffer_size is from 1 to {_MAX_BUFFER_SIZE} bytes, not {buffer_size!r}")


class DatagramEndpoint:
    """A bound UDP socket; made by `bind_udp`, ended by `close`."""

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        handler: DatagramHandler,
        *,
        coalesce: float = 0.0,
        buffer_size: int = _BUFFER_SIZE,
        segmentation: bool | None = None,
        only_from: str | None = None,
        sources: bool = True,
        receiving: bool = True,
    ) -> None:
        _check(handler, coalesce, buffer_size)
        # As the system writes it, which may not be as people do.
        self._only_from = None if only_from is None else numeric_host(only_from)
        self._loop = loop
        self._sock = sock
        self.handler: DatagramHandler | None = handler
        """Who is called from now on; None when the end was told. May be replaced."""
        self._coalesce = coalesce
        self._buffer_size = buffer_size
        self._wants_sources = sources or only_from is not None
        self._slab = memoryview(b"")  # made at the first look: many only send
        self._tick: Timer | None = None
        self._paused = not receiving
        self._life = _OPEN
        self._error: Exception | None = None
        if segmentation is None:
            segmentation = gso.is_supported(sock)
        self.sockname: Any = sock.getsockname()
        """The address bound to."""
        # First, since a socket that has an owner, or a loop that is closed, is left as it is.
        self._watcher = loop.register(sock, EVENT_READ if receiving else 0, self._on_ready)
        try:
            sock.setblocking(False)
            ask_for_buffers(sock, receive=buffer_size if receiving else 1, send=buffer_size)
            silence_error_queue(sock)
            self.receive_buffer_size = granted_receive_buffer(sock)
            """Bytes granted for waiting datagrams; compare with the `buffer_size` asked for."""
        except BaseException:
            self._watcher.close()
            raise
        self._drops_at_pause = dropped_by_system(sock)
        self._drops_in_pauses = 0
        self._ways = Ways(sock, takes_ipv4=takes_ipv4(sock))
        self._sender = DatagramSender(loop, self._ways, segmentation, self._tell_refusal)
        self.counters = self._sender.counters
        loop.attach(self)

    def __repr__(self) -> str:
        return f"<DatagramEndpoint {format_address(self.sockname)}>"

    # -- for the user ----------------------------------------------------------------

    @property
    def kernel_drops(self) -> int | None:
        """Datagrams that the system dropped because the socket was full while it was read.

        None where the system does not tell. Can still be asked when the endpoint is closed.
        """
        if self._paused:
            return self._drops_at_pause
        drops = dropped_by_system(self._sock)
        return None if drops is None else drops - self._drops_in_pauses

    def fileno(self) -> int:
        """The number of the descriptor, -1 once it is closed."""
        return self._sock.fileno()

    def fileno_to(self, address: Address) -> int:
        """The number of the descriptor of the lane to `address`; without a lane, `fileno()`."""
        way = self._ways.get(address)
        return self.fileno() if way is None else way.sock.fileno()

    def send(self, data: bytes | bytearray | memoryview, address: Address) -> bool:
        """Send one datagram; False if it was dropped, which `counters.dropped` explains.

        Here and below an address is numeric: a name would be looked up, and keep the loop.
        Raises StreamClosed after `close` or `connection_lost`, TypeError for what is no
        address, ValueError for a name, a port that is none, or a family that the socket does
        not speak; RuntimeError in a forked child. An IPv4 address suits an IPv6 socket that
        takes IPv4. That the loop or a fault of the handler has just ended the endpoint is no
        mistake of the caller: until `connection_lost` tells, what is sent is dropped.
        """
        self._check_told()
        return self._sender.send(data, self._ways.to(address))

    def send_batch(self, batch: DatagramBatch, address: Address) -> int:
        """Send all datagrams of `batch` in order; return how many were not dropped.

        Raises what `send` raises.
        """
        self._check_told()
        dropped: dict[Address, int] = {}
        self._sender.send_all(batch, [self._ways.to(address)], dropped)
        return len(batch) - dropped.get(address, 0)

    def send_batch_to_all(
        self, batch: DatagramBatch, addresses: Sequence[Address]
    ) -> dict[Address, int]:
        """Send all datagrams of `batch`, in order, to each of `addresses`.

        Returns how many were dropped, for those addresses for which any were. An address
        that `send` would not take costs the others nothing: its datagrams are dropped, with
        the reason EINVAL. Raises StreamClosed and RuntimeError as `send` does.
        """
        self._check_told()
        return self._sender.send_batch_to_all(batch, addresses)

    def open_lane(self, address: Address) -> Address:
        """Send to `address` through a socket of its own, at the same host, from now on.

        What waits there for a slow link is in nobody else's way, and has a send buffer of
        `buffer_size` bytes to wait in. Whoever had that address before is forgotten.
        Returns where the datagrams leave from: the port is another.

        Raises what `send` raises, StreamClosed also before `connection_lost`; OSError if the
        system has no socket or no route.
        """
        self._check_open()
        destination = self._ways.destination(address)
        host, both = format_host(self.sockname), self._ways.takes_ipv4
        with bound_sockets(self._loop, Use.DATAGRAMS, host, 0, dual_stack=both) as (sock,):
            allow_fragments(sock)
            silence_error_queue(sock)
            ask_for_buffers(sock, receive=1, send=self._buffer_size)
            sock.connect(destination)
            source: Address = sock.getsockname()
        self._ways.open_lane(address, sock)
        return source

    def close_lane(self, address: Address) -> None:
        """Whoever is at `address` next is somebody else. Harmless without a lane."""
        self._ways.close_lane(address)

    def pause_receiving(self) -> None:
        """Leave what arrives to the system, and sleep. Harmless if repeated."""
        if not self._paused:
            self._drops_at_pause = self.kernel_drops
            self._paused = True
            self._watcher.modify(0)
            if self._tick is not None:
                self._tick.cancel()

    def resume_receiving(self, *, discard_backlog: bool = False) -> None:
        """Undo `pause_receiving`; with `discard_backlog`, what has waited is thrown away."""
        if not self._paused or self._watcher.closed:
            return
        self._watch()
        if discard_backlog:
            self._discard_backlog()
        drops = dropped_by_system(self._sock)
        if drops is not None and self._drops_at_pause is not None:
            self._drops_in_pauses = drops - self._drops_at_pause
        self._paused = False

    def close(self) -> None:
        """Stop, for good; `connection_lost(None)` follows. Harmless if repeated."""
        self._end(None)
        self._life = _Life.ENDED

    # -- for the loop ----------------------------------------------------------------

    def abort(self, error: Exception | None = None) -> None:
        """Called by the loop when it closes: let go of everything, and tell nobody yet."""
        if self._watcher.closed:
            return
        if self._life is _OPEN:
            self._life = _Life.ENDING
        self._error = error
        self.pause_receiving()  # and keep the system's last account
        self._watcher.close()
        self._sock.close()
        self._ways.close()
        del self._sender.on_refusal  # it keeps us alive, and what is closed refuses nothing
        self._slab = memoryview(b"")

    def disown(self) -> None:
        """Called by the loop in a forked child: send nothing in the name of the parent."""
        self._life = _Life.INHERITED

    def finish(self) -> None:
        """Tell the handler of the end, once. Called by the loop only."""
        self._life = _Life.ENDED
        handler, self.handler = self.handler, None
        error, self._error = self._error, None
        self._loop.detach(self)
        if handler is not None:
            self._loop.tell_end(self, handler.connection_lost, error)

    # -- receiving -------------------------------------------------------------------

    def _on_ready(self, events: int) -> None:
        if self._coalesce:
            # From here to the first empty look the socket needs no watching: the timer looks.
            self._look_again(self._coalesce)
        else:
            self._look()

    def _look(self) -> None:
        delay = None
        try:
            batch, delay = self._receive()
            if batch.sizes:
                self._deliver(batch)
        finally:
            # Also after what ends run(): another run() finds the endpoint as alert as it was.
            if not self._paused:
                if delay is None:
                    self._watch()
                else:
                    self._look_again(delay)

    def _deliver(self, batch: DatagramBatch) -> None:
        try:
            assert self.handler is not None
            self.handler.datagrams_received(self, batch)
        except Exception as exc:
            self._fail(exc)

    def _watch(self) -> None:
        try:
            self._watcher.modify(EVENT_READ)
        except OSError:
            # epoll_ctl(2): ENOSPC, ENOMEM. Until that is over, a timer looks instead.
            self._look_again(_RETRY_DELAY)

    def _look_again(self, delay: float) -> None:
        if self._watcher.events:
            self._watcher.modify(0)
        if self._tick is not None:
            self._tick.cancel()
        self._tick = self._loop.call_later(delay, self._look)

    def _receive(self) -> tuple[DatagramBatch, float | None]:
        """A batch, and seconds to the next look; None if the socket is to be watched."""
        sizes: list[int] = []
        sources: list[Address] = []
        end = errors = 0
        delay: float | None = 0.0  # a look that reaches its bound leaves something behind
        if not self._slab:
            self._slab = memoryview(bytearray(_BATCH_BYTES + _ROOM))
        slab, receive = self._slab, self._sock.recv_into
        if self._wants_sources:
            receive = partial(self._receive_from, sources)
        for looked in range(_BATCH_DATAGRAMS):
            try:
                size = receive(slab[end:])
            except (BlockingIOError, InterruptedError):
                delay = self._coalesce if looked else None
                break
            except OSError:
                # The news of an earlier datagram that was sent from here and did not
                # arrive (ECONNREFUSED; WSAECONNRESET on Windows). Reading cleared it.
                errors += 1
                continue
            if size < 0:
                continue
            sizes.append(size)
            end += size
            if end > _BATCH_BYTES:
                break
        counters = self.counters
        counters.receive_errors += errors
        counters.received += len(sizes)
        counters.received_bytes += end
        if errors == _BATCH_DATAGRAMS:
            delay = _RETRY_DELAY
        elif not self._coalesce:
            delay = None
        return DatagramBatch(slab[:end], sizes, sources), delay

    def _receive_from(self, sources: list[Address], room: memoryview) -> int:
        """The size of the next datagram, whose source is appended; -1 if it is not welcome."""
        size, source = self._sock.recvfrom_into(room)
        if self._ways.takes_ipv4:
            source = unmapped(source)
        if self._only_from not in (None, source[0]) and self._only_from != format_host(source):
            self.counters.rejected += 1
            return -1
        sources.append(source)
        return size

    def _discard_backlog(self) -> None:
        for _ in range(_MAX_DISCARDED):
            try:
                self._sock.recv(1)  # not into the slab: a handler may be at its batch
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.counters.receive_errors += 1
            else:
                self.counters.discarded += 1

    # -- sending ---------------------------------------------------------------------

    def _tell_refusal(self, exc: OSError, address: Address) -> None:
        if self.handler is not None:
            try:
                self.handler.segmentation_refused(self, exc, address)
            except Exception as error:
                self._fail(error)

    # -- the end ---------------------------------------------------------------------

    def _check_told(self) -> None:
        """As `_check_open`, but an end that nobody was told of is no mistake."""
        if self._life is not _OPEN and self._life is not _Life.ENDING:
            self._check_open()

    def _check_open(self) -> None:
        if self._life is _Life.INHERITED:
            self._loop.attach(self)  # which raises
        if self._life is not _OPEN:
            raise StreamClosed("the endpoint is closed")

    def _fail(self, exc: Exception) -> None:
        """The handler raised: the end comes first, for the report may raise as well."""
        self._end(exc)
        self._loop.call_exception_handler(f"the handler of {self!r} raised", exc)

    def _end(self, error: Exception | None) -> None:
        if not self._watcher.closed:
            self._loop.call_soon(self.finish)
            self.abort(error)
