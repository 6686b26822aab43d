"""Programs without a fault, on other loops than ours, of which no finding may be told.

Each prints the port at which it listens, sends back what it receives, and runs until Ctrl-C.
"""
