"""Bugs in what a stream tells its handler: too early, too often, too late, never."""

from reactor import EventLoop, ReceiveBuffer, Stream, StreamHandler
from reactor.testing import Simulation, stream_pair
from reactor.testing.simulated.stream_audit import StreamAudit
from tests.testing.simulated.bugs.bug import Patch, found
from tests.testing.simulated.bugs.programs import say_hello


@found(r"connection_made was called 0 times, not 1")
def a_stream_that_delivers_before_connection_made(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(StreamAudit, "connection_made", lambda audit, stream: None)
    say_hello(simulation)


@found(r"connection_made was called 1 times, not 0")
def a_stream_that_is_made_twice(simulation: Simulation, patch: Patch) -> None:
    make = StreamAudit.connection_made

    def twice(audit: StreamAudit, stream: Stream) -> None:
        make(audit, stream)
        make(audit, stream)

    patch.setattr(StreamAudit, "connection_made", twice)
    say_hello(simulation)


@found(r"the end of input was told twice")
def a_stream_that_tells_the_end_of_input_twice(simulation: Simulation, patch: Patch) -> None:
    tell = StreamAudit.eof_received

    def twice(audit: StreamAudit) -> bool | None:
        tell(audit)
        return tell(audit)

    patch.setattr(StreamAudit, "eof_received", twice)
    say_hello(simulation)


@found(r"the handler was called after connection_lost")
def a_stream_that_tells_its_end_twice(simulation: Simulation, patch: Patch) -> None:
    tell = StreamAudit.connection_lost

    def twice(audit: StreamAudit, exc: Exception | None) -> None:
        tell(audit, exc)
        tell(audit, exc)

    patch.setattr(StreamAudit, "connection_lost", twice)
    say_hello(simulation)


@found(r"the handler was called after connection_lost")
def a_stream_that_delivers_after_the_end(simulation: Simulation, patch: Patch) -> None:
    tell = StreamAudit.connection_lost

    def end_too_early(audit: StreamAudit, exc: Exception | None) -> None:
        tell(audit, exc)
        audit.data_received(ReceiveBuffer())

    patch.setattr(StreamAudit, "connection_lost", end_too_early)
    say_hello(simulation)


@found(r"the handler was called after connection_lost")
def a_stream_that_resumes_writing_after_the_end(simulation: Simulation, patch: Patch) -> None:
    tell = StreamAudit.connection_lost

    def end_too_early(audit: StreamAudit, exc: Exception | None) -> None:
        tell(audit, exc)
        audit.resume_writing()

    patch.setattr(StreamAudit, "connection_lost", end_too_early)
    say_hello(simulation)


@found(r"connection_lost was called 0 times after connection_made")
def a_stream_that_never_tells_its_end(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "finish", lambda stream: simulation.loop.detach(stream))
    say_hello(simulation)


@found(r"connection_lost was called 2 times after connection_made")
def a_stream_whose_end_is_told_again_when_the_loop_closes(
    simulation: Simulation, patch: Patch
) -> None:
    told: list[StreamAudit] = []
    tell, close = StreamAudit.connection_lost, EventLoop.close

    def keep(audit: StreamAudit, exc: Exception | None) -> None:
        told.append(audit)
        tell(audit, exc)

    def tell_all_again(loop: EventLoop) -> None:
        close(loop)
        for audit in told:
            tell(audit, None)

    patch.setattr(StreamAudit, "connection_lost", keep)
    patch.setattr(EventLoop, "close", tell_all_again)
    say_hello(simulation)


@found(r"the handler of <Stream right .*> raised: ValueError\('careless'\)")
def a_handler_that_raises(simulation: Simulation, patch: Patch) -> None:
    class Careless(StreamHandler):
        def connection_made(self, stream: Stream) -> None:
            raise ValueError("careless")

    stream_pair(simulation.loop, Careless(), StreamHandler())
    simulation.run(1.0)
