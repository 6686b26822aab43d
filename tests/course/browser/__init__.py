"""The site of the course in a real browser."""
