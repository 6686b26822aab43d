"""Simulated runs as a terminal shows them: equal to the byte, each time and everywhere."""

from pathlib import Path

import pytest

from reactor.timeline.run.run import read
from reactor.timeline.telling import text

from .scenes import SCENES, record_of

FOLDER = Path(__file__).parent / "golden"
REWRITE = "if this is right, write it anew: python -m tests.timeline.test_golden"


def drawn(name: str) -> str:
    return text.draw(read(record_of(name).splitlines()), title=name)


@pytest.mark.parametrize("name", SCENES)
def test_a_simulated_run_reads_as_it_always_did(name: str) -> None:
    assert drawn(name) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8"), REWRITE


@pytest.mark.parametrize("name", SCENES)
def test_the_record_of_a_simulated_run_is_equal_to_the_byte(name: str) -> None:
    assert record_of(name) == record_of(name)


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(SCENES)


def write_all() -> None:
    """Write the golden files anew."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name in SCENES:
        (FOLDER / f"{name}.txt").write_text(drawn(name), encoding="utf-8")


if __name__ == "__main__":
    write_all()
