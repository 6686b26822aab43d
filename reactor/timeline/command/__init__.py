"""`python3 -m reactor.timeline`: its options, and a program run unchanged."""
