"""The first error of a send ends the program."""

from small_relay import run


def relay(datagram, viewers):
    for viewer in viewers:
        viewer.video.send(datagram)


run(relay)
