"""What every scenario is handed: the cores, the tools, and how thorough to be."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .cores import Cores, pinned_to
from .processes import ROOT, Program
from .toolbox import Toolbox


@dataclass(frozen=True)
class Bench:
    """One run of the suite."""

    cores: Cores
    tools: Toolbox
    quick: bool
    """Small loads: to see that all works, not how fast."""
    repeat: int
    """Rounds of each comparison."""
    beside: Path | None = None
    """Another checkout of this project, to be compared with."""

    def start_server(self, command: list[str], folder: Path = ROOT) -> Program:
        """Start what is measured, on a core of its own, in a checkout."""
        return Program(command, self.cores.relay, folder=folder)

    def start_load(self, command: list[str], *, urgent: bool = False) -> Program:
        """Start what makes or takes the load, on the other core."""
        return Program(command, self.cores.load, urgent=urgent)

    def has_uvloop(self) -> bool:
        return not self.quick and importlib.util.find_spec("uvloop") is not None

    def has_gstreamer(self) -> bool:
        return not self.quick and _gstreamer_installed()

    def absent(self) -> list[str]:
        """What is not here to be compared with, one line each."""
        if self.quick:
            return ["quick: ours, threads and asyncio only, and the load in Python"]
        lines = {
            "no uvloop (pip install uvloop)": self.has_uvloop(),
            "no GStreamer (gst-launch-1.0 with udpsrc and multiudpsink)": self.has_gstreamer(),
            "no C compiler (cc): no reference in C, and the load in Python": self.tools.compiles,
            "one core only: relay and load share it": not self.cores.shared,
        }
        return [line for line, present in lines.items() if not present]

    def machine(self) -> dict[str, object]:
        """What the figures depend on. No name of the machine."""
        return {
            "kernel": platform.release(),
            "architecture": platform.machine(),
            "processor": _processor(),
            "python": sys.version.split()[0],
            "cores": os.cpu_count(),
            "relay_core": self.cores.relay,
            "load_core": self.cores.load,
        }


@contextmanager
def open_bench(*, quick: bool, repeat: int, beside: Path | None = None) -> Iterator[Bench]:
    """A bench on this machine; this process keeps off the relay's core meanwhile."""
    cores = Cores.choose()
    with tempfile.TemporaryDirectory() as folder, pinned_to(cores.load):
        tools = Toolbox(Path(folder), compiled=not quick)
        yield Bench(cores, tools, quick, repeat, beside)


@cache
def _gstreamer_installed() -> bool:
    if shutil.which("gst-launch-1.0") is None or shutil.which("gst-inspect-1.0") is None:
        return False
    needed = ("udpsrc", "multiudpsink")
    commands = (["gst-inspect-1.0", "--exists", element] for element in needed)
    return all(subprocess.run(command).returncode == 0 for command in commands)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
