"""The contenders of the fan-out: how each is started, and where it then takes datagrams."""

import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bench import Bench
from .processes import PATIENCE, ROOT, Program
from .toolbox import python

HOST: Final = "127.0.0.1"
OURS: Final = "ours"
BESIDE: Final = "the other checkout's"
_BUFFER_SIZE: Final = 8 * 1024 * 1024


@dataclass(frozen=True)
class Totals:
    """What our server says it did, in datagrams."""

    received: int
    sent: int
    dropped: int


class RunningRelay:
    """A relay that is up, and the control connections of its clients."""

    def __init__(self, program: Program, ingest_port: int, control_port: int | None) -> None:
        self.program = program
        self.ingest_port = ingest_port
        self.control_port = control_port
        self._connections = ExitStack()

    def connect(self, ports: Sequence[int]) -> None:
        """Ask for a copy at each of these UDP ports, if this relay can be asked."""
        if self.control_port is None:
            return
        for port in ports:
            address = (HOST, self.control_port)
            connection = self._connections.enter_context(
                socket.create_connection(address, PATIENCE)
            )
            connection.sendall(b"CONECTAR %d\n" % port)
            if connection.recv(64) != b"OK\n":
                raise ConnectionError(f"CONECTAR was not answered OK by {self.program}")

    def lost_at_ingest(self) -> int:
        """Datagrams that the system dropped because the relay did not take them."""
        for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].partition(":")[2], 16) == self.ingest_port:
                return int(fields[-1])
        return 0

    def end(self) -> Totals:
        """Ask our server to end while its clients are still there, and for its account."""
        self.program.finish(signal.SIGTERM)
        found = self.program.wait_for(
            r"^ended: (\d+) datagrams received, .*; (\d+) copies sent, (\d+) dropped"
        )
        return Totals(*map(int, found.groups()))

    def close(self) -> None:
        self._connections.close()
        self.program.close()


@dataclass(frozen=True)
class Relay:
    """A contender."""

    name: str
    start: Callable[[Bench, Sequence[int]], RunningRelay]
    """Takes the ports of the clients, for those relays that have to know them beforehand."""
    takes_commands: bool = True


def relays(bench: Bench) -> list[Relay]:
    """Ours, and whatever of the others is here."""
    tools = bench.tools
    ours = python("examples.server", HOST, 0, "--ingest", f"{HOST}:0")
    listed = [
        _commanded(OURS, ours),
        *([_commanded(BESIDE, ours, bench.beside)] if bench.beside else []),
        _commanded("threads", tools.contender("threads")),
        _commanded("asyncio", tools.contender("asyncio_relay", "asyncio")),
    ]
    if bench.has_uvloop():
        listed.append(_commanded("uvloop", tools.contender("asyncio_relay", "uvloop")))
    if bench.has_gstreamer():
        listed.append(Relay("GStreamer", _start_gstreamer, takes_commands=False))
    if tools.compiles:
        listed.append(Relay("C", _start_reference, takes_commands=False))
    return listed


def ours(bench: Bench) -> Relay:
    """Our relay alone."""
    return relays(bench)[0]


def _commanded(name: str, command: list[str], folder: Path = ROOT) -> Relay:
    def start(bench: Bench, ports: Sequence[int]) -> RunningRelay:
        program = bench.start_server(command, folder)
        try:
            found = program.wait_for(r"^listening on \S+:(\d+), ingest on \S+:(\d+)")
        except BaseException:
            program.close()
            raise
        return RunningRelay(program, int(found[2]), int(found[1]))

    return Relay(name, start)


def _start_reference(bench: Bench, ports: Sequence[int]) -> RunningRelay:
    command = [bench.tools.compiled("contenders/reference.c"), *map(str, ports)]
    program = bench.start_server(command)
    try:
        found = program.wait_for(r"^ingest on \S+:(\d+)")
    except BaseException:
        program.close()
        raise
    return RunningRelay(program, int(found[1]), None)


def _start_gstreamer(bench: Bench, ports: Sequence[int]) -> RunningRelay:
    # It can't be asked which port it got, so it is given one that was free just now.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        ingest_port: int = probe.getsockname()[1]
    clients = ",".join(f"{HOST}:{port}" for port in ports)
    pipeline = (
        f"udpsrc address={HOST} port={ingest_port} buffer-size={_BUFFER_SIZE} ! "
        f"multiudpsink clients={clients} sync=false async=false buffer-size={_BUFFER_SIZE}"
    )
    program = bench.start_server(["gst-launch-1.0", *pipeline.split()])
    try:
        program.wait_for(r"^Setting pipeline to PLAYING")
    except BaseException:
        program.close()
        raise
    return RunningRelay(program, ingest_port, None)
