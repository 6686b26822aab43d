"""A UDP socket that is read in batches and written in runs.

What waits in the socket is drained into one slab, datagram behind datagram, so that
neighbours of equal size can be sent on by segmentation offload without being copied.
"""

import socket
from collections.abc import Sequence
from typing import Any, Final

from . import gso
from .addresses import Address, format_address, format_host, numeric_host, unmapped
from .batch import DatagramBatch
from .counters import DatagramCounters
from .datagram_sender import DatagramSender
from .errors import StreamClosed
from .loop import EventLoop
from .socket_options import (
    ask_for_buffers,
    dropped_by_system,
    granted_receive_buffer,
    silence_error_queue,
)
from .sockets import Use, bound_socket, bound_sockets, expect
from .timers import Timer
from .watcher import EVENT_READ

__all__ = ["DatagramEndpoint", "DatagramHandler", "bind_udp", "bind_udp_all"]

_BATCH_DATAGRAMS: Final = 128
_BATCH_BYTES: Final = 256 * 1024
# Room for the largest datagram, so that none is ever cut short.
_ROOM: Final = 65536
_MAX_DISCARDED: Final = 65536
_BUFFER_SIZE: Final = 8 * 1024 * 1024
# Before looking again when a whole wake brought nothing but errors.
_RETRY_DELAY: Final = 0.1


class DatagramHandler:
    """What a program does with an endpoint's datagrams.

    An exception that leaves `datagrams_received` is reported to the loop's exception
    handler and closes the endpoint; errors of the network never do.
    """

    def datagrams_received(self, endpoint: "DatagramEndpoint", batch: DatagramBatch) -> None:
        """At least one datagram has arrived. The batch is valid during this call only."""

    def segmentation_refused(self, endpoint: "DatagramEndpoint", exc: OSError, to: Address) -> None:
        """Runs can't be sent to `to`: from now on each datagram is sent by itself. Said once."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The endpoint is closed: by `close` (None), or by what a handler raised."""


def bind_udp(
    loop: EventLoop,
    handler: DatagramHandler,
    host: str | None = None,
    port: int = 0,
    *,
    coalesce: float = 0.0,
    buffer_size: int = _BUFFER_SIZE,
    segmentation: bool | None = None,
    only_from: str | None = None,
    sources: bool = True,
    dual_stack: bool = True,
    sock: socket.socket | None = None,
) -> "DatagramEndpoint":
    """Bind a UDP socket at `host` and `port`, and receive.

    `coalesce` is how long, in seconds, datagrams are left to gather before they are
    handed over: larger batches, at most one wake-up in that time. `buffer_size` in bytes
    is asked of the system for each direction. `segmentation` False switches the offload
    off, None uses it where it is safe. `only_from`, a numeric host, has datagrams of all
    others dropped; with a scope ("fe80::1%eth0") also those of its namesakes on other
    interfaces. `sources` False saves the time to say where datagrams came from. With
    `sock`, a bound UDP socket, host and port are not used.

    A name is bound at the first of its addresses that can be had: `bind_udp_all` takes
    all. "::" takes IPv4 too, unless `dual_stack` is False.

    Raises OSError that names the addresses that failed; RuntimeError for a host name while
    the loop runs; ValueError if `only_from` is no numeric host, or for an unsuitable `sock`,
    which is left as it was.
    """
    if only_from is not None:
        # As the system writes it, which may not be as people do.
        only_from = numeric_host(only_from)
    if sock is None:
        if host is None:
            raise ValueError("bind_udp() needs a host or a socket")
        sock = bound_socket(
            loop.network,
            host,
            port,
            socket.SOCK_DGRAM,
            numeric_only=loop.running,
            dual_stack=dual_stack,
        )
    else:
        expect(sock, Use.DATAGRAMS)
    try:
        sock.setblocking(False)
        ask_for_buffers(sock, buffer_size)
        silence_error_queue(sock)
        if segmentation is None:
            segmentation = gso.is_supported(sock)
        return DatagramEndpoint(loop, sock, handler, coalesce, segmentation, only_from, sources)
    except BaseException:
        sock.close()
        raise


def bind_udp_all(
    loop: EventLoop,
    handler: DatagramHandler,
    host: str,
    port: int = 0,
    *,
    dual_stack: bool = True,
    **options: Any,
) -> list["DatagramEndpoint"]:
    """Bind a UDP socket at each address of `host`, all on one port, and receive.

    So "localhost" hears both families. The options are those of `bind_udp`. Addresses that
    this machine does not have are passed over as long as another is left.

    Raises what `bind_udp` raises.
    """
    socks = bound_sockets(
        loop.network,
        host,
        port,
        socket.SOCK_DGRAM,
        numeric_only=loop.running,
        dual_stack=dual_stack,
    )
    endpoints: list[DatagramEndpoint] = []
    try:
        for sock in socks:
            endpoints.append(bind_udp(loop, handler, sock=sock, **options))
    except BaseException:
        for endpoint in endpoints:
            endpoint.close()
        for sock in socks[len(endpoints) :]:
            sock.close()
        raise
    return endpoints


class DatagramEndpoint:
    """A bound UDP socket; made by `bind_udp`, ended by `close`."""

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        handler: DatagramHandler,
        coalesce: float,
        segmentation: bool,
        only_from: str | None,
        sources: bool,
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._handler: DatagramHandler | None = handler
        self._coalesce = coalesce
        self._only_from = only_from
        self._wants_sources = sources or only_from is not None
        self._slab = memoryview(bytearray(_BATCH_BYTES + _ROOM))
        self._tick: Timer | None = None
        self._paused = False
        self._error: Exception | None = None
        self._drops_while_paused = 0
        self._drops_at_pause: int | None = None
        self.sockname: Any = sock.getsockname()
        """The address bound to."""
        self.counters = DatagramCounters()
        self._sender = DatagramSender(
            sock, self.counters, segmentation, self._on_drop, self._on_refusal
        )
        self._watcher = loop.register(sock, EVENT_READ, self._on_ready)
        loop.attach(self)

    def __repr__(self) -> str:
        return f"<DatagramEndpoint {format_address(self.sockname)}>"

    # -- for the user ----------------------------------------------------------------

    @property
    def receive_buffer_size(self) -> int:
        """Bytes granted for waiting datagrams; compare with the `buffer_size` asked for."""
        return granted_receive_buffer(self._sock)

    @property
    def kernel_drops(self) -> int | None:
        """Datagrams that the system dropped because the socket was full while it was read.

        None where the system does not tell. Can still be asked when the endpoint is closed.
        """
        drops = self._drops_at_pause if self._paused else dropped_by_system(self._sock)
        return None if drops is None else drops - self._drops_while_paused

    def send(self, data: bytes | bytearray | memoryview, address: Address) -> bool:
        """Send one datagram; False if it was dropped, which `counters.dropped` explains.

        Here and below an address is numeric: a name would be looked up, and keep the loop.
        Raises StreamClosed when the endpoint is closed.
        """
        self._check_open()
        return self._sender.send(data, address)

    def send_batch(self, batch: DatagramBatch, address: Address) -> int:
        """Send all datagrams of `batch` in order; return how many were not dropped.

        Raises StreamClosed when the endpoint is closed.
        """
        return len(batch) - self.send_batch_to_all(batch, (address,)).get(address, 0)

    def send_batch_to_all(
        self, batch: DatagramBatch, addresses: Sequence[Address]
    ) -> dict[Address, int]:
        """Send all datagrams of `batch`, in order, to each of `addresses`.

        Returns how many were dropped, for those addresses for which any were. Raises
        StreamClosed when the endpoint is closed.
        """
        self._check_open()
        return self._sender.send_batch(batch, addresses)

    def pause_receiving(self) -> None:
        """Leave what arrives to the system, and sleep. Harmless if repeated."""
        if self._paused or self._watcher.closed:
            return
        self._drops_at_pause = dropped_by_system(self._sock)
        self._paused = True
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        self._watcher.modify(0)

    def resume_receiving(self, *, discard_backlog: bool = False) -> None:
        """Undo `pause_receiving`; with `discard_backlog`, what has waited is thrown away."""
        if not self._paused or self._watcher.closed:
            return
        if discard_backlog:
            self._discard_backlog()
        drops = dropped_by_system(self._sock)
        if drops is not None and self._drops_at_pause is not None:
            self._drops_while_paused += drops - self._drops_at_pause
        self._paused = False
        self._watch()

    def close(self) -> None:
        """Stop, for good; `connection_lost(None)` follows. Harmless if repeated."""
        self._end(None)

    # -- for the loop ----------------------------------------------------------------

    def abort(self) -> None:
        """Called by the loop when it closes."""
        self._end(None)

    def finish(self) -> None:
        """Tell the handler of the end, once. Called by the loop only."""
        handler, self._handler = self._handler, None
        error, self._error = self._error, None
        self._loop.detach(self)
        if handler is not None:
            try:
                handler.connection_lost(error)
            except Exception as exc:
                self._report(exc)

    # -- receiving -------------------------------------------------------------------

    def _on_ready(self, events: int) -> None:
        if self._coalesce:
            # From here to the first empty look the socket needs no watching: the timer looks.
            self._look_again(self._coalesce)
        else:
            self._look()

    def _look(self) -> None:
        self._tick = None
        batch, looked, errors = self._fill_slab()
        if batch:
            self._deliver(batch)
        if self._paused or self._watcher.closed:
            return
        if errors == _BATCH_DATAGRAMS:
            self._look_again(_RETRY_DELAY)
        elif self._coalesce and looked:
            # A look that reached its bound has left something behind: meet it at once.
            full = looked == _BATCH_DATAGRAMS or batch.size > _BATCH_BYTES
            self._look_again(0 if full else self._coalesce)
        else:
            self._watch()

    def _watch(self) -> None:
        try:
            self._watcher.modify(EVENT_READ)
        except OSError:
            # epoll_ctl(2): ENOSPC, ENOMEM. Until that is over, a timer looks instead.
            self._look_again(_RETRY_DELAY)

    def _look_again(self, delay: float) -> None:
        self._watcher.modify(0)
        self._tick = self._loop.call_later(delay, self._look)

    def _fill_slab(self) -> tuple[DatagramBatch, int, int]:
        """A batch, the number of attempts that it took, and how many of them were errors."""
        sizes: list[int] = []
        sources: list[Address] = []
        end = looked = errors = 0
        slab, only_from, wants_sources = self._slab, self._only_from, self._wants_sources
        receive, receive_from = self._sock.recv_into, self._sock.recvfrom_into
        while looked < _BATCH_DATAGRAMS and end <= _BATCH_BYTES:
            looked += 1
            try:
                if wants_sources:
                    size, source = receive_from(slab[end:])
                    # Who is not mapped need not be unmapped: as good as all.
                    if only_from not in (None, source[0]) and only_from != format_host(
                        unmapped(source)
                    ):
                        self.counters.rejected += 1
                        continue
                    sources.append(source)
                else:
                    size = receive(slab[end:])
            except (BlockingIOError, InterruptedError):
                looked -= 1
                break
            except OSError:
                # The news of an earlier datagram that was sent from here and did not
                # arrive (ECONNREFUSED; WSAECONNRESET on Windows). Reading cleared it.
                errors += 1
                continue
            sizes.append(size)
            end += size
        self.counters.receive_errors += errors
        self.counters.received += len(sizes)
        self.counters.received_bytes += end
        return DatagramBatch(slab[:end], sizes, sources), looked, errors

    def _deliver(self, batch: DatagramBatch) -> None:
        assert self._handler is not None
        try:
            self._handler.datagrams_received(self, batch)
        except Exception as exc:
            self._report(exc)
            self._end(exc)

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

    def _on_drop(self, count: int, reason: str) -> None:
        if self._loop.instrument is not None:
            self._loop.instrument.datagrams_dropped(self._sock.fileno(), count, reason)

    def _on_refusal(self, exc: OSError, address: Address) -> None:
        self._loop.call_soon(self._tell_refusal, exc, address)

    def _tell_refusal(self, exc: OSError, address: Address) -> None:
        if self._handler is not None:
            try:
                self._handler.segmentation_refused(self, exc, address)
            except Exception as error:
                self._report(error)
                self._end(error)

    # -- the end ---------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._watcher.closed:
            raise StreamClosed("the endpoint is closed")

    def _report(self, exc: Exception) -> None:
        self._loop.call_exception_handler(f"the handler of {self!r} raised", exc)

    def _end(self, error: Exception | None) -> None:
        if self._watcher.closed:
            return
        self._error = error
        self.pause_receiving()  # and keep the system's last account
        self._watcher.close()
        self._sock.close()
        self._sender.close()
        self._loop.call_soon(self.finish)
