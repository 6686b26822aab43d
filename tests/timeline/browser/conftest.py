"""A real browser: the system's Chromium, driven by playwright, as a reader with a page in a file.

Whatever a test is about, a page that complains on the console, or asks for anything but its
own file, has failed. REACTOR_SCREENSHOTS=DIR keeps a picture of each page for people.
"""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

_CHROMIUM: Final = shutil.which("chromium")
_MISSING: Final = [
    name
    for name, found in (
        ("chromium", _CHROMIUM),
        ("playwright", importlib.util.find_spec("playwright")),
    )
    if not found
]
# A container has no sandbox of its own to give, and a test no business with Chromium's makers.
_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_PATIENCE: Final = 20_000


@pytest.fixture(scope="package")
def chromium() -> "Iterator[Browser]":
    if _MISSING and "CI" not in os.environ:
        pytest.skip(f"not installed: {', '.join(_MISSING)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


class Reader:
    """Opens pages, each from a file and in a window of its own."""

    def __init__(self, browser: "Browser", folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.pages: list[Page] = []
        self.complaints: list[str] = []
        """What stood on the console as an error, or was raised."""
        self.requests: list[str] = []
        """Each address that was asked for."""

    def open(
        self, html: str, address: str = "", *, width: int = 1400, height: int = 900, **context: Any
    ) -> "Page":
        """A window of `width` and `height`, in CSS pixels, that shows the page at `#address`.

        `context` is what playwright's `new_context` takes: color_scheme, java_script_enabled,
        device_scale_factor.
        """
        path = self._folder / f"page-{len(self.pages)}.html"
        path.write_text(html, encoding="utf-8")
        url = path.as_uri() + (f"#{address}" if address else "")
        return self.visit(url, width=width, height=height, **context)

    def visit(self, url: str, *, width: int = 1400, height: int = 900, **context: Any) -> "Page":
        """The same, of a page that is there."""
        page = self._browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **context
        ).new_page()
        page.set_default_timeout(_PATIENCE)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(url)
        self.pages.append(page)
        return page

    def close(self, screenshots: str | None, test: str) -> None:
        for number, page in enumerate(self.pages):
            if screenshots is not None:
                name = f"{re.sub(r'[^a-z0-9]+', '-', test, flags=re.IGNORECASE)}-{number}.png"
                page.screenshot(path=Path(screenshots) / name, full_page=True)
            page.context.close()

    def _hear(self, said: "ConsoleMessage") -> None:
        if said.type == "error":
            self.complaints.append(said.text)


@pytest.fixture
def reader(chromium: "Browser", tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """Somebody with a browser; what a page complains of, or asks for, is a failure."""
    reader = Reader(chromium, tmp_path)
    yield reader
    reader.close(os.environ.get("REACTOR_SCREENSHOTS"), request.node.name)
    assert reader.complaints == []
    assert [url for url in reader.requests if not url.startswith(tmp_path.as_uri())] == []
