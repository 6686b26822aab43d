"""The relay's client: says the four commands, and hands the stream to a local VLC.

python3 -m examples.client 127.0.0.1 5000 5001
"""

import argparse
import os
import sys
import threading
from typing import Final

import reactor
from examples import console
from reactor.relay import RelayClient
from reactor.relay.events import ClientEvent, Connected, Disconnected, NoDatagrams, Replied
from reactor.relay.protocol import Error

_LEAVE_TIMEOUT: Final = 2.0
_LONGEST_WORD: Final = 200


class Conversation:
    """Between a person and the relay: words in, replies out."""

    def __init__(self, loop: reactor.EventLoop, options: argparse.Namespace) -> None:
        self._loop = loop
        self._watch: bool = options.watch
        self._interactive = not self._watch and sys.stdin.isatty() and sys.stdout.isatty()
        self._player_port: int = options.vlc_port
        self.exit_status = 1
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
        word = line.strip().upper()
        command = self._words.get(word)
        if command is not None:
            command()
        elif word:
            self._show(f"unknown word {line.strip()!r}: say one of {', '.join(self._words)}")
        else:
            self._prompt()

    def leave(self) -> None:
        """Say good-bye; do not wait for ever for the answer."""
        self._client.disconnect()
        self._loop.call_later(_LEAVE_TIMEOUT, self._client.close)

    def _report(self, event: ClientEvent) -> None:
        match event:
            case Connected():
                self._show(f"{event}; watch with: vlc udp://@127.0.0.1:{self._player_port}")
            case Replied(reply=Error()) if self._watch:
                self._end(str(event), 1)
            case Replied() | NoDatagrams():
                self._show(event)
            case Disconnected():
                self._end(str(event), 0)
            case _:
                self._end(str(event), 1)

    def _show(self, line: object) -> None:
        console.say(f"\r{line}" if self._interactive else line)
        self._prompt()

    def _prompt(self) -> None:
        if self._interactive:
            print("> ", end="", flush=True)

    def _end(self, line: str, exit_status: int) -> None:
        if self._interactive:
            print("\r", end="")
        self.exit_status = exit_status
        if exit_status:
            print(f"client: {line}", file=sys.stderr, flush=True)
        else:
            console.say(line)
        self._loop.stop()


def read_lines(loop: reactor.EventLoop, conversation: Conversation) -> None:
    """Standard input on a thread of its own: a file, or Windows' console, can't be selected.

    It reads the descriptor, since a thread that waits inside `sys.stdin` at the end of the
    program holds a lock that the interpreter needs.
    """
    buffer = reactor.ReceiveBuffer()
    try:
        while data := os.read(sys.stdin.fileno(), 4096):
            buffer.append(data)
            while (line := buffer.take_line(_LONGEST_WORD)) is not None:
                loop.call_soon_threadsafe(conversation.hear, line.decode(errors="replace"))
        if rest := buffer.take_all():
            loop.call_soon_threadsafe(conversation.hear, rest.decode(errors="replace"))
        loop.call_soon_threadsafe(conversation.leave)
    except reactor.LineTooLong:
        loop.call_soon_threadsafe(conversation.leave)
    except (OSError, RuntimeError):
        pass  # input, or the loop, was closed meanwhile


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = console.server_parser("client", "Receive a relayed stream and hand it to VLC.")
    parser.add_argument("vlc_port", metavar="VLC_PORT", type=console.port,
                        help="UDP port at which a VLC on this machine listens")  # fmt: skip
    parser.add_argument("--watch", action="store_true",
                        help="connect at once and stay until interrupted")  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        with reactor.EventLoop() as loop:
            conversation = Conversation(loop, options)
            console.on_interrupt(loop, conversation.leave)
            if not options.watch:
                reader = threading.Thread(target=read_lines, args=(loop, conversation), daemon=True)
                reader.start()
            loop.run()
            return conversation.exit_status
    except OSError as exc:
        return console.fail("client", exc)


if __name__ == "__main__":
    sys.exit(main())
