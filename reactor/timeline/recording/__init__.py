"""What a process does with its sockets and selectors, written down from outside."""
