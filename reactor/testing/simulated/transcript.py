"""The story of a simulated run, a line for each thing that happened, to be read by people."""

__all__ = ["Transcript"]


class Transcript:
    r"""Lines with their time; all of them, for a run is bounded.

    >>> transcript = Transcript()
    >>> transcript.add(0.0125, "fd 1000004", "recv", 17)
    >>> print(transcript)
        0.012500  fd 1000004                    recv: 17
    """

    def __init__(self) -> None:
        # Made into text only when somebody wants to read it, which is rare.
        self._entries: list[tuple[float, str, str, object]] = []

    def add(self, now: float, who: str, what: str, outcome: object = None) -> None:
        """At `now` seconds, `who` did or suffered `what`; `outcome` never changes."""
        self._entries.append((now, who, what, outcome))

    def __len__(self) -> int:
        return len(self._entries)

    def __str__(self) -> str:
        return self.tail(len(self._entries))

    def tail(self, count: int) -> str:
        """The last `count` lines, after a word on how many were left out."""
        left_out = max(0, len(self._entries) - count)
        lines = [f"({left_out} lines before)"] if left_out else []
        for now, who, what, outcome in self._entries[left_out:]:
            told = what if outcome is None else f"{what}: {outcome}"
            lines.append(f"{now:>12.6f}  {who:<28}  {told}")
        return "\n".join(lines)
