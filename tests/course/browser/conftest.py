"""Somebody who takes the course in a browser, from a folder that has nothing else in it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.course.site.__main__ import main
from tests.timeline.browser.conftest import Reader, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["Student", "chromium"]


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, with the course as it is now."""
    folder = tmp_path_factory.mktemp("site")
    assert main([str(folder)]) == 0
    return folder


class Student(Reader):
    """Opens pages of the site by their names."""

    def __init__(self, browser: "Browser", site: Path) -> None:
        super().__init__(browser, site)
        self.site = site

    def go(self, name: str, *, width: int = 1400, scheme: str = "light") -> "Page":
        """A window with a page: `es/05.html#por-qué`."""
        return self.visit(f"{self.site.as_uri()}/{name}", width=width, color_scheme=scheme)


@pytest.fixture
def student(chromium: "Browser", site: Path, request: pytest.FixtureRequest) -> Iterator[Student]:
    """What a page complains of, or asks of anybody else, is a failure."""
    student = Student(chromium, site)
    yield student
    student.close(os.environ.get("REACTOR_SCREENSHOTS"), request.node.name)
    assert student.complaints == []
    assert [url for url in student.requests if not url.startswith((site.as_uri(), "data:"))] == []
