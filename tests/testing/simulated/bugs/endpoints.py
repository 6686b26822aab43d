"""Bugs of endpoints."""

from reactor import DatagramBatch, DatagramEndpoint, DatagramHandler
from reactor.addresses import Address
from reactor.testing import Simulation
from tests.testing.simulated.bugs.bug import Patch, found
from tests.testing.simulated.bugs.programs import send_datagrams


@found(r"counts 0 datagrams sent and 0 received; the system counts 3 and 0")
def an_endpoint_that_does_not_count_what_it_sends(simulation: Simulation, patch: Patch) -> None:
    send_batch = DatagramEndpoint.send_batch

    def forget(endpoint: DatagramEndpoint, batch: DatagramBatch, address: Address) -> int:
        taken = send_batch(endpoint, batch, address)
        endpoint.counters.sent = 0
        return taken

    patch.setattr(DatagramEndpoint, "send_batch", forget)
    send_datagrams(simulation)


@found(r"counts 0 datagrams sent and 6 received; the system counts 0 and 3")
def an_endpoint_that_counts_twice_what_it_receives(simulation: Simulation, patch: Patch) -> None:
    def twice(handler: object, endpoint: DatagramEndpoint, batch: DatagramBatch) -> None:
        endpoint.counters.received += len(batch)

    patch.setattr(DatagramHandler, "datagrams_received", twice)
    send_datagrams(simulation)


@found(r"called its handler after connection_lost")
def an_endpoint_that_delivers_after_the_end(simulation: Simulation, patch: Patch) -> None:
    finish = DatagramEndpoint.finish

    def deliver_after(endpoint: DatagramEndpoint) -> None:
        handler = endpoint.handler
        finish(endpoint)
        assert handler is not None
        handler.datagrams_received(endpoint, DatagramBatch.of([b"late"]))

    patch.setattr(DatagramEndpoint, "finish", deliver_after)
    send_datagrams(simulation)


@found(r"delivered an empty batch")
def an_endpoint_that_delivers_nothing(simulation: Simulation, patch: Patch) -> None:
    close = DatagramEndpoint.close

    def deliver_nothing(endpoint: DatagramEndpoint) -> None:
        assert endpoint.handler is not None
        endpoint.handler.datagrams_received(endpoint, DatagramBatch.of([]))
        close(endpoint)

    patch.setattr(DatagramEndpoint, "close", deliver_nothing)
    send_datagrams(simulation)


@found(r"an endpoint called connection_lost 0 times")
def an_endpoint_that_never_tells_its_end(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "finish", lambda endpoint: simulation.loop.detach(endpoint))
    send_datagrams(simulation)


@found(r"an endpoint called connection_lost 2 times")
def an_endpoint_that_tells_its_end_twice(simulation: Simulation, patch: Patch) -> None:
    finish = DatagramEndpoint.finish

    def twice(endpoint: DatagramEndpoint) -> None:
        handler = endpoint.handler
        finish(endpoint)
        assert handler is not None
        handler.connection_lost(None)

    patch.setattr(DatagramEndpoint, "finish", twice)
    send_datagrams(simulation)
