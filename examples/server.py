"""The relay's server: VLC streams into it, clients ask it for a copy.

python3 -m examples.server 127.0.0.1 5000
"""

import argparse
import sys
from contextlib import ExitStack

import reactor
from examples import console
from reactor.relay import DEFAULT_INGEST, RateLimitedReport, RelayServer


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = console.server_parser("server", "Relay a stream of datagrams to many clients.")
    add = parser.add_argument
    ingest = reactor.format_address(DEFAULT_INGEST)
    add("--ingest", metavar="HOST:PORT", type=console.address, default=DEFAULT_INGEST,
        help="where VLC streams to: an address or a name of this machine, [IPv6]:PORT, or a "
             f"multicast group, which is joined (default {ingest})")  # fmt: skip
    add("--coalesce", metavar="MS", type=console.number(0, 1000), default=2.0,
        help="let datagrams gather for so many milliseconds (default 2)")  # fmt: skip
    add("--max-clients", metavar="N", type=console.count(0), default=0,
        help="clients at once; 0 means no limit (default)")  # fmt: skip
    add("--max-clients-per-host", metavar="N", type=console.count(0), default=0,
        help="clients at once from one address; 0 means no limit (default)")  # fmt: skip
    add("--command-timeout", metavar="S", default=10.0,
        type=console.number(0, 86400, above=True),
        help="seconds to finish a command from its first byte on (default 10)")  # fmt: skip
    add("--no-gso", action="store_true", help="do without UDP segmentation offload")
    return parser.parse_args(arguments)


def serve(arguments: list[str] | None) -> int:
    options = parse(arguments)
    with ExitStack() as cleanup:
        cleanup.enter_context(console.recording(options.trace))
        monitor = None if options.trace is None else reactor.SlowCallbackMonitor(report=console.say)
        loop = cleanup.enter_context(reactor.EventLoop(instrument=monitor))
        report = RateLimitedReport(loop, console.say)
        try:
            server = make_server(loop, options, report)
        except ValueError as exc:
            return console.fail("server", exc)
        except OSError as exc:
            return console.fail("server", exc, option=option_of(exc, options))
        with console.on_interrupt(loop, server.close):
            control, ingest = map(reactor.format_address, (server.address, server.ingest_address))
            console.say(f"listening on {control}, ingest on {ingest}")
            loop.run()
        loop.close()  # so that the account is the last word, also after a second signal
        report.flush()
        console.say(f"ended: {account(server)}")
    return 0


def make_server(
    loop: reactor.EventLoop, options: argparse.Namespace, report: RateLimitedReport
) -> RelayServer:
    return RelayServer(
        loop,
        (options.host, options.port),
        ingest=options.ingest,
        coalesce=options.coalesce / 1000,
        command_timeout=options.command_timeout,
        max_clients=options.max_clients,
        max_clients_per_host=options.max_clients_per_host,
        segmentation=False if options.no_gso else None,
        report=report,
    )


def option_of(problem: OSError, options: argparse.Namespace) -> str:
    """Whose address the problem is with: few have typed that of the ingest."""
    port: int = options.ingest[1]
    return "--ingest" if port != options.port and f":{port}: " in str(problem) else "port"


def account(server: RelayServer) -> str:
    total = server.counters
    lost = "an unknown number" if total.lost is None else total.lost
    return (
        f"{total.received} datagrams received, {lost} lost before; "
        f"{total.sent} copies sent, {total.dropped} dropped"
    )


def main(arguments: list[str] | None = None) -> int:
    return console.run("server", serve, arguments)


if __name__ == "__main__":
    sys.exit(main())
