"""Resets: received, sent into, asked for, and those that unread input makes."""

import socket
import struct

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.bytes_and_ends import what_is_left
from tests.testing.simulated.scripts.script import script


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@script
def a_look_at_what_comes(bench: Bench) -> None:
    near, far = bench.connection()
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.call(near, "recv", 1)
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    bench.call(near, "recv", 1, socket.MSG_PEEK)


@script
def a_look_at_what_came_before_a_reset(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.call(near, "recv", 10)
    bench.call(near, "recv", 10, socket.MSG_PEEK)
    bench.error_of(near)


@script
def a_look_after_an_end_and_a_reset(bench: Bench) -> None:
    near, far = bench.connection()
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.call(near, "recv", 1, socket.MSG_PEEK)
    bench.error_of(near)


@script
def a_look_before_anybody_answers(bench: Bench) -> None:
    listener = bench.listener()
    caller = bench.tcp("caller")
    bench.call(caller, "recv", 1, socket.MSG_PEEK)
    bench.connect(caller, listener)
    bench.settle((caller, "w"))
    bench.call(caller, "recv", 1, socket.MSG_PEEK)


@script
def a_reset_received(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def a_reset_sent_into(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    bench.call(near, "send", b"x")
    bench.call(near, "send", b"x")
    bench.call(near, "recv", 10)


@script
def a_reset_asked_for(bench: Bench) -> None:
    near, far = bench.connection()
    reset(far)
    bench.settle((near, "rw"))
    bench.error_of(near)
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def a_reset_after_data(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.settle((near, "rw"))
    bench.take(near, 1)
    what_is_left(bench, near)


@script
def a_reset_after_data_sent_into(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.call(near, "send", b"x")
    bench.call(near, "send", b"x")
    bench.take(near, 1)
    bench.call(near, "recv", 10)


@script
def a_reset_after_the_end(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    bench.take(near, 1)
    bench.settle((near, "rw"))
    bench.call(near, "recv", 10)
    reset(far)
    bench.until_broken(near)
    what_is_left(bench, near)


@script
def a_reset_after_an_unread_end(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"x")
    bench.call(far, "shutdown", socket.SHUT_WR)
    bench.settle((near, "rw"))
    bench.take(near, 1)
    bench.settle((near, "rw"))
    reset(far)
    bench.until_broken(near)
    bench.error_of(near)
    what_is_left(bench, near)


@script
def a_reset_after_a_half_close_of_ours(bench: Bench) -> None:
    near, far = bench.connection()
    bench.call(near, "shutdown", socket.SHUT_WR)
    bench.settle((far, "rw"))
    reset(far)
    bench.until_broken(near)
    what_is_left(bench, near)


@script
def input_left_unread(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(near, b"x")
    bench.settle((far, "rw"))
    far.close()
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def input_left_unread_after_a_reply(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(far, b"r")
    bench.settle((near, "rw"))
    bench.give(near, b"x")
    bench.settle((far, "rw"))
    far.close()
    bench.until_broken(near)
    bench.take(near, 1)
    what_is_left(bench, near)


@script
def input_left_unread_that_came_with_an_end(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(near, b"x")
    bench.call(near, "shutdown", socket.SHUT_WR)
    bench.settle((far, "rw"))
    far.close()
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def input_left_unread_when_all_is_over(bench: Bench) -> None:
    near, far = bench.connection()
    bench.give(near, b"x")
    for sock in (near, far):
        bench.call(sock, "shutdown", socket.SHUT_WR)
        bench.settle((near if sock is far else far, "rw"))
    bench.until_broken(far)
    bench.until_broken(near)
    far.close()
    bench.error_of(near)
    what_is_left(bench, near)


@script
def input_left_unread_in_a_pair(bench: Bench) -> None:
    near, far = bench.pair()
    bench.give(near, b"x")
    far.close()
    bench.settle((near, "rw"))
    what_is_left(bench, near)


@script
def input_left_unread_in_a_pair_after_a_reply(bench: Bench) -> None:
    near, far = bench.pair()
    bench.give(near, b"x")
    bench.give(far, b"r")
    far.close()
    bench.settle((near, "rw"))
    bench.call(near, "send", b"x")
    bench.take(near, 1)
    what_is_left(bench, near)


@script
def a_pair_left_by_one(bench: Bench) -> None:
    near, far = bench.pair()
    far.close()
    bench.settle((near, "rw"))
    bench.call(near, "send", b"x")
    what_is_left(bench, near)


@script
def sending_to_somebody_who_has_gone(bench: Bench) -> None:
    near, far = bench.connection()
    far.close()
    bench.settle((near, "rw"))
    bench.call(near, "getpeername")
    bench.call(near, "send", b"x")
    bench.until_broken(near)
    bench.call(near, "send", b"x")
    bench.call(near, "send", b"x")
    what_is_left(bench, near)


@script
def reading_from_somebody_who_has_gone(bench: Bench) -> None:
    near, far = bench.connection()
    far.close()
    bench.settle((near, "rw"))
    bench.give(near, b"x")
    bench.until_broken(near)
    bench.error_of(near)
    what_is_left(bench, near)
