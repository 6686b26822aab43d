"""The relay's client: says the four commands, and hands the stream to a local VLC.

python3 -m examples.client 127.0.0.1 5000 5001
"""

import argparse
import os
import reprlib
import sys
import threading
from collections.abc import Iterator
from typing import Final

import reactor
from examples import console
from reactor.relay import RelayClient
from reactor.relay.events import ClientEvent, Connected, Disconnected, NoDatagrams, Replied
from reactor.relay.protocol import Error

_LEAVE_TIMEOUT: Final = 2.0
_LONGEST_LINE: Final = 200
_UNANSWERED: Final = "left before the good-bye was answered"
# ECMA-48, EL: erase the line, whatever somebody has begun to type there.
_CLEAR: Final = "\r\x1b[K"


class Conversation:
    """Between a person and the relay: words in, replies out."""

    def __init__(self, loop: reactor.EventLoop, options: argparse.Namespace) -> None:
        self._loop = loop
        self._watch: bool = options.watch
        self._interactive = not self._watch and os.isatty(0) and os.isatty(1)
        self._server = reactor.format_address((options.host, options.port))
        self._player_port: int = options.vlc_port
        self._connected = False
        self.ready = threading.Semaphore()
        """Acquired for each line that is to be heard, so that never more than one waits."""
        self._failure: str | None = _UNANSWERED
        self._client = RelayClient(
            loop,
            (options.host, options.port),
            ("127.0.0.1", options.vlc_port),
            report=self._report,
        )
        self._words = {
            "CONECTAR": self._client.connect,
            "INTERRUMPIR": self._client.pause,
            "CONTINUAR": self._client.resume,
            "DESCONECTAR": self._client.disconnect,
        }
        if self._watch:
            self._client.connect()

    def hear(self, line: str) -> None:
        """A line from the person."""
        word = line.strip()
        command = self._words.get(word.upper())
        if command is not None:
            command()  # and ready again when it is answered
            return
        if word:
            self._show(f"unknown word {reprlib.repr(word)}: say one of {', '.join(self._words)}")
        else:
            self._prompt()
        self.ready.release()

    def leave(self) -> None:
        """Say good-bye; do not wait for ever for the answer."""
        self._client.disconnect()
        self._loop.call_later(_LEAVE_TIMEOUT, self._end, _UNANSWERED)

    def account(self) -> str:
        """What came, and what became of it."""
        received, forwarded = self._client.received, self._client.forwarded
        return (
            f"{received.received} datagrams received, {forwarded.sent} sent to VLC at UDP port "
            f"{self._player_port}, {forwarded.dropped.total()} could not be sent"
        )

    def finish(self) -> int:
        """Say how it ended; return the exit status."""
        if self._connected:
            self._say(f"ended: {self.account()}")
        elif self._interactive:
            console.write(_CLEAR)
        if self._failure is None:
            return 0
        return console.fail("client", self._failure, 1)

    def _report(self, event: ClientEvent) -> None:
        if not self._loop.running:
            return  # we have left; now the loop closes
        match event:
            case Connected():
                self._connected = True
                self._show(f"{event}; watch with: vlc udp://@127.0.0.1:{self._player_port}")
            case Replied(reply=Error()) if self._watch:
                self._end(str(event))
            case Replied():
                self._show(event)
                self.ready.release()
            case NoDatagrams():
                self._show(event)
            case Disconnected():
                self._say(event)
                self._end(None)
            case _ if self._connected:
                self._end(str(event))
            case _:
                self._end(
                    f"{event} (does examples.server run at {self._server}, "
                    "and is there a firewall between?)"
                )

    def _show(self, line: object) -> None:
        self._say(line)
        self._prompt()

    def _say(self, line: object) -> None:
        console.say(f"{_CLEAR}{line}" if self._interactive else line)

    def _prompt(self) -> None:
        if self._interactive:
            console.write("> ")

    def _end(self, failure: str | None) -> None:
        self._failure = failure
        self._loop.stop()


def read_input(loop: reactor.EventLoop, conversation: Conversation) -> None:
    """Standard input on a thread of its own: a file, or Windows' console, can't be selected.

    It reads the descriptor, since a thread that waits inside `sys.stdin` at the end of the
    program holds a lock that the interpreter needs.
    """
    encoding = console.encoding_of(sys.stdin)
    try:
        for line in lines_of(0):
            conversation.ready.acquire()
            loop.call_soon_threadsafe(conversation.hear, line.decode(encoding, "replace"))
        conversation.ready.acquire()
        loop.call_soon_threadsafe(conversation.leave)
    except RuntimeError:
        pass  # the loop was closed meanwhile


def lines_of(descriptor: int) -> Iterator[bytes]:
    """Each line, and what stands after the last; of one that is too long, the beginning."""
    rest = b""
    try:
        while data := os.read(descriptor, 4096):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[:_LONGEST_LINE]
            yield from lines
    except OSError:
        pass  # the terminal is gone
    if rest:
        yield rest


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = console.client_parser("client", "Receive a relayed stream and hand it to VLC.")
    parser.add_argument("vlc_port", metavar="VLC_PORT", type=console.port(1),
                        help="UDP port at which a VLC on this machine listens")  # fmt: skip
    parser.add_argument("--watch", action="store_true",
                        help="connect at once and stay until interrupted")  # fmt: skip
    return parser.parse_args(arguments)


def converse(arguments: list[str] | None) -> int:
    options = parse(arguments)
    with console.recording(options.trace), reactor.EventLoop() as loop:
        try:
            conversation = Conversation(loop, options)
        except ValueError as exc:
            return console.fail("client", exc)
        with console.on_interrupt(loop, conversation.leave):
            if not options.watch:
                reader = threading.Thread(target=read_input, args=(loop, conversation), daemon=True)
                reader.start()
            loop.run()
        return conversation.finish()


def main(arguments: list[str] | None = None) -> int:
    return console.run("client", converse, arguments)


if __name__ == "__main__":
    sys.exit(main())
