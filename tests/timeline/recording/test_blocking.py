"""Calls that keep the loop's thread waiting are told of; those that do not never are."""

import builtins
import io
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor as Pool
from typing import Any

import pytest

from reactor.timeline.recording import blocking
from reactor.timeline.recording.record import Record
from reactor.timeline.run.events import Blocked, parse

pytestmark = pytest.mark.usefixtures("watchdog")

SOON = 0.002
"""Seconds: long enough to be a wait."""
LATE_CHILD = [sys.executable, "-c", "import time; time.sleep(0.01)"]


class Diary:
    """What is told of while the functions of `blocking` are stood in for."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self.record = Record(self._file)

    @property
    def blocked(self) -> list[Blocked]:
        self.record.close()
        events = map(parse, self._file.getvalue().splitlines())
        return [event for event in events if isinstance(event, Blocked)]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.what, event.about) for event in self.blocked]


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Diary]:
    diary = Diary()
    with monkeypatch.context() as patch:
        # What is looked up in the test itself asks nobody.
        patch.setattr(socket, "getaddrinfo", _answering(socket.getaddrinfo, ("localhost",)))
        patch.setattr(socket, "gethostbyname", _answering(socket.gethostbyname, ("localhost",)))
        patch.setattr(builtins, "input", lambda prompt="": time.sleep(SOON))
        for owner, name, substitute in blocking.stand_ins(diary.record):
            patch.setattr(owner, name, substitute)
        yield diary


def _answering(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    def answer(host: Any, *arguments: Any, **others: Any) -> Any:
        if host in names:
            return []
        return function(host, *arguments, **others)

    return answer


def after_a_while(act: Callable[[], object]) -> threading.Thread:
    """Another thread, that does something once this one has been waiting."""
    waiting_for, is_started = threading.get_ident(), threading.Event()

    def run() -> None:
        while not (is_started.is_set() and _waits(waiting_for)):
            time.sleep(SOON)
        time.sleep(SOON)
        act()

    thread = threading.Thread(target=run, name="a timer")
    thread.start()
    is_started.set()
    return thread


def _waits(thread: int) -> bool:
    frames = [summary.name for summary in traceback.extract_stack(sys._current_frames()[thread])]
    return "waiting" in frames


# -- waits of the loop's thread -----------------------------------------------------------


def test_a_sleep_is_told_with_its_seconds(diary: Diary) -> None:
    time.sleep(SOON)
    (sleep,) = diary.blocked
    assert (sleep.what, sleep.about) == ("time.sleep", "0.002")
    assert sleep.took >= SOON


def test_a_sleep_of_no_time_is_none(diary: Diary) -> None:
    time.sleep(0)
    assert diary.told == []


def test_arguments_that_do_not_suit_are_the_function_s_to_refuse(diary: Diary) -> None:
    with pytest.raises(TypeError, match="interpreted as an integer"):
        time.sleep("long")  # type: ignore[arg-type]
    assert diary.told == []


def test_a_wait_that_is_left_by_an_exception_is_told(diary: Diary) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        with subprocess.Popen(LATE_CHILD) as child:
            child.wait(SOON)
    assert diary.told[0][0] == "subprocess.Popen.wait"


def test_a_child_that_is_waited_for_is_told_with_its_command(diary: Diary) -> None:
    subprocess.run(LATE_CHILD, check=True)
    ((what, about),) = diary.told
    assert what in ("subprocess.Popen.wait", "subprocess.Popen.communicate")
    assert about == f"{sys.executable} -c 'import time; time.sleep(0.01)'"


def test_a_child_that_was_asked_for_its_output_is_told_once(diary: Diary) -> None:
    subprocess.run(LATE_CHILD, check=True, capture_output=True)
    assert [what for what, _ in diary.told] == ["subprocess.Popen.communicate"]


def test_a_child_that_has_ended_is_not_waited_for(diary: Diary) -> None:
    child = subprocess.Popen(LATE_CHILD)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    child.wait()
    assert diary.told == []


def test_a_command_of_the_shell_is_told(diary: Diary) -> None:
    os.system("sleep 0.01")
    assert diary.told == [("os.system", "sleep 0.01")]


def test_a_thread_that_is_waited_for_is_told_by_its_name(diary: Diary) -> None:
    after_a_while(int).join()
    assert diary.told == [("threading.Thread.join", "a timer")]


def test_an_event_that_another_thread_sets_is_told_once(diary: Diary) -> None:
    event = threading.Event()
    timer = after_a_while(event.set)
    event.wait()
    assert diary.told == [("threading.Event.wait", "another thread")]
    timer.join()


def test_a_queue_that_another_thread_fills_is_told_once(diary: Diary) -> None:
    waiting: queue.Queue[int] = queue.Queue()
    timer = after_a_while(lambda: waiting.put(1))
    assert waiting.get() == 1
    assert diary.told == [("queue.Queue.get", "another thread")]
    timer.join()


def test_the_result_of_another_thread_is_told(diary: Diary) -> None:
    future: Future[int] = Future()
    timer = after_a_while(lambda: future.set_result(1))
    assert future.result() == 1
    assert diary.told == [("concurrent.futures.Future.result", "another thread")]
    timer.join()


def test_a_condition_is_told(diary: Diary) -> None:
    condition = threading.Condition()
    with condition:
        condition.wait(SOON)
    assert diary.told == [("threading.Condition.wait", "another thread")]


def test_what_is_there_already_is_not_waited_for(diary: Diary) -> None:
    event, waiting, future = threading.Event(), queue.Queue[int](), Future[int]()
    event.set()
    waiting.put(1)
    future.set_result(1)
    event.wait()
    waiting.get()
    future.result()
    assert diary.told == []


def test_to_start_a_thread_is_no_wait_however_long_it_takes(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "Event", SlowEvent)
    threading.Thread(target=int).start()
    assert diary.told == []


class SlowEvent(threading.Event):
    """One for which a crowded machine takes its time."""

    def wait(self, timeout: float | None = None) -> bool:
        time.sleep(SOON)
        return super().wait(timeout)


@pytest.mark.parametrize(("prompts", "about"), [((), "a line"), (("Name: ",), "Name:")])
def test_a_line_from_a_person_is_told(diary: Diary, prompts: tuple[str], about: str) -> None:
    input(*prompts)
    assert diary.told == [("input", about)]


def test_other_threads_may_wait(diary: Diary) -> None:
    def wait() -> None:
        time.sleep(SOON)
        threading.Event().wait(SOON)

    diary.record.thread = -1  # whichever it is, it is not this one
    wait()
    assert diary.told == []


# -- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.getaddrinfo(host="localhost", port=80, proto=socket.IPPROTO_TCP),
        lambda: socket.getaddrinfo("localhost", 80, 0, 0, 0, 0),
        lambda: socket.gethostbyname("localhost"),
        lambda: socket.gethostbyname(b"localhost"),  # type: ignore[arg-type]
    ],
)
def test_a_name_that_is_looked_up_is_told(diary: Diary, look_up: Callable[[], object]) -> None:
    try:
        look_up()
    except OSError:
        pass
    ((_, about),) = diary.told
    assert about == "localhost"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%1", b"127.0.0.1", None])
def test_a_number_needs_no_look_up(diary: Diary, host: Any) -> None:
    try:
        socket.getaddrinfo(host, 80)
    except OSError:
        pass  # not every machine has an interface 1
    assert diary.told == []


def test_who_says_that_the_host_is_a_number_looks_nothing_up(diary: Diary) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("no number", 80, flags=socket.AI_NUMERICHOST)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("no number", 80, 0, 0, 0, socket.AI_NUMERICHOST)
    assert diary.told == []


def test_an_address_whose_name_is_asked_for_is_told(diary: Diary) -> None:
    socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICSERV)
    assert diary.told == [("socket.getnameinfo", "127.0.0.1")]


def test_an_address_that_stays_a_number_is_not_looked_up(diary: Diary) -> None:
    socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    assert diary.told == []


def test_a_look_up_in_another_thread_is_told_with_its_name(diary: Diary) -> None:
    with Pool(thread_name_prefix="helper") as pool:
        pool.submit(socket.getaddrinfo, "localhost", 80).result()
    (look_up,) = [blocked for blocked in diary.blocked if blocked.about == "localhost"]
    assert look_up.thread == "helper_0"
