"""Imported by a Python that a mutant has started."""

from tests.mutants.mutant import inherit

inherit()
