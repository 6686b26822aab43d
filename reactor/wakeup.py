"""A doorbell: the pair of sockets through which threads and signals wake a sleeping loop.

It carries no message. What is to be done stands in a queue elsewhere, so a bell that is
already ringing (a full socket buffer) loses nothing.
"""

from .addresses import Network

__all__ = ["Wakeup"]


class Wakeup:
    """Ring from anywhere, any number of times; the loop wakes at least once."""

    def __init__(self, network: Network) -> None:
        self._reader, self._writer = network.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """The descriptor that becomes readable."""
        return self._reader.fileno()

    def writer_fileno(self) -> int:
        """The descriptor for `signal.set_wakeup_fd`."""
        return self._writer.fileno()

    def ring(self) -> None:
        """Wake the loop. Any thread and any signal handler may call this."""
        try:
            self._writer.send(b"\0")
        except OSError:
            # Full: it is ringing already. Broken: the loop sees that on its own end.
            pass

    def silence(self) -> bool:
        """Read away what has rung; False if the pair is broken and has to be replaced."""
        try:
            while data := self._reader.recv(4096):
                if len(data) < 4096:
                    return True
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            pass
        return False

    def abandon(self) -> None:
        """Let go of a broken pair.

        If somebody closed the writer, its number may be another's by now: leave it alone.
        """
        self._reader.close()
        self._writer.detach()

    def close(self) -> None:
        """Close both ends."""
        self._reader.close()
        self._writer.close()
