"""The live-video relay: one stream of datagrams in, a copy for every client that asked."""

from .client import RelayClient
from .rate_limited_report import RateLimitedReport
from .server import DEFAULT_INGEST, RelayServer

__all__ = ["DEFAULT_INGEST", "RateLimitedReport", "RelayClient", "RelayServer"]
