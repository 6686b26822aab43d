"""Programs that show how `reactor` is used; each is started with `python3 -m examples.NAME`."""
