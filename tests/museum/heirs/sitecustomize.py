"""Imported by a Python that a process with a bug has started."""

from tests.museum.inheritance import inherit

inherit()
