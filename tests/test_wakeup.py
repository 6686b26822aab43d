"""Wakeup: rung any number of times from anywhere, heard at least once."""

import os
import select
import socket
import threading
from collections.abc import Iterator

import pytest

from reactor.wakeup import Wakeup

pytestmark = pytest.mark.usefixtures("watchdog")


@pytest.fixture
def bell() -> Iterator[Wakeup]:
    bell = Wakeup(socket)
    yield bell
    bell.close()


def is_ringing(bell: Wakeup) -> bool:
    return bool(select.select([bell], [], [], 0)[0])


def fill(bell: Wakeup) -> None:
    try:
        while True:
            os.write(bell.writer_fileno(), bytes(4096))
    except BlockingIOError:
        pass


def test_a_new_bell_is_silent(bell: Wakeup) -> None:
    assert not is_ringing(bell)


def test_a_bell_that_was_rung_rings(bell: Wakeup) -> None:
    bell.ring()
    assert is_ringing(bell)


def test_a_bell_rung_from_another_thread_rings(bell: Wakeup) -> None:
    thread = threading.Thread(target=bell.ring)
    thread.start()
    thread.join()
    assert is_ringing(bell)


def test_a_bell_rung_through_its_writer_rings(bell: Wakeup) -> None:
    os.write(bell.writer_fileno(), b"\x0f")
    assert is_ringing(bell)


def test_a_silenced_bell_is_silent(bell: Wakeup) -> None:
    bell.ring()
    assert bell.silence()
    assert not is_ringing(bell)


def test_a_silent_bell_can_be_silenced(bell: Wakeup) -> None:
    assert bell.silence()


def test_a_bell_can_be_rung_when_it_is_full(bell: Wakeup) -> None:
    fill(bell)
    bell.ring()
    assert is_ringing(bell)


def test_a_full_bell_is_silenced_in_one_go(bell: Wakeup) -> None:
    fill(bell)
    assert bell.silence()
    assert not is_ringing(bell)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 8192])
def test_any_number_of_rings_is_silenced_in_one_go(bell: Wakeup, size: int) -> None:
    os.write(bell.writer_fileno(), bytes(size))
    assert bell.silence()
    assert not is_ringing(bell)


def test_a_bell_rings_again_after_it_was_silenced(bell: Wakeup) -> None:
    bell.ring()
    bell.silence()
    bell.ring()
    assert is_ringing(bell)


def test_a_bell_whose_writer_is_gone_can_not_be_silenced(bell: Wakeup) -> None:
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), bell.writer_fileno())
    assert not bell.silence()


def test_a_bell_whose_reader_is_gone_can_not_be_silenced(bell: Wakeup) -> None:
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), bell.fileno())
    assert not bell.silence()


def test_a_broken_bell_can_be_rung(bell: Wakeup) -> None:
    bell.close()
    bell.ring()


def test_closing_gives_both_descriptors_back(bell: Wakeup) -> None:
    bell.close()
    assert (bell.fileno(), bell.writer_fileno()) == (-1, -1)
