"""A viewer's screen can be switched off and on, and keeps its port."""

import socket
import threading

from examples.course.grade.screen import Screen


def test_a_port_that_somebody_tries_at_this_moment_is_waited_for() -> None:
    screen = Screen()
    screen.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", screen.port))
        gone = threading.Timer(0.05, other.close)
        gone.start()
        screen.switch_on()
        gone.join()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.sendto(b"film", ("127.0.0.1", screen.port))
    assert screen.take(1, within=5) == [b"film"]
    screen.close()
