"""A real Chromium for tests and pictures: the machine's, or Debian's package unpacked. No page is known here."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support.debian import BENCH, debian_environ, unpacked

_MACHINES = Path("/usr/bin/chromium")


def chromium() -> str:
    """Where Chromium is. Raises Missing."""
    found = str(_MACHINES) if _MACHINES.exists() else shutil.which("chromium")
    # usr/bin has a script around it, and the other package the data that must lie beside it.
    return found or str(unpacked("usr/lib/chromium/chromium", "chromium", "chromium-common"))


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """A browser without a window. Raises Missing."""
    command = chromium()
    environ = debian_environ() if Path(command).is_relative_to(BENCH) else os.environ
    with sync_playwright() as playwright:
        # As root it does not start inside its own sandbox; what it opens here is ours.
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"], env={**environ})
        try:
            yield browser
        finally:
            browser.close()
