"""As broken.py, but who came last is served first: those in front of B are behind him there."""

from small_relay import run


def relay(datagram, viewers):
    try:
        for viewer in reversed(viewers):
            viewer.video.send(datagram)
    except OSError:
        pass


run(relay)
