"""A subset of Markdown, read as GitHub reads it: a tree out of a text, or the line that is wrong.

What is not part of the subset is refused and never shown as something else.
"""
