"""A run in words: as a story, as the cells of a picture, for a terminal."""
