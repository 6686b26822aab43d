"""The inside of a simulated system: what stands in for kernel, sockets and selector."""
