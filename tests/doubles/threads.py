"""Other threads of a test, which do one thing and end."""

import threading
from collections.abc import Callable


def in_a_thread(act: Callable[[], object]) -> list[BaseException]:
    """What `act` raises in another thread."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as exc:
            raised.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised
