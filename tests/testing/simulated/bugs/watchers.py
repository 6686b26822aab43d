"""Bugs of watchers and descriptors, and of who owns them."""

from reactor import (
    EVENT_READ,
    EVENT_WRITE,
    Connector,
    DatagramEndpoint,
    Listener,
    Stream,
    StreamHandler,
    Watcher,
    connect,
)
from reactor.testing import Simulation, stream_pair
from reactor.testing.simulated.tcp import TcpSocket
from tests.testing.simulated.bugs.bug import Patch, found
from tests.testing.simulated.bugs.programs import (
    SERVER,
    accept_one,
    call_off,
    say_hello,
    send_datagrams,
    write_much,
)


@found(r"2 tcp unnamed to unnamed wakes the loop, and nothing comes of it: it spins")
def a_watcher_that_does_not_read(simulation: Simulation, patch: Patch) -> None:
    near, far = simulation.network.socketpair()
    simulation.loop.register(near, EVENT_READ, lambda events: None)
    far.send(b"x")
    simulation.run(1.0)


@found(r"wakes the loop, and nothing comes of it: it spins")
def a_stream_that_waits_to_write_with_nothing_to_say(simulation: Simulation, patch: Patch) -> None:
    modify = Watcher.modify
    patch.setattr(Watcher, "modify", lambda watcher, events: modify(watcher, events | EVENT_WRITE))
    stream_pair(simulation.loop, StreamHandler(), StreamHandler())
    simulation.run(1.0)


@found(r"descriptor 100000\d is watched, but closed")
def a_watcher_left_on_a_closed_descriptor(simulation: Simulation, patch: Patch) -> None:
    near, far = simulation.network.socketpair()
    simulation.loop.register(near, EVENT_READ, lambda events: None)
    near.close()
    far.close()
    simulation.run(1.0)


@found(r"descriptor 100000\d is watched, but closed")
def a_watcher_left_on_a_number_that_is_anothers_now(simulation: Simulation, patch: Patch) -> None:
    near, far = simulation.network.socketpair()
    simulation.loop.register(near, EVENT_READ, lambda events: None)
    number = near.fileno()
    near.close()
    with far, simulation.network.socket() as another:
        assert another.fileno() == number
        simulation.run(1.0)


@found(r"is watched for 1, not 3")
def a_watcher_that_does_not_tell_the_selector(simulation: Simulation, patch: Patch) -> None:
    modify = Watcher.modify

    def forget(watcher: Watcher, events: int) -> None:
        if watcher.events and events:
            watcher.events = events
        else:
            modify(watcher, events)

    patch.setattr(Watcher, "modify", forget)
    write_much(simulation)


@found(r"is watched, but nobody owns it any more")
def a_listener_that_does_not_stop_watching(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Listener, "close", lambda listener: simulation.loop.detach(listener))
    accept_one(simulation)


@found(r"is watched, but nobody owns it any more")
def a_connector_that_does_not_let_go(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Connector, "cancel", lambda connector: simulation.loop.detach(connector))
    call_off(simulation)


@found(r"is watched, but nobody owns it any more")
def an_endpoint_that_does_not_stop_watching(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(DatagramEndpoint, "close", DatagramEndpoint.finish)
    send_datagrams(simulation)


@found(r"is watched, but nobody owns it any more")
def a_stream_that_does_not_stop_watching(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Stream, "close", lambda stream: simulation.loop.detach(stream))
    say_hello(simulation)


@found(r"2 tcp unnamed to unnamed was never closed")
def a_program_that_leaves_a_descriptor_open(simulation: Simulation, patch: Patch) -> None:
    simulation.network.socketpair()[1].close()


@found(r"tcp 127\.0\.0\.1:7000 was never closed")
def a_listener_that_does_not_close_its_socket(simulation: Simulation, patch: Patch) -> None:
    close = TcpSocket.close
    patch.setattr(TcpSocket, "close", lambda sock: None if sock.listening else close(sock))
    accept_one(simulation)


@found(r"nobody was told what became of an attempt to connect")
def a_connector_that_does_not_tell_that_it_gave_up(simulation: Simulation, patch: Patch) -> None:
    patch.setattr(Connector, "finish", lambda connector: simulation.loop.detach(connector))
    connect(simulation.loop, StreamHandler(), *SERVER)
    simulation.run(20.0)
