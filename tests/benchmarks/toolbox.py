"""The programs that make and take the load: in C where there is a compiler, else in Python."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parent
_PACKAGE: Final = "tests.benchmarks"


def python(module: str, *arguments: object) -> list[str]:
    """The command that runs a module with this Python."""
    return [sys.executable, "-m", module, *map(str, arguments)]


class Toolbox:
    """Knows how each program is started; compiles into `folder` what it can."""

    def __init__(self, folder: Path, *, compiled: bool) -> None:
        self._folder = folder
        self._compiler = shutil.which("cc") if compiled else None

    @property
    def compiles(self) -> bool:
        """Whether programs in C can be had."""
        return self._compiler is not None

    def traffic(self, name: str, *arguments: object) -> list[str]:
        """The command of source, sink or requests, in the faster language that is here."""
        if self.compiles:
            return [self.compiled(f"traffic/{name}.c"), *map(str, arguments)]
        return python(f"{_PACKAGE}.traffic.{name}", *arguments)

    def contender(self, name: str, *arguments: object) -> list[str]:
        """The command of a contender written in Python."""
        return python(f"{_PACKAGE}.contenders.{name}", *arguments)

    def compiled(self, source: str) -> str:
        """The path of a program in C, compiled when it is first asked for."""
        assert self._compiler is not None
        program = self._folder / Path(source).stem
        if not program.exists():
            command = [self._compiler, "-O2", "-o", str(program), str(_HERE / source)]
            subprocess.run(command, check=True)
        return str(program)
