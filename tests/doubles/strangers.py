"""What other protocols' clients would send here, with a command of ours smuggled in.

Somebody who can't connect to the relay has a program connect that can, and chooses some of
what it says: a path, a name, a body. Never the first bytes, or it would be a client of ours.
"""

from typing import Final

__all__ = ["SMUGGLED", "STRANGERS", "WAITING_FOR_A_GREETING"]

SMUGGLED: Final = b"CONECTAR 5000\r\n"

_HEADERS: Final = b"Host: 10.0.0.5:5000\r\nContent-Length: 15\r\n\r\n"


def _http(line: bytes) -> bytes:
    return line + b"\r\n" + _HEADERS + SMUGGLED


def _short(body: bytes) -> bytes:
    """Behind its length in two bytes."""
    return len(body).to_bytes(2, "big") + body


_NAME: Final = b"u\n" + SMUGGLED
_STUN: Final = b"\x00\x06" + _short(_NAME + b"\0" * (-len(_NAME) % 4))

STRANGERS: Final[dict[str, bytes]] = {
    **{
        f"HTTP {line.decode()!r}": _http(line)
        for line in (
            *(b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"HEAD / HTTP/1.0", b"OPTIONS * HTTP/1.1"),
            *(b"post / http/1.1", b"Post / HTTP/1.1", b"PROPFIND / HTTP/1.1", b"X / HTTP/1.1"),
            *(b"QUERY / HTTP/1.1", b"CONNECT h:443 HTTP/1.1", b"M-SEARCH * HTTP/1.1"),
            *(b"", b"\r\nPOST / HTTP/1.1", b"\nPOST / HTTP/1.1", b" POST / HTTP/1.1"),
            *(b"GET /", b"GET x", b"CONECTAR5000 / HTTP/1.1", b"GET /\xc3\xb1 HTTP/1.1"),
        )
    },
    "HTTP with a long path": _http(b"POST /" + b"a" * 300 + b" HTTP/1.1"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x0f\x04\0\0\0\0\0" + SMUGGLED,
    "multipart form": b"POST /x HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
    b"--b\r\n\r\n" + SMUGGLED + b"--b--\r\n",
    "chunked body": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n" + SMUGGLED,
    "WebSocket": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x8f\0\0\0\0" + SMUGGLED,
    "RTSP": b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n" + SMUGGLED,
    "SIP": b"INVITE sip:a@b SIP/2.0\r\n\r\n" + SMUGGLED,
    "TLS hello": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x11" * 32 + b"\n" + SMUGGLED,
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n\0\0\x05\xdc\x07\x14" + SMUGGLED,
    "Redis": b"*2\r\n$4\r\nECHO\r\n$13\r\n" + SMUGGLED,
    "Redis inline": b"AUTH x\r\nPING\r\n" + SMUGGLED,
    "memcached": b"set k 0 0 13\r\n" + SMUGGLED,
    "memcached binary": b"\x80\x01\0\x01\x08\0\0\0" + b"\0" * 16 + b"\n" + SMUGGLED,
    "SOCKS4": b"\x04\x01\x13\x88\x0a\0\0\x05\n" + SMUGGLED + b"\0",
    "SOCKS5": b"\x05\x01\x00\n" + SMUGGLED,
    "PROXY v1": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + SMUGGLED,
    "PROXY v2": b"\r\n\r\n\0\r\nQUIT\n!\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x12\x34\x13\x88"
    + SMUGGLED,
    "TURN": b"\x00\x03" + _short(_STUN)[:2] + b"\x21\x12\xa4\x42" + b"t" * 12 + _STUN,
    "MQTT": b"\x10\x1d\0\x04MQTT\x04\x02\0\x3c" + _short(_NAME),
    "AMQP": b"AMQP\0\0\x09\x01\n" + SMUGGLED,
    "PostgreSQL": b"\0\0\0\x29\0\x03\0\0user\0" + _NAME + b"\0\0",
    "MySQL": b"\x20\0\0\x01\x85\xa6\x03\0" + b"\0" * 28 + _NAME + b"\0",
    "SQL Server": b"\x12\x01\0\x2f\0\0\x01\0" + _NAME,
    "MongoDB": b"\x3a\0\0\0\x01\0\0\0\0\0\0\0\xd4\x07\0\0" + _NAME + b"\0",
    "Cassandra": b"\x04\0\0\0\x07\0\0\0\x13" + _short(_NAME),
    "LDAP": b"\x30\x1b\x02\x01\x01\x60\x16\x02\x01\x03\x04\x11" + _NAME + b"\x80\0",
    "RDP": b"\x03\0\0\x2b\x26\xe0\0\0\0\0\0Cookie: mstshash=" + _NAME,
    "SMB": b"\0\0\0\x45\xffSMB\x72\0\0\0\0" + b"\0" * 20 + _NAME,
    "DNS over TCP": _short(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x11" + _NAME + b"\0\0\x10\0\x01"),
    "IRC": b"NICK a\r\nUSER a 0 * a\r\n" + SMUGGLED,
    "XMPP": b"<stream:stream to='h'>\n" + SMUGGLED,
    "Gopher": b"\r\n" + SMUGGLED,
    "Gopher search": b"/find\tq\r\n" + SMUGGLED,
    "Finger": b"/W x\r\n" + SMUGGLED,
    "Git": b"0032git-upload-pack /x\0host=h\0\n" + SMUGGLED,
    "BitTorrent": b"\x13BitTorrent protocol" + b"\0" * 8 + b"\n" + SMUGGLED,
    "X11": b"l\0\x0b\0\0\0\0\0\0\0\0\0\n" + SMUGGLED,
    "9P": b"\x15\0\0\0\x64\xff\xff\0\x20\0\0\n" + SMUGGLED,
    "RTMP": b"\x03" + b"\0" * 8 + b"\n" + SMUGGLED,
    "FastCGI": b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0\n" + SMUGGLED,
    "JSON lines": b'{"id": 1, "method": "x"}\n' + SMUGGLED,
    "Zabbix": b"ZBXD\x01\x0f\0\0\0\0\0\0\0\n" + SMUGGLED,
    "syslog": b"<13>Nov 27 11:00:00 h p: x\n" + SMUGGLED,
    "statsd": b"a:1|c\n" + SMUGGLED,
    "Graphite": b"a.b 1 1\n" + SMUGGLED,
}
"""By name: what such a client says without having heard anything."""

WAITING_FOR_A_GREETING: Final[dict[str, bytes]] = {
    "SMTP": b"EHLO evil.example\r\nMAIL FROM:<a@b>\r\n" + SMUGGLED,
    "FTP": b"USER anonymous\r\nPASS x\r\n" + SMUGGLED,
    "POP3": b"USER a\r\nPASS b\r\n" + SMUGGLED,
    "IMAP": b"a LOGIN a b\r\nb SELECT x\r\n" + SMUGGLED,
    "NNTP": b"MODE READER\r\nPOST\r\n" + SMUGGLED,
}
"""The same of clients that would rather wait for the server to speak first."""
