"""A run as pictures: the page, the SVG, the sequence diagram."""
