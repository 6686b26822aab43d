"""What the example programs share: options that explain themselves, lines that get out."""

import argparse
import errno
import logging
import os
import reprlib
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from typing import Final, NoReturn, TextIO, TypeVar

import reactor
from examples.printer import Printer

EXIT_BUG: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 128 + signal.SIGINT
"""As a shell has it."""

_STDOUT: Final = 1
_STDERR: Final = 2
_LAST_WORDS: Final = 1.0
_LONGEST_COMPLAINT: Final = 500

_T = TypeVar("_T")


# -- options -----------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """Wrong use is answered in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        complain(f"{self.prog}: {message} (--help shows the options)")
        self.exit(EXIT_USAGE)

    def print_help(self, file: object = None) -> None:
        _out.write(self.format_help())


def server_parser(program: str, description: str) -> Parser:
    """A parser for a program that listens at HOST and PORT."""
    return _parser(program, description, least_port=0)


def client_parser(program: str, description: str) -> Parser:
    """A parser for a program that connects to HOST and PORT."""
    return _parser(program, description, least_port=1)


def _parser(program: str, description: str, least_port: int) -> Parser:
    parser = Parser(prog=f"python3 -m examples.{program}", description=description)
    add = parser.add_argument
    add("host", metavar="HOST", type=host, help="address or name: 127.0.0.1, ::1, localhost")
    add("port", metavar="PORT", type=port(least_port), help="TCP port")
    add("--trace", metavar="FILE", type=record,
        help="record the run, for python3 -m reactor.timeline --draw FILE")  # fmt: skip
    return parser


def port(least: int) -> Callable[[str], int]:
    """For ports, where the system may choose one (`least` is 0) or may not (1)."""
    return count(least, 65535)


def host(text: str) -> str:
    """An option's value as an address or a name, without a port."""
    if text.startswith("["):
        inside = text[1:].partition("]")[0]
        raise argparse.ArgumentTypeError(f"write an IPv6 address without brackets: {inside}")
    if not text:
        raise _refusal("an address or a name", text)
    return text


def address(text: str) -> tuple[str, int]:
    """An option's value as HOST:PORT."""
    try:
        return reactor.parse_address(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def record(text: str) -> str:
    """An option's value as a file to write; a pipe or a terminal could keep the loop waiting."""
    if not text or (os.path.exists(text) and not os.path.isfile(text)):
        raise _refusal("a regular file", text)
    return text


def number(least: float, most: float, *, above: bool = False) -> Callable[[str], float]:
    """For values from `least` to `most`, or only `above` the least."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if least <= value <= most and not (above and value == least):
            return value
        raise _refusal(f"a number {'above' if above else 'from'} {least:g} to {most:g}", text)

    return parse


def count(least: int, most: int = 10**9 - 1) -> Callable[[str], int]:
    """For whole numbers from `least` to `most`."""

    def parse(text: str) -> int:
        # int() refuses more than 4,300 digits: sys.int_info.default_max_str_digits.
        if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most:
            return int(text)
        raise _refusal(f"a whole number from {least} to {most}", text)

    return parse


def _refusal(expected: str, text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"not {expected}: {reprlib.repr(text)}")


# -- lines -------------------------------------------------------------------------------


def encoding_of(stream: TextIO | None) -> str:
    """What the stream's characters are written in; ASCII for one that was closed at the start."""
    return "ascii" if stream is None else stream.encoding


_out = Printer(_STDOUT, encoding_of(sys.stdout))
_err = Printer(_STDERR, encoding_of(sys.stderr))


def say(line: object) -> None:
    """Print one line, without waiting for anybody to take it."""
    write(f"{line}\n")


def write(text: str) -> None:
    """Print what is not a line, or more than one."""
    _out.write(text)


def complain(text: str) -> None:
    """Print `text` on stderr, as one line."""
    _err.write(f"{one_line(text)}\n")


def written(addresses: Iterable[reactor.Address]) -> str:
    """All addresses at which a program can be reached."""
    return " and ".join(map(reactor.format_address, addresses))


def one_line(text: str) -> str:
    r"""`text`, its middle cut out if it is long, what could end a line or move the cursor escaped.

    >>> print(one_line("one\ntwo"))
    one\ntwo
    """
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    if len(shown) <= _LONGEST_COMPLAINT:
        return shown
    # The program stands at the beginning, the reason and the way out at the end.
    return f"{shown[: _LONGEST_COMPLAINT // 2]}...{shown[-_LONGEST_COMPLAINT // 2 :]}"


class _Log(logging.Handler):
    """What the library logs, where it waits for nobody either."""

    def emit(self, record: logging.LogRecord) -> None:
        _err.write(f"{self.format(record)}\n")


_ADVICE = {
    errno.EADDRINUSE: "another program uses it: end that, or choose another {option}",
    errno.EADDRNOTAVAIL: "no address of this machine: try 127.0.0.1 or 0.0.0.0",
    errno.EMFILE: "allow more with: ulimit -n",
    errno.EACCES: "a port below 1024, or a file, needs more rights: choose another",
}


def fail(program: str, problem: object, status: int = EXIT_USAGE, *, option: str = "port") -> int:
    """Say in one line on stderr why the program ends; return `status`.

    `option` is what to choose another of where an address is taken.
    """
    _ignore_interrupts()
    text = str(problem)
    if isinstance(problem, OSError):
        text = problem.strerror or text
        if isinstance(problem.filename, str):
            text = f"{problem.filename}: {text}"
        advice = _ADVICE.get(problem.errno or 0)
        if advice is not None:
            text = f"{text} ({advice.format(option=option)})"
    _out.drain(_LAST_WORDS / 5)  # on a terminal, the reason stands below what led to it
    complain(f"{program}: {text}")
    return status


# -- from the start to the end -----------------------------------------------------------

ENDINGS: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
"""The signals that tell a program to end; by the last, a terminal says that it is gone."""


def run(program: str, work: Callable[[_T], int], arguments: _T) -> int:
    """Do `work(arguments)` and return the exit status, once all lines are out.

    A second is how long a program that has ended waits for somebody to read them.
    What the system refuses is one line on stderr; what nobody foresaw is a traceback.
    """
    _hold_standard_descriptors()
    logging.basicConfig(format="%(message)s", handlers=[_Log()])
    try:
        return work(arguments)
    except OSError as exc:
        return fail(program, exc)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED  # nothing had begun: once it has, see on_interrupt
    except Exception:
        _err.write(traceback.format_exc())
        return EXIT_BUG
    finally:
        _ignore_interrupts()
        for printer in (_out, _err):
            printer.drain(_LAST_WORDS)


@contextmanager
def recording(path: str | None) -> Iterator[None]:
    """Record what is done meanwhile, if that is wished. Raises OSError if no file can be made."""
    if path is None:
        yield
        return
    from reactor.timeline import Recorder  # who does not record does not wait for it

    with ExitStack() as cleanup:
        try:
            cleanup.enter_context(Recorder(path))
        except RuntimeError:
            message = "this run is recorded already: leave --trace out"
            raise OSError(errno.EBUSY, message) from None
        yield


@contextmanager
def on_interrupt(loop: reactor.EventLoop, leave: Callable[[], object]) -> Iterator[None]:
    """Call `leave` at the first of the ENDINGS; stop the loop at the second.

    Afterwards they change nothing: the program ends anyway, and owes an account. One that
    was ignored at the start is left alone: so `nohup` wants it, and a script's background.
    """
    signals = [signum for signum in ENDINGS if signal.getsignal(signum) is not signal.SIG_IGN]

    answers = chain([leave], repeat(loop.stop))

    def hear() -> None:
        next(answers)()

    for signum in signals:
        loop.add_signal_handler(signum, hear)
    yield
    _ignore_interrupts()


def _ignore_interrupts() -> None:
    for signum in ENDINGS:
        signal.signal(signum, signal.SIG_IGN)


def _hold_standard_descriptors() -> None:
    """Fill those that were closed at the start, lest a socket gets the number, and our lines."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
