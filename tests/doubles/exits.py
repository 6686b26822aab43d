"""Orders to end the program, after which it is run again."""

from reactor import EventLoop


class Exit(BaseException):
    """An order to end the program."""


def run_on(loop: EventLoop, iterations: int) -> int:
    """Run again after each order to exit; how many there were."""
    orders = 0
    for _ in range(iterations):
        try:
            loop.run_once(0)
        except Exit:
            orders += 1
    return orders
