"""The relay of chapter 11 with the words of all others, LISTA, DORMIR, VIVO: passes each chapter.

python3 whole.py PORT INGEST
"""

import sys
from importlib import import_module

import reactor

relay = import_module("examples.course.11.fixed_with_reactor")

LEASE = 1.0  # seconds


class Client(relay.Client):
    """Is fed no more, but not thrown out, when nothing was heard of it for the time of a lease.

    There are leases as soon as somebody has said VIVO: to who does not know it, silence is no end.
    """

    knows_leases = False

    def __init__(self, loop, way_out):
        super().__init__(way_out)
        self.loop = loop
        self.is_asleep = False
        self.is_fed = True
        self.lease = loop.call_later(LEASE, self.lapse)

    def connection_made(self, stream):
        super().connection_made(stream)
        stream.set_write_buffer_limits(65536, limit=1 << 30)  # lists are long

    def data_received(self, buffer):
        self.renew()
        try:
            while not self.is_asleep and self.state != "closed":
                if (line := buffer.take_line(limit=relay.LIMIT)) is None:
                    break
                answer = self.answer(line).encode()
                if not self.is_asleep and not self.stream.write(answer + b"\n"):
                    self.stream.pause_reading()
                    break
        except reactor.LineTooLong:
            self.state = "closed"
        if self.is_asleep:
            self.stream.pause_reading()
        if self.state == "closed":
            self.leave()

    def resume_writing(self):
        if not self.is_asleep:
            super().resume_writing()

    def answer(self, line):
        match line.split():
            case [b"VIVO"]:
                Client.knows_leases = True
                return "OK"
            case [b"LISTA", count] if count.isdigit():
                return "".join(f"cliente {n:06}\n" for n in range(int(count))) + "OK"
            case [b"DORMIR", ms] if ms.isdigit():
                self.is_asleep = True
                self.loop.call_later(int(ms) / 1000, self.wake)
                return ""
        return super().answer(line)

    def wake(self):
        self.is_asleep = False
        if not self.stream.closing:
            self.stream.write(b"OK\n")
            self.stream.resume_reading()

    def renew(self):
        self.lease.cancel()
        self.lease = self.loop.call_later(LEASE, self.lapse)
        self.is_fed = True

    def lapse(self):
        self.is_fed = not Client.knows_leases

    def connection_lost(self, exc):
        self.lease.cancel()
        super().connection_lost(exc)


class Video(relay.Video):
    """Copies what comes to those who are active and have a lease."""

    def datagrams_received(self, endpoint, batch):
        active = (client for client in relay.clients if client.state == "active")
        self.way_out.send_batch_to_all(batch, [each.address for each in active if each.is_fed])


def main():
    with reactor.EventLoop() as loop:
        way_out = reactor.bind_udp(loop, reactor.DatagramHandler(), relay.HOST, receiving=False)
        reactor.listen(loop, lambda: Client(loop, way_out), relay.HOST, int(sys.argv[1]))
        reactor.bind_udp(loop, Video(way_out), relay.HOST, int(sys.argv[2]))
        loop.run()


if __name__ == "__main__":
    main()
