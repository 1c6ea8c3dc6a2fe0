"""A real Chromium for tests of the page, driven by Playwright. `Missing` says why there is none."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from tests.support.debian import Missing

_INSTALLED = Path("/usr/bin/chromium")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, else Playwright's own. Raises Missing."""
    executable = str(_INSTALLED) if _INSTALLED.exists() else None
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        except Error as error:
            raise Missing(f"no Chromium could be started: {error.message.splitlines()[0]}") from None
        try:
            yield browser
        finally:
            browser.close()
