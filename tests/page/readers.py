"""Somebody who reads the page in a real browser. What the browser complains of fails the test."""

import contextlib
from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from tests.page.web import HOME
from tests.support.processes import wait_until

_PATIENCE_MS = 20_000  # the machine may be busy with other tests
_LEFT = "net::ERR_ABORTED"  # a stream whose page was left, or a download
_FAULTS = {"moderate", "serious", "critical"}


class Reader:
    """One browser window at the gateway. `complaints`: what the console said; `elsewhere`: what was asked of others."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._see)
        page.on("requestfailed", self._miss)

    def go(self, path: str) -> None:
        """Opens a page of the gateway's and waits until it listens for changes, where it does."""
        self.page.goto(self.url + path)

    def sign_in(self, key: str, path: str = HOME) -> None:
        """Signs in on the way to a page."""
        self.go(path)
        self.page.get_by_label("Admin key").fill(key)
        self.page.get_by_role("button", name="Sign in").click()

    @property
    def title(self) -> Any:
        """The banner's headline, to be expected of."""
        return expect(self.page.locator("#now-title"))

    def row(self, job: Any) -> Any:
        """A job's row."""
        return self.page.locator(f"#row-{job['id']}")

    def width(self) -> int:
        """By how many pixels the page is wider than its window."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, found)

    def faults(self) -> list[str]:
        """What axe-core finds, but for what it takes for minor."""
        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {node['html']}" for one in found if one["impact"] in _FAULTS for node in one["nodes"]]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _miss(self, request: Request) -> None:
        if request.failure != _LEFT:
            self.complaints.append(f"{request.url}: {request.failure}")

    def _see(self, request: Request) -> None:
        if not request.url.startswith(self.url):
            self.elsewhere.append(request.url)


@contextlib.contextmanager
def reading(browser: Browser, url: str, address: str, complains: bool = False, **options: Any) -> Iterator[Reader]:
    """A reader with a fresh browser's memory; at the end nothing may have been complained of."""
    headers = {"x-forwarded-for": address}
    context = browser.new_context(extra_http_headers=headers, **options)
    expect.set_options(timeout=_PATIENCE_MS)
    try:
        reader = Reader(context.new_page(), url)
        yield reader
        if not complains:
            assert reader.complaints == [], reader.complaints
        assert reader.elsewhere == [], reader.elsewhere
    finally:
        context.close()


# The first event of a stream has its page look at once. While that is under way, what a test does next would meet it.
_LOOKED = """
document.body.dataset.listening === "yes"
  && performance.getEntriesByType("resource").some((entry) => entry.initiatorType === "fetch")
  && !document.querySelector(".htmx-request")
"""


def listening(reader: Reader) -> None:
    """Waits until the page's stream of events is open, and the page has looked as its first event has it do."""
    wait_until(lambda: bool(reader.page.evaluate(_LOOKED)), what="the stream")
