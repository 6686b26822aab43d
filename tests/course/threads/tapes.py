"""Records of what a program with threads and one lock may do, played at random."""

from typing import Any, TypeAlias

from hypothesis import strategies as st

__all__ = ["LOCK", "Event", "tapes"]

Event: TypeAlias = dict[str, Any]

LOCK = 1
_THREADS = (1, 2, 3, 4)
_PAUSES = (1e-6, 1e-4, 0.03, 0.7, 40.0)
_LINES = ("OK\n", "LISTA 3\n", "cliente 000000\ncliente 000001\n", "</svg>", "\x07\xf1")


class _Play:
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._time = 0.0
        self._at = dict.fromkeys(_THREADS, "")
        self._owner = 0
        self.events: list[Event] = []

    def step(self) -> None:
        self._time += self._draw(st.sampled_from(_PAUSES))
        thread = self._draw(st.sampled_from(_THREADS))
        match self._at[thread]:
            case "":
                self._tell(thread, "starts", name=f"Thread-{thread} (serve)")
                self._at[thread] = "work"
            case "work":
                self._begin(thread)
            case "lock":
                self._has_if_free(thread)
            case call:
                self._return(thread, call)

    def _begin(self, thread: int) -> None:
        call = self._draw(st.sampled_from(["accept", "recv", "sendall", "lock", "lock"]))
        if call != "lock":
            said: Event = {"data": "OK\n", "n": 3} if call == "sendall" else {}
            self._tell(thread, "calls", what=call, socket=thread, **said)
            self._at[thread] = call
        elif self._owner == thread:
            self._tell(thread, "gives", lock=LOCK)
            self._owner = 0
        else:
            self._tell(thread, "wants", lock=LOCK)
            self._at[thread] = "lock"
            if not self._owner:
                self._has_if_free(thread)

    def _has_if_free(self, thread: int) -> None:
        if not self._owner:
            self._tell(thread, "has", lock=LOCK)
            self._owner, self._at[thread] = thread, "work"

    def _return(self, thread: int, call: str) -> None:
        line = self._draw(st.sampled_from(_LINES))
        said: dict[str, Event] = {
            "accept": {"socket": thread},
            "recv": {"data": line, "n": len(line)},
        }
        self._tell(thread, "returns", **said.get(call, {}))
        self._at[thread] = "work"

    def _tell(self, thread: int, event: str, **what: Any) -> None:
        self.events.append({"t": self._time, "thread": thread, "e": event, **what})


@st.composite
def tapes(draw: st.DrawFn) -> list[Event]:
    """Events in their order."""
    play = _Play(draw)
    for _ in range(draw(st.integers(1, 40))):
        play.step()
    return play.events
