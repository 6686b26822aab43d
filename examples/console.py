"""What the example programs share: options that explain themselves, lines that get out."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import reactor

EXIT_USAGE = 2


class Parser(argparse.ArgumentParser):
    """Wrong use is answered in one line, with exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (--help shows the options)\n")


def server_parser(program: str, description: str) -> Parser:
    """A parser for a program that listens at, or connects to, HOST and PORT."""
    parser = Parser(prog=f"python3 -m examples.{program}", description=description)
    parser.add_argument("host", metavar="HOST", help="address or name, for example 127.0.0.1")
    parser.add_argument("port", metavar="PORT", type=port, help="TCP port")
    return parser


def port(text: str) -> int:
    """An option's value as a port number."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"not a port number from 0 to 65535: {text!r}")
    return int(text)


def address(text: str) -> tuple[str, int]:
    """An option's value as HOST:PORT."""
    try:
        return reactor.parse_address(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def number(minimum: float, *, above: bool = False) -> Callable[[str], float]:
    """For values from `minimum` on, or only `above` it."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if value < float("inf") and (value > minimum or (value == minimum and not above)):
            return value
        bound = "above" if above else "of at least"
        raise argparse.ArgumentTypeError(f"not a number {bound} {minimum:g}: {text!r}")

    return parse


def count(minimum: int) -> Callable[[str], int]:
    """For whole numbers from `minimum` on."""

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and int(text) >= minimum:
            return int(text)
        raise argparse.ArgumentTypeError(f"not a whole number of at least {minimum}: {text!r}")

    return parse


def say(line: object) -> None:
    """Print one line at once. Nobody listens any more (`| head`), the disk is full: go on."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        pass  # the disk is full: this line is lost, the next may not be


_ADVICE = {
    errno.EADDRINUSE: "another program uses it: end that, or choose another port",
    errno.EADDRNOTAVAIL: "no address of this machine: try 127.0.0.1 or 0.0.0.0",
    errno.EACCES: "a port below 1024, or a file, needs more rights: choose another",
}


def fail(program: str, problem: OSError) -> int:
    """Say in one line on stderr why the program can't do its work; return the exit status."""
    text = problem.strerror or str(problem)
    if isinstance(problem.filename, str):
        text = f"{problem.filename}: {text}"
    advice = _ADVICE.get(problem.errno or 0)
    if advice is not None:
        text = f"{text} ({advice})"
    print(f"{program}: {text}", file=sys.stderr, flush=True)
    return EXIT_USAGE


def on_interrupt(loop: reactor.EventLoop, leave: Callable[[], object]) -> None:
    """Call `leave` at the first SIGINT or SIGTERM; stop the loop at the second."""

    def first() -> None:
        for signum in signals:
            loop.add_signal_handler(signum, loop.stop)
        leave()

    signals = (signal.SIGINT, signal.SIGTERM)
    for signum in signals:
        loop.add_signal_handler(signum, first)
