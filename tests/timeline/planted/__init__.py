"""Programs with one fault each, as somebody writes them who has not met it yet.

The first word of a name says what they stand on; a comment in the code says where the fault is.
Each prints the port at which it listens, answers who asks, and runs until Ctrl-C.
"""
