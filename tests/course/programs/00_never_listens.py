"""Runs, and listens nowhere.

python3 00_never_listens.py PORT
"""

import time

while True:
    time.sleep(1)
