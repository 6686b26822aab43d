"""Other people's bugs that are not to be here: what they were, tests, and a way to put each in.

`rows.toml` tells what went wrong elsewhere, and what is promised here. The tests of a row are
named after its number. A bug is a function in the file under `bugs/` that bears its room's name:

    @bug(29, "one ring is read away for each wake-up")
    def _(patch: Patch) -> None:
        @at_sockets(patch, "recv", by="reactor.wakeup")
        def _(recv: Function, sock: socket.socket, size: int) -> Any:
            return recv(sock, 1)

It takes the place of what a room offers or calls by name, not of a line or a private name, and
raises if that place is gone. Take the first that will do: `instead_of` (a function or method),
`at_sockets` (a method of every socket), `everywhere` (a function, in all rooms that import it),
`between` (all that a room calls by a name), `edit` (an operation). What stands there is yours,
or `nothing`, or `turning(OSError, into=Escaped)`; `made` and `under_way` know what goes on.
"""
