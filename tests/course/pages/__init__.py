"""The tools that fill the pages of the course."""
