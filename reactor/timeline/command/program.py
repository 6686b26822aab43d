"""A script or a module, run as the interpreter itself would run it.

What it finds is what it would find: its arguments, its path, `__main__`, and nothing of ours in
a traceback. Whatever ends it (an exit, an error, Ctrl-C) leaves by way of the caller, for the
interpreter to do with it what it always does.
"""

import builtins
import os
import pkgutil
import runpy
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from io import BytesIO, open_code
from types import CodeType, ModuleType, TracebackType
from typing import Final, NamedTuple

__all__ = ["Program"]

_OURSELVES: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
"""All rooms of the timeline."""


class Program(NamedTuple):
    """What stands on a command line behind `python3`: a file, or -m and a module; arguments."""

    name: str
    arguments: tuple[str, ...] = ()
    is_module: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """
        >>> Program("http.server", ("8000",), is_module=True).command
        ('-m', 'http.server', '8000')
        """
        return (*(("-m",) if self.is_module else ()), self.name, *self.arguments)

    def run(self) -> None:
        """Run it to its end. Raises what it raises.

        The process is its own from now on: `sys.argv`, `sys.path[0]` and `__main__` stay what
        they are made here, for threads and exit handlers that outlive its last line.
        """
        try:
            if self.is_module:
                self._run_module()
            elif pkgutil.get_importer(self.name) is not None:
                self._run_folder()
            else:
                self._run_file()
        except SystemExit:
            raise
        except BaseException:
            _hide_ourselves()
            raise

    def _run_module(self) -> None:
        sys.argv = ["-m", *self.arguments]
        sys.modules["__main__"] = _new_main()
        # What `python3 -m` calls, which says what is wrong in the same words.
        runpy._run_module_as_main(self.name)  # type: ignore[attr-defined]

    def _run_folder(self) -> None:
        """A directory, or a zip file, that has a `__main__.py`."""
        sys.argv = [self.name, *self.arguments]
        # Also with -P: it is the only place where its modules can be.
        sys.path[: not sys.flags.safe_path] = [os.path.abspath(self.name)]
        sys.modules["__main__"] = _new_main()
        runpy._run_module_as_main("__main__", False)  # type: ignore[attr-defined]

    def _run_file(self) -> None:
        path = os.path.abspath(self.name)
        sys.argv = [self.name, *self.arguments]
        if not sys.flags.safe_path:
            sys.path[0] = os.path.dirname(os.path.realpath(path))
        main = sys.modules["__main__"] = _new_main()
        main.__file__, main.__loader__ = path, SourceFileLoader("__main__", path)
        exec(_code_of(path), vars(main))


def _new_main() -> ModuleType:
    main = ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __annotations__={}, __cached__=None)
    return main


def _code_of(path: str) -> CodeType:
    """Of a file in Python, or of compiled ones."""
    with open_code(path) as file:  # which may be a pipe
        text = file.read()
    code: CodeType | None = pkgutil.read_code(BytesIO(text))
    return compile(text, path, "exec", dont_inherit=True) if code is None else code


# -- tracebacks ----------------------------------------------------------------------------


def _hide_ourselves() -> None:
    """Have the error that is under way shown as if nobody had recorded it."""
    show = sys.excepthook

    def excepthook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        for each in _chain(error):
            each.__traceback__ = _without_us(each.__traceback__)
        show(kind, error, error.__traceback__)

    sys.excepthook = excepthook


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and all that it came of."""
    left, seen = [error], set[int]()
    while left:
        if (each := left.pop()) is not None and id(each) not in seen:
            seen.add(id(each))
            left += [each.__cause__, each.__context__]
            yield each


def _without_us(traceback: TracebackType | None) -> TracebackType | None:
    """What lies behind `run`, and not in this package."""
    entries: list[TracebackType] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code is Program.run.__code__:
            entries.clear()
        elif not code.co_filename.startswith(_OURSELVES):
            entries.append(traceback)
        traceback = traceback.tb_next
    for entry in reversed(entries):
        traceback = TracebackType(traceback, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return traceback
