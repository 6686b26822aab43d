"""The pages of the course: what stands in a program or in a recorded run is not typed again.

A directive says what belongs into a page (`directives`), and here it is found: code (`snippet`),
runs and their pictures, the way to the next page (`contents`). A translation carries the hash of
what it translates (`translation`).
"""
