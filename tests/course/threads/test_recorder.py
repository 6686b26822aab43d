"""A program that is recorded does what it does, and its record tells what it waited for."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.course.pictures.threads import cut, recorded
from tests.doubles.program import ROOT
from tests.timeline.wellformed import check_svg

PROGRAM = """
import socket, sys, threading
from threading import Condition, Lock, RLock

lock, again = Lock(), RLock()
left, right = socket.socketpair()

def echo():
    with lock:
        pass
    right.sendall(right.recv(100).upper())

with lock:
    thread = threading.Thread(target=echo)
    thread.start()
    with again, again:
        print(lock.acquire(False), lock.locked(), lock.acquire(timeout=0.01))
left.sendall(b"word\\n")
print(left.makefile().readline(), end="")
thread.join()
for wrong in (lock, again):
    try:
        wrong.release()
    except RuntimeError as exc:
        print(exc)
try:
    lock.acquire(False, 1)
except ValueError as exc:
    print(exc)
bell = Condition(again)
with bell, bell:
    print(bell.wait(0.01))
left.setblocking(False)
try:
    left.recv(1)
except BlockingIOError:
    print("nothing yet")
right.close()
print(sys.argv[1:], left.recv(1), __name__)
sys.exit(3)
"""


def run(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=ROOT)
    return done.returncode, done.stdout, done.stderr


@dataclass(frozen=True)
class Recording:
    """PROGRAM, run once under the recorder."""

    arguments: list[str]
    record: Path
    outcome: tuple[int, str, str]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    folder = tmp_path_factory.mktemp("recording")
    program, record = folder / "program.py", folder / "record.jsonl"
    program.write_text(PROGRAM)
    arguments = [str(program), "1", "--two"]
    return Recording(arguments, record, run(recorded(arguments, record)))


def test_a_recorded_program_does_what_it_does(recording: Recording) -> None:
    plain = run([sys.executable, *recording.arguments])
    assert plain[0] == 3
    assert recording.outcome == plain


def test_the_record_tells_who_waited_for_the_lock_and_what_was_said(recording: Recording) -> None:
    events = [json.loads(line) for line in recording.record.read_text().splitlines()]
    waiting = [each["e"] for each in events if each.get("lock") == 1 and each["thread"] == 2]
    assert waiting == ["wants", "has", "gives"]
    taken_twice = [each["e"] for each in events if each.get("lock") == 2]
    assert taken_twice[:5] == ["wants", "has", "wants", "gives", "wants"]
    assert {"word\n", "WORD\n"} <= {each.get("data") for each in events}
    assert [each["e"] for each in events if each["thread"] == 2][-1] == "ends"
    assert 0 < float(cut(recording.record, {})["waited"]) < 20


@pytest.mark.thorough
def test_what_can_not_be_written_any_more_does_not_end_the_program(recording: Recording) -> None:
    assert run(recorded(recording.arguments, Path("/dev/full")))[0] == 3


@pytest.mark.thorough
def test_a_student_can_draw_a_run_of_his_own(recording: Recording) -> None:
    command = recorded(recording.arguments, recording.record)
    status, picture, _ = run([*command[:3], "--draw", str(recording.record)])
    assert status == 0
    check_svg(picture)
