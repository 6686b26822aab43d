"""The client's way of a datagram: from the relay's server to a local player."""

from collections.abc import Callable
from typing import Final

from reactor import (
    Address,
    DatagramBatch,
    DatagramCounters,
    DatagramEndpoint,
    DatagramHandler,
    EventLoop,
    Timer,
    bind_udp,
    format_host,
)

__all__ = ["Forwarder"]

_COALESCE: Final = 0.001


class Forwarder(DatagramHandler):
    """Hands every datagram that comes from `server` to `player`, and nobody else's.

    `local` is the address to receive at, its port chosen by the system; `server` a host;
    `player` a pair of numeric host and port. Raises OSError if a socket can't be had.
    """

    def __init__(
        self,
        loop: EventLoop,
        local: Address,
        server: str,
        player: tuple[str, int],
        segmentation: bool | None,
    ) -> None:
        self._loop = loop
        self._player: Address = player
        self._hint: Timer | None = None
        self._outlet = bind_udp(
            loop,
            self,
            "::" if ":" in player[0] else "0.0.0.0",
            segmentation=segmentation,
            receiving=False,
        )
        try:
            self._receiver = bind_udp(
                loop,
                self,
                format_host(local),
                coalesce=_COALESCE,
                segmentation=False,
                only_from=server,
            )
        except BaseException:
            self._outlet.close()
            raise

    @property
    def port(self) -> int:
        """The UDP port to name in CONECTAR."""
        port: int = self._receiver.sockname[1]
        return port

    @property
    def received(self) -> DatagramCounters:
        """What came in; `rejected` counts what came from somebody else."""
        return self._receiver.counters

    @property
    def forwarded(self) -> DatagramCounters:
        """What went to the player."""
        return self._outlet.counters

    def expect(self, seconds: float, on_silence: Callable[[], object]) -> None:
        """Call `on_silence` unless a datagram comes within `seconds`."""
        self.expect_nothing()
        self._hint = self._loop.call_later(seconds, on_silence)

    def expect_nothing(self) -> None:
        """Silence is fine from now on."""
        if self._hint is not None:
            self._hint.cancel()
            self._hint = None

    def close(self) -> None:
        """Let go of both sockets."""
        self.expect_nothing()
        self._receiver.close()
        self._outlet.close()

    def datagrams_received(self, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        self.expect_nothing()
        self._outlet.send_batch(batch, self._player)
