"""The fixtures of all tests: a loop on each selector, with nothing swept under the carpet."""

import gc
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings

from reactor import EventLoop, Stream, StreamHandler
from reactor.testing import ManualClock, RecordingHandler
from tests.doubles.door import Door
from tests.doubles.faulty_socket import FaultySocket, udp_socket
from tests.doubles.peer import Link, Peer, tcp_pair
from tests.doubles.spy_selector import SpySelector
from tests.size import thoroughly

Reported = list[tuple[str, Exception]]
Pair = tuple[socket.socket, socket.socket]
MakePair = Callable[[], Pair]
Connect = Callable[[StreamHandler], Link]
Call = Callable[..., list[Peer]]

_PATIENCE = 30
_SELECTORS = [
    name for name in ("EpollSelector", "PollSelector", "SelectSelector") if hasattr(selectors, name)
]

# In the quick run each property meets the same few examples every time.
settings.register_profile("quick", max_examples=20, derandomize=True, database=None, deadline=None)
settings.register_profile("all", max_examples=200, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also what is thorough, and in full size")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("all" if config.getoption("all") else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Divide a run of the whole suite among the processors; a part of it can be debugged."""
    is_whole = config.args_source is config.ArgsSource.TESTPATHS
    is_part_of_another = "PYTEST_XDIST_WORKER" in os.environ
    if is_whole and not is_part_of_another and config.option.numprocesses is None:
        config.option.numprocesses = "auto"
        config.option.dist = "worksteal"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is thorough, unless it was asked for."""
    if config.getoption("all"):
        return
    config.hook.pytest_deselected(items=[item for item in items if _is_thorough(item)])
    items[:] = [item for item in items if not _is_thorough(item)]


def pytest_collection_finish() -> None:
    """What has been loaded and collected stays, and need not be looked at for garbage."""
    gc.freeze()


def _is_thorough(item: pytest.Item) -> bool:
    return item.get_closest_marker("thorough") is not None


@pytest.fixture
def watchdog() -> Iterator[None]:
    """Ends a test that hangs, where the system can."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def bark(signum: int, frame: FrameType | None) -> None:
        pytest.fail(f"still running after {_PATIENCE} s")

    previous = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(params=[_SELECTORS[0], *map(thoroughly, _SELECTORS[1:])])
def selector(request: pytest.FixtureRequest) -> Iterator[SpySelector]:
    """Each selector of the platform in turn, spied on; in a quick run the first."""
    spied = SpySelector(getattr(selectors, request.param)())
    yield spied
    spied.close()


@pytest.fixture
def clock() -> ManualClock:
    """Time in the test's hands; a loop asked for along with it runs on it."""
    return ManualClock()


@pytest.fixture
def network() -> Door:
    """The door through which the loop's sockets come."""
    return Door()


@pytest.fixture
def reported() -> Reported:
    """What went to the loop's exception handler. A test empties it of what it expects."""
    return []


@pytest.fixture
def loop(
    request: pytest.FixtureRequest,
    watchdog: None,
    selector: SpySelector,
    network: Door,
    reported: Reported,
) -> Iterator[EventLoop]:
    """A loop on each selector. What it reports, and the test does not expect, is a failure."""
    owns_time = "clock" in request.fixturenames
    time_source = request.getfixturevalue("clock") if owns_time else time.monotonic
    with EventLoop(selector=selector, clock=time_source, network=network) as loop:
        loop.set_exception_handler(lambda message, exc: reported.append((message, exc)))
        yield loop
    assert not reported


@pytest.fixture
def make_pair() -> Iterator[MakePair]:
    """Makes connected socket pairs, and closes them in the end."""
    with ExitStack() as stack:

        def make() -> Pair:
            first, second = socket.socketpair()
            first.setblocking(False)
            return stack.enter_context(first), stack.enter_context(second)

        yield make


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    """Two connected sockets; the first does not block."""
    return make_pair()


@pytest.fixture
def connected(loop: EventLoop) -> Iterator[Connect]:
    """Makes a stream over TCP for a handler, up to and including its `connection_made`."""
    with ExitStack() as stack:

        def make(handler: StreamHandler) -> Link:
            near, far = tcp_pair()
            peer = Peer(stack.enter_context(far))
            sock = FaultySocket.adopt(near)
            stream = Stream(loop, sock, handler)
            loop.run_once(0)
            return Link(stream, sock, peer)

        yield make


@pytest.fixture
def handler() -> RecordingHandler:
    """Of the connection that a test is about."""
    return RecordingHandler()


@pytest.fixture
def link(connected: Connect, handler: RecordingHandler) -> Link:
    """A connection of `handler`."""
    return connected(handler)


@pytest.fixture
def beyond_select() -> Iterator[Callable[[int], int]]:
    """Duplicates a descriptor to a number that select(2) does not take. The test closes it."""
    fcntl, resource = pytest.importorskip("fcntl"), pytest.importorskip("resource")
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < 2048:
        pytest.skip("so many descriptors are not allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, 2048), most))
    yield lambda number: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 1024)
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, most))


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What lives in a cycle lives for ever."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def udp() -> Iterator[Callable[..., FaultySocket]]:
    """Makes plain UDP sockets, and closes them in the end."""
    with ExitStack() as stack:
        yield lambda host="127.0.0.1": stack.enter_context(udp_socket(host))


@pytest.fixture
def handlers() -> list[RecordingHandler]:
    """The handlers that `factory` has made."""
    return []


@pytest.fixture
def factory(handlers: list[RecordingHandler]) -> Callable[[], RecordingHandler]:
    def make() -> RecordingHandler:
        handlers.append(RecordingHandler())
        return handlers[-1]

    return make


@pytest.fixture
def call() -> Iterator[Call]:
    """Connects to a listener: the handshake is the system's, nothing is accepted yet."""
    with ExitStack() as stack:

        def make(address: Any, count: int = 1) -> list[Peer]:
            made = [socket.create_connection(address[:2], 5) for _ in range(count)]
            return [Peer(stack.enter_context(sock)) for sock in made]

        yield make


@pytest.fixture
def doors(network: Door) -> list[FaultySocket]:
    """The sockets that are made, while each name has an IPv6 and an IPv4 address."""
    made: list[FaultySocket] = []

    def make(*args: Any) -> FaultySocket:
        made.append(FaultySocket(*args))
        return made[-1]

    network.socket = make
    network.getaddrinfo = lambda host, port, *, type: [
        (socket.AF_INET6, type, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, type, 6, "", ("127.0.0.1", port)),
    ]
    return made


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def port(server: socket.socket) -> int:
    """Where somebody listens."""
    return int(server.getsockname()[1])


@pytest.fixture
def dead_port() -> Iterator[int]:
    """Where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Where a connection is neither accepted nor refused: the backlog is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.fixture
def sockets(network: Door) -> list[FaultySocket]:
    """The sockets that connectors make, in order."""
    made: list[FaultySocket] = []

    def make(*args: Any) -> FaultySocket:
        made.append(FaultySocket(*args))
        return made[-1]

    network.socket = make
    return made
