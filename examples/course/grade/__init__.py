"""The grader: it talks to a program over sockets, in any language, and says what it found.

Who starts it and who talks to it is in `program` and `client`, `screen`, `camera`; what is asked
in each chapter is in `chapters`; every sentence that a person reads is in `texts`.
"""
