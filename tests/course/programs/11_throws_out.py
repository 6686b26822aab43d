"""Who can't be reached is thrown out, connection and all."""

from small_relay import run


def relay(datagram, viewers):
    for viewer in viewers:
        try:
            viewer.video.send(datagram)
        except OSError:
            viewer.state = "gone"


run(relay)
