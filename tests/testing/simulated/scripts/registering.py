"""Selectors: what may be registered, and what becomes of what was closed."""

from tests.doubles.bench import Bench
from tests.testing.simulated.scripts.script import script


@script
def registering(bench: Bench) -> None:
    selector, sock = bench.system.selector, bench.udp("sock")
    for events in (0, 4, 7, -1):
        bench.note("events", events, bench.outcome(selector.register, sock, events))
    bench.note("first", bench.outcome(selector.register, sock, 1, "data"))
    bench.note("again", bench.outcome(selector.register, sock, 2))
    bench.note("by number", bench.outcome(selector.register, sock.fileno(), 2))
    bench.note("negative", bench.outcome(selector.register, -1, 1))
    bench.note("no number", bench.outcome(selector.register, "sock", 1))
    closed = bench.udp("closed")
    closed.close()
    bench.note("closed", bench.outcome(selector.register, closed, 1))
    bench.note("modify", bench.outcome(selector.modify, sock, 3, "other data"))
    bench.note("modify data", bench.outcome(selector.modify, sock, 3, "data"))
    bench.note("unregister", bench.outcome(selector.unregister, sock))
    for method in (selector.unregister, selector.get_key):
        bench.note("unknown", bench.outcome(method, sock))
        bench.note("unknown and closed", bench.outcome(method, closed))
    bench.note("unknown", bench.outcome(selector.modify, sock, 1))
    bench.note("unknown and closed", bench.outcome(selector.modify, closed, 1))
    selector.register(sock, 1)


@script
def the_map_of_a_selector(bench: Bench) -> None:
    selector = bench.system.selector
    socks = [bench.udp(name) for name in ("a", "b", "c")]
    for sock in socks:
        selector.register(sock, 1)
    held = selector.get_map()
    bench.note(len(held), set(held) == {sock.fileno() for sock in socks})
    for sock in socks:
        bench.note(bench.outcome(held.__getitem__, sock))
        bench.note(bench.outcome(held.__getitem__, sock.fileno()), sock in held)
    bench.note(bench.outcome(held.__getitem__, 999_999))
    selector.unregister(socks[0])
    bench.note(len(held), socks[0] in held, socks[0].fileno() in held)
    selector.close()
    bench.note("closed", selector.get_map() is None)
    bench.note("closed", bench.outcome(selector.get_key, socks[1]))


@script
def closed_while_registered(bench: Bench) -> None:
    selector = bench.system.selector
    sock, other = bench.udp("sock"), bench.udp("other")
    number = sock.fileno()
    selector.register(sock, 1, "data")
    sock.close()
    bench.note("still there", len(selector.get_map()), number in selector.get_map())
    bench.note("again", bench.outcome(selector.register, sock, 1))
    bench.note("key", bench.outcome(selector.get_key, sock))
    heir = bench.udp("heir")
    bench.note("heir has the number", heir.fileno() == number)
    bench.note("heir", bench.outcome(selector.register, heir, 1))
    bench.note("unregister", bench.outcome(selector.unregister, sock))
    bench.note("heir", bench.outcome(selector.register, heir, 1))
    bench.note("other", bench.outcome(selector.register, other, 1))


@script
def only_what_is_asked_for(bench: Bench) -> None:
    near, far = bench.connection()
    selector = bench.system.selector
    far.close()
    bench.until(lambda: bench.readiness(near) == "rw")
    for events in (1, 2, 3):
        key = selector.register(near, events, "data")
        bench.note(events, bench.system.ready() == {key.fd: events})
        selector.unregister(near)
    bench.note(bench.system.ready())


# Only epoll: poll and select look at whoever has the number now.
def a_number_that_has_passed_to_another(bench: Bench) -> None:
    selector = bench.system.selector
    near, _ = bench.pair()
    number = near.fileno()
    selector.register(near, 3, "data")
    near.close()
    heir, _ = bench.pair()
    bench.note("heir has the number", heir.fileno() == number)
    bench.note("ready", bench.system.ready())
    heir.close()
    selector.unregister(number)
    bench.note("not open", bench.outcome(selector.register, number, 1))
    bench.note("known", number in selector.get_map())
