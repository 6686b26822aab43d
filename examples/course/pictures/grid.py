"""All the ways to cut one line, as squares: right where a program answers it by one OK.

Nothing is sent: the program's own `serve` reads from a stand-in for a socket.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from itertools import combinations, groupby, pairwise
from pathlib import Path
from typing import Any, Final

from reactor.timeline.picture.markup import text

__all__ = ["HEIGHT", "LINE", "WIDTH", "cuttings", "middle", "squares", "survived"]

LINE: Final = b"INTERRUMPIR\n"
_ACROSS: Final = 64
_PITCH: Final = 8
"""Pixels from one square to the next, one of them empty."""
WIDTH: Final = _ACROSS * _PITCH
HEIGHT: Final = 2 ** (len(LINE) - 1) // _ACROSS * _PITCH

Serve = Callable[[Any], None]


def cuttings(line: bytes) -> Iterator[list[bytes]]:
    """Each way to cut it into pieces, those with the fewest pieces first.

    >>> list(cuttings(b"OK!"))
    [[b'OK!'], [b'O', b'K!'], [b'OK', b'!'], [b'O', b'K', b'!']]
    """
    for count in range(len(line)):
        for places in combinations(range(1, len(line)), count):
            yield [line[begin:end] for begin, end in pairwise([0, *places, len(line)])]


def survived(program: Path) -> list[bool]:
    """For each cutting of LINE, whether the program answers one OK and nothing else."""
    serve = _serve_of(program)
    return [_answers(serve, pieces) == b"OK\n" for pieces in cuttings(LINE)]


def _serve_of(program: Path) -> Serve:
    spec = spec_from_file_location("program_of_the_course", program)
    if spec is None or spec.loader is None:
        raise ImportError(f"{program} is no Python program")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    serve: Serve = module.serve
    return serve


def _answers(serve: Serve, pieces: Sequence[bytes]) -> bytes:
    sock = _Scripted(pieces)
    serve(sock)
    return sock.sent


class _Scripted:
    """As much of a socket as `serve` uses: each recv brings the next piece, then the end."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = iter(pieces)
        self.sent = b""

    def __enter__(self) -> "_Scripted":
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return next(self._pieces, b"")

    def sendall(self, data: bytes) -> None:
        self.sent += data


def middle(number: int) -> tuple[int, int]:
    """Of a square, in pixels from the corner of the grid."""
    down, across = divmod(number, _ACROSS)
    return across * _PITCH + _PITCH // 2 - 1, down * _PITCH + _PITCH // 2 - 1


def squares(right: Sequence[bool]) -> str:
    """Neighbours of one colour are a broken line, so that 2,048 squares stay small."""
    paths: dict[bool, list[str]] = {True: [], False: []}
    for is_right, run in groupby(enumerate(right), lambda each: (each[1], each[0] // _ACROSS)):
        numbers = [number for number, _ in run]
        down, across = divmod(numbers[0], _ACROSS)
        y = down * _PITCH + _PITCH // 2 - 1
        paths[is_right[0]].append(f"M{across * _PITCH} {y}h{len(numbers) * _PITCH - 1}")
    return "".join(
        f'<path class="{kind}" stroke-width="{_PITCH - 1}" stroke-dasharray="{_PITCH - 1} 1" '
        f'd="{"".join(paths[is_right])}"/>'
        for is_right, kind in ((True, "right"), (False, "wrong"))
    )


def key(is_right: bool, x: int, y: int, meaning: str) -> str:
    """One square of that colour, and what it means."""
    kind = "right" if is_right else "wrong"
    return (
        f'<path class="{kind}" stroke-width="{_PITCH - 1}" d="M{x} {y - 4}h{_PITCH - 1}"/>'
        + text("finding", x + 2 * _PITCH, y, meaning)
    )
