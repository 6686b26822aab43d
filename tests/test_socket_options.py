"""What is asked of the system for a UDP socket is asked of the family that the socket has."""

import socket
import sys

import pytest

from reactor.socket_options import silence_error_queue
from tests.doubles.faulty_socket import has_ipv6, udp_socket

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
# linux/in.h: IP_RECVERR; linux/in6.h: IPV6_RECVERR.
ERROR_QUEUES = [
    ("127.0.0.1", socket.IPPROTO_IP, 11),
    pytest.param("::1", socket.IPPROTO_IPV6, 25, marks=needs_ipv6),
]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has such queues")
@pytest.mark.parametrize(("host", "level", "option"), ERROR_QUEUES)
def test_errors_are_queued_no_more_in_either_family(host: str, level: int, option: int) -> None:
    with udp_socket(host) as sock:
        sock.setsockopt(level, option, 1)
        silence_error_queue(sock)
        assert sock.getsockopt(level, option) == 0
