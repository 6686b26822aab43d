"""A single-threaded reactor on `selectors`: loop, streams, listeners and datagrams.

>>> import reactor
>>> class Echo(reactor.StreamHandler):
...     def connection_made(self, stream):
...         self.stream = stream
...     def data_received(self, buffer):
...         self.stream.write(buffer.take_all())
>>> with reactor.EventLoop() as loop:
...     listener = reactor.listen(loop, Echo, "127.0.0.1", 0)
...     loop.run_once(0)
"""

from .addresses import Address, Network, format_address, format_host, parse_address, unmapped
from .batch import DatagramBatch
from .buffers import ReceiveBuffer, SendQueue
from .connector import Connector, connect
from .datagram_sender import DatagramCounters
from .datagrams import DatagramEndpoint, DatagramHandler, bind_udp, bind_udp_all
from .errors import BufferFull, LineTooLong, LoopClosed, ProtocolError, StreamClosed
from .instruments import Instrument, InstrumentGroup, SlowCallback, SlowCallbackMonitor
from .listener import Listener, listen
from .loop import EventLoop
from .stream import Stream, StreamHandler
from .timers import Timer
from .watcher import EVENT_READ, EVENT_WRITE, Watcher

__all__ = [
    "EVENT_READ",
    "EVENT_WRITE",
    "Address",
    "BufferFull",
    "Connector",
    "DatagramBatch",
    "DatagramCounters",
    "DatagramEndpoint",
    "DatagramHandler",
    "EventLoop",
    "Instrument",
    "InstrumentGroup",
    "LineTooLong",
    "Listener",
    "LoopClosed",
    "Network",
    "ProtocolError",
    "ReceiveBuffer",
    "SendQueue",
    "SlowCallback",
    "SlowCallbackMonitor",
    "Stream",
    "StreamClosed",
    "StreamHandler",
    "Timer",
    "Watcher",
    "bind_udp",
    "bind_udp_all",
    "connect",
    "format_address",
    "format_host",
    "listen",
    "parse_address",
    "unmapped",
]
