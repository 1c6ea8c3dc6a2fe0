"""Writes the pages that are made of the program itself: `python -m tests.docs.reference`; `--check` only compares.

The API's document is asked of a gateway, as anybody would.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2

from tests.docs import api_page, settings_page
from tests.support.admin import NO_TLS
from tests.support.processes import gateway_environ, running

DOCS = Path(__file__).parents[2] / "docs"


def pages(url: str) -> dict[Path, str]:
    """Each page as it must stand, by the document of the gateway at `url`."""
    document: dict[str, Any] = httpx2.get(f"{url}/admin/api/openapi.json", verify=NO_TLS).raise_for_status().json()
    return {DOCS / "configuration.md": settings_page.page(), DOCS / "api.md": api_page.page(document)}


def _main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with running(["serve", "--port", "0"], gateway_environ(data / "data"), data / "log") as gateway:
            made = pages(gateway.url)
    old = [page for page, text in made.items() if not page.exists() or page.read_text() != text]
    for page in old:
        if "--check" in arguments:
            sys.stderr.write(f"docs/{page.name} is not what it is made of; run scripts/reference\n")
        else:
            page.write_text(made[page])
    return 1 if old and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
