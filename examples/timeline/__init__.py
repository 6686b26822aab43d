"""The runs that the documents show: programs to look at, and clients that play with them."""
