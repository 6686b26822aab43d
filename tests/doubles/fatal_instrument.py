"""An instrument that raises."""

from reactor import Instrument


class FatalInstrument(Instrument):
    """Raises at one of all hooks, counted through."""

    def __init__(self, kind: type[BaseException], place: int) -> None:
        self._kind = kind
        self._left = place

    def _pass(self, *args: object) -> None:
        self._left -= 1
        if self._left == -1:
            raise self._kind

    select_started = select_ended = _pass  # type: ignore[assignment]
    timer_due = flushes_started = _pass  # type: ignore[assignment]
    callback_started = callback_ended = _pass  # type: ignore[assignment]

    @property
    def reached(self) -> bool:
        """Whether it has raised."""
        return self._left < 0
