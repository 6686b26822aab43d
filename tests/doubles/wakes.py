"""How often a selector has woken its loop."""

from tests.doubles.spy_selector import Ready, SpySelector


class Wakes:
    """How many events the selector has reported from now on."""

    def __init__(self, selector: SpySelector) -> None:
        self.count = 0
        selector.arrange = self._note

    def _note(self, ready: Ready) -> Ready:
        self.count += len(ready)
        return ready
