"""The contenders of the line echo server: how each is started, and where it listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .bench import Bench
from .processes import ROOT, Program
from .relays import BESIDE, HOST, OURS
from .toolbox import python


@dataclass(frozen=True)
class RunningEcho:
    """A server that is up."""

    name: str
    program: Program
    port: int


@dataclass(frozen=True)
class Echo:
    """A contender."""

    name: str
    command: Sequence[str]
    folder: Path = ROOT

    def start(self, bench: Bench) -> RunningEcho:
        program = bench.start_server(list(self.command), self.folder)
        try:
            port = int(program.wait_for(r"^listening on \S+:(\d+)")[1])
        except BaseException:
            program.close()
            raise
        return RunningEcho(self.name, program, port)


def echoes(bench: Bench) -> list[Echo]:
    """Ours; asyncio's and, where it is here, uvloop's, which answer each line by itself."""
    loops = ["asyncio", *(["uvloop"] if bench.has_uvloop() else [])]
    ours = python("examples.echo", HOST, 0)
    return [
        Echo(OURS, ours),
        *([Echo(BESIDE, ours, bench.beside)] if bench.beside else []),
        *(Echo(loop, bench.tools.contender("asyncio_echo", loop)) for loop in loops),
    ]


def joined_echoes(bench: Bench) -> list[Echo]:
    """The same of asyncio and uvloop, with their answers gathered by hand."""
    return [
        Echo(f"{echo.name}, joined by hand", [*echo.command, "joined"])
        for echo in echoes(bench)
        if echo.name not in (OURS, BESIDE)
    ]
