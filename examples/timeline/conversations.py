"""What the clients of each run say, and when."""

from .stage import Stage, pause

__all__ = ["asyncio_echo", "chat", "end_of_stream_spin", "fragments", "output_queue", "relay",
           "slow_callback"]  # fmt: skip


def chat(stage: Stage) -> None:
    ana, bea, carla = stage.connect(3)
    ana.hear("is here\n")
    ana.hear("is here\n")
    pause(20)
    ana.say("hola\n")
    bea.hear("hola\n")
    carla.hear("hola\n")
    pause(15)
    bea.say("buen día\n")
    stage.settle()
    carla.say("¿qué tal?\n")
    ana.hear("tal?\n")
    pause(15)
    ana.say("¿empez")
    stage.settle()
    pause(12)
    ana.say("amos?\n")
    bea.hear("amos?\n")
    pause(20)
    bea.leave()
    carla.hear("has left\n")
    pause(20)


def relay(stage: Stage) -> None:
    clients = stage.connect(3)
    viewers = [stage.viewer() for _ in clients]
    source, ingest = stage.viewer(), ("127.0.0.1", stage.ports[1])

    def stream(datagrams: int, *watched_by: int) -> None:
        for _ in range(datagrams):
            source.sendto(b"G" * 1316, ingest)
        for _ in range(datagrams):
            for viewer in watched_by:
                viewers[viewer].recv(2000)
        pause(12)

    for client, viewer in zip(clients, viewers, strict=True):
        client.say(f"CONECTAR {viewer.getsockname()[1]}\n")
        client.hear("OK\n")
        pause(6)
    stream(2, 0, 1, 2)
    clients[1].say("INTERRUMPIR\n")
    clients[1].hear("OK\n")
    pause(8)
    stream(3, 0, 2)
    clients[1].say("CONTINUAR\n")
    clients[1].hear("OK\n")
    pause(6)
    stream(1, 0, 1, 2)
    for client in clients:
        client.say("DESCONECTAR\n")
        client.hear("OK\n")
        client.leave()
        pause(4)


def fragments(stage: Stage) -> None:
    (client,) = stage.connect(1)
    pause(12)
    for piece in ("CON", "ECTAR 50", "01", "\nINTERRUMPIR\nDESC"):
        client.say(piece)
        stage.settle()
        pause(9)
    client.hear("OK\nOK\n")
    client.say("ONECTAR\n")
    client.hear("OK\n")
    client.leave()
    pause(9)


def slow_callback(stage: Stage) -> None:
    a, b, c = stage.connect(3)
    pause(30)
    b.say("INTERRUMPIR\n")
    b.hear("OK\n")
    pause(20)
    a.say("CONECTAR 5001\n")
    stage.settle()  # it has been read, and the data base is being asked
    pause(40)
    b.say("CONTINUAR\n")
    pause(20)
    c.say("INTERRUMPIR\n")
    for client in (a, b, c):
        client.hear("OK\n")
    pause(120)


def end_of_stream_spin(stage: Stage) -> None:
    a, b = stage.connect(2)
    pause(40)
    a.say("CONECTAR 5001\n")
    a.hear("OK\n")
    pause(60)
    a.leave()
    pause(150)
    b.say("CONECTAR 5002\n")
    b.hear("OK\n")
    pause(60)


def output_queue(stage: Stage) -> None:
    (a,) = stage.connect(1)
    (b,) = stage.connect(1, receive_buffer=65536)
    pause(10)
    b.say("LISTA\n")
    stage.settle()
    pause(40)
    a.say("INTERRUMPIR\n")
    a.hear("OK\n")
    while len(b.heard) < 360_000:
        b.read(100_000)
        pause(8)
    pause(10)
    b.say("CONTINUAR\n")
    b.hear("OK\n")
    b.leave()
    pause(10)


def asyncio_echo(stage: Stage) -> None:
    (a,) = stage.connect(1)
    pause(10)
    a.say("hola\nque")
    a.hear("hola\n")
    (b,) = stage.connect(1)
    pause(20)
    b.say("buen dia\n")
    b.hear("dia\n")
    a.say(" tal\n")
    a.hear("que tal\n")
    pause(20)
    for client in (a, b):
        client.leave()
        stage.settle()
        pause(10)
