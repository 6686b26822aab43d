"""Networks of a test's own, made of Linux namespaces and removed with the test.

They take root and iproute2: whoever has neither skips these tests, but CI fails.
"""

import ctypes
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

__all__ = ["Hosts", "needs_firewall", "needs_namespaces"]

_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h
_LOOKS: Final = 1000
_numbers = itertools.count(1)


def _needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if not shutil.which(tool)]
    if not hasattr(os, "geteuid") or os.geteuid():
        missing.append("root")
    return pytest.mark.skipif(
        bool(missing) and "CI" not in os.environ, reason=f"needs {', '.join(missing)}"
    )


needs_namespaces = _needs("ip", "tc", "sysctl")
needs_firewall = _needs("ip", "sysctl", "iptables")


class Hosts:
    """Hosts with a network each; `enter` has sockets made there.

    Closed, they are gone. Raises CalledProcessError if the system does not let us.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._cleanup = ExitStack()

    def __enter__(self) -> "Hosts":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._cleanup.close()

    def make(self) -> str:
        """A new host, alone; its name."""
        name = f"reactor-{os.getpid()}-{next(_numbers)}"
        _run("ip", "netns", "add", name)
        self._cleanup.callback(_run, "ip", "netns", "del", name)
        self.run(name, "ip", "link", "set", "lo", "up")
        return name

    def connect(
        self, one: str, one_address: str, other: str, other_address: str
    ) -> tuple[str, str]:
        """A wire between two hosts, each with an address and its prefix; the names of its ends."""
        ends = [(one, one_address), (other, other_address)]
        names = [f"v{next(_numbers)}", f"v{next(_numbers)}"]
        _run(
            *("ip", "link", "add", names[0], "netns", one, "type", "veth"),
            *("peer", "name", names[1], "netns", other),
        )
        for (host, address), name in zip(ends, names, strict=True):
            extra = ["nodad"] if ":" in address else []
            self.run(host, "ip", "addr", "add", address, "dev", name, *extra)
            self.run(host, "ip", "link", "set", name, "up")
        for (host, _), name in zip(ends, names, strict=True):
            self._wait_for(host, name)
        return names[0], names[1]

    def run(self, host: str, *command: str) -> str:
        """What a command prints that runs at `host`. Raises CalledProcessError."""
        return _run("ip", "netns", "exec", host, *command)

    @contextmanager
    def enter(self, host: str) -> Iterator[None]:
        """Within, this thread makes its sockets at `host`."""
        with _namespace("/proc/thread-self/ns/net") as here:
            with _namespace(f"/run/netns/{host}") as there:
                self._set(there)
            try:
                yield
            finally:
                self._set(here)

    def _wait_for(self, host: str, name: str) -> None:
        """The system takes notice of a link in its own time, and routes to it only then."""
        for _ in range(_LOOKS):
            if "state UP" in self.run(host, "ip", "link", "show", "dev", name):
                return
        pytest.fail(f"{name} does not come up")

    def _set(self, namespace: int) -> None:
        if self._libc.setns(namespace, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def _namespace(path: str) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
