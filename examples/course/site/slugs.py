"""Names of headings for links, as GitHub makes them."""

import re

__all__ = ["Slugs"]


class Slugs:
    """Those of one page.

    >>> slugs = Slugs()
    >>> slugs.of("5. select, and still 100 %?"), slugs.of("Why"), slugs.of("Why")
    ('5-select-and-still-100-', 'why', 'why-1')
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, heading: str) -> str:
        """That of the next heading: a second one of the same words has a number."""
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        while slug in self._seen:
            self._seen[slug] += 1
            slug = f"{slug}-{self._seen[slug]}"
        self._seen[slug] = 0
        return slug
