"""The course: a program that fails and one that holds for each chapter, and the grader of both."""
