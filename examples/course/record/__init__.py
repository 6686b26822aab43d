"""The recorded runs of the course: what the grader said of a program, and the picture of that."""
