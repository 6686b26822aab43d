"""What is written at the rows of a sequence diagram."""

from ..run.turns import Run, Stage, Turn, Wait
from ..words.printable import is_text, printable, shown
from ..words.words import Words
from .messages import Message, Sign

__all__ = ["Captions"]


class Captions:
    """The messages of one run in one language; safe to look at, not yet escaped."""

    def __init__(self, run: Run, words: Words) -> None:
        self._words = words
        turns = [turn for turn in run.turns if turn.stage is Stage.TURN]
        self._has_turns = bool(turns)
        self._began = turns[0].began if turns else 0.0
        name = next((word for word in run.program if word != "-m"), "")
        name = name.replace("\\", "/").rpartition("/")[2]
        self.program = printable(name) or words.sequence_program

    def turn(self, turn: Turn) -> list[str]:
        """Its number, and below it that of the last one if it stands for several.

        Nothing for a program without a loop.
        """
        words = self._words
        if not self._has_turns:
            return []
        if turn.stage is not Stage.TURN:
            return [words.before if turn.stage is Stage.BEFORE else words.after]
        last = [words.sequence_last.format(number=words.number(turn.last))]
        return [words.turn.format(number=words.number(turn.number)), *last * (turn.times > 1)]

    def time(self, seconds: float) -> str:
        """When it was, since the first turn began; before that it does not matter."""
        since = seconds - self._began
        return self._words.duration(since) if since > 0.0 else ""

    def wait(self, wait: Wait) -> list[str]:
        """How long somebody waited, in two short lines."""
        words = self._words
        before, _, after = (words.waited if wait.exact else words.waited_up_to).partition("{time}")
        return [before.strip(), words.duration(wait.seconds) + after]

    def lines(self, message: Message) -> list[str]:
        """What is written beside the program, in up to three lines."""
        words, turn = self._words, message.turn
        time = words.duration(message.seconds)
        match message.sign:
            case Sign.BUSY:
                return [words.sequence_busy.format(time=time), words.sequence_alone]
            case Sign.STUCK:
                return [words.sequence_stuck.format(call=printable(message.text)), time]
            case _:
                count = words.times.format(count=words.number(turn.times))
                rate = words.number(round(turn.times / max(message.seconds, 1e-9)))
                return [count, words.nothing_done, words.per_second.format(rate=rate)]

    def line(self, message: Message) -> str:
        """What is written at an arrow or in a note."""
        words = self._words
        match message.sign:
            case Sign.CAME | Sign.WENT:
                return self._data(message)
            case Sign.KEPT:
                return f"{words.cell_kept} {shown(message.data)}"
            case Sign.QUEUED:
                return words.sequence_queued.format(size=words.size(message.size))
            case Sign.LISTENS:
                return words.sequence_listens.format(address=printable(message.text))
            case Sign.ASLEEP:
                return words.sequence_asleep.format(time=words.duration(message.seconds))
            case Sign.TIMER:
                return self._timer(message)
            case Sign.RAISED | Sign.BROKE:
                return f"✗ {printable(message.text)}"
        return {
            Sign.CONNECTED: words.sequence_connects,
            Sign.CONNECTS: words.sequence_connects,
            Sign.ENDED: words.cell_end,
            Sign.ENDS: words.cell_shutdown,
            Sign.CLOSED: words.sequence_closes,
        }.get(message.sign, words.sequence_silent)

    def _data(self, message: Message) -> str:
        words = self._words
        is_whole = message.size == len(message.data)
        what = words.size(message.size)
        if is_whole and message.size and is_text(message.data):
            what = shown(message.data)
        if message.times > 1:
            what = f"{what} {words.times.format(count=words.number(message.times))}"
        if not message.text:
            return what
        return words.sequence_to.format(what=what, address=printable(message.text))

    def _timer(self, message: Message) -> str:
        words, name = self._words, printable(message.text).partition(" (")[0]
        if message.seconds < 0.001:
            return words.sequence_timer.format(name=name)
        late = words.duration(message.seconds)
        return words.sequence_timer_late.format(name=name, time=late)
