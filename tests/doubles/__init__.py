"""What stands in for something in tests: sockets, selectors, peers, systems; one noun a file."""
