"""Does not get to the line that listens.

python3 00_crashes_at_once.py PORT
"""

PORT = int("five thousand")
