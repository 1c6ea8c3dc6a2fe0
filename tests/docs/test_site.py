"""The docs as a whole: built without a warning, their links lead somewhere, what is made of the program is current."""

import contextlib
import os
import re
import subprocess
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.docs import pages as written
from tests.docs.reference import pages as made
from tests.support.browser import browsing
from tests.support.debian import Missing
from tests.support.processes import Program

MKDOCS = written.ROOT / ".venv-docs" / "bin" / "mkdocs"
PAGES = written.pages()
_URLS = re.compile(r"url\(['\"]?([^'\")]+)")


def name(page: Path) -> str:
    return str(page.relative_to(written.ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in written.links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no {path}"
        assert not anchor or anchor in written.anchors(target), f"{link}: no such heading"


def test_every_page_is_in_the_navigation() -> None:
    """So that mkdocs's own look at it is not the only one."""
    told = (written.ROOT / "mkdocs.yml").read_text()
    for page in written.DOCS.rglob("*.md"):
        assert str(page.relative_to(written.DOCS)) in told, page


def test_pages_made_of_the_program_are_current(gateway: Program) -> None:
    for page, text in made(gateway.url).items():
        assert page.read_text() == text, f"docs/{page.name} is old: run scripts/reference"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built without a warning."""
    if not MKDOCS.exists():
        pytest.skip("there is no .venv-docs here, and so no mkdocs (scripts/docs makes it)")
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [MKDOCS, "build", "--strict", "--site-dir", folder],
        cwd=written.ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said
    return folder


def test_the_site_has_the_pages(site: Path) -> None:
    assert (site / "api" / "index.html").exists()


class Loaded(HTMLParser):
    """What a browser fetches for a page without being asked: links that a person may follow are not among it."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        values = {name: value or "" for name, value in attrs}
        if tag == "link" and values.get("rel") != "canonical":
            self.urls.append(values.get("href", ""))
        self.urls += [values[name] for name in ("src", "srcset", "data", "poster") if name in values]
        self.urls += _URLS.findall(values.get("style", ""))


def test_no_page_names_anything_elsewhere_to_load(site: Path) -> None:
    """Scripts, styles, fonts, pictures: nobody else is told who reads what."""
    found: list[str] = []
    for page in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text())
        assert any(url.endswith(".css") for url in loaded.urls), page
        found += loaded.urls
        assert 'class="mermaid"' not in page.read_text(), "Material would load Mermaid from unpkg.com: draw an SVG"
    for style in site.rglob("*.css"):
        found += _URLS.findall(style.read_text())
    assert [url for url in found if url.startswith(("http:", "https:", "//"))] == []


def test_a_browser_asks_nobody_else(site: Path) -> None:
    """What the scripts load by themselves shows nowhere else."""
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(browsing())
        except Missing as error:
            pytest.skip(f"no browser here: {error}")
        handler = partial(_Quiet, directory=str(site))
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        here = f"http://127.0.0.1:{server.server_port}/"
        asked: list[str] = []
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for found in sorted(site.rglob("index.html")):
            page.goto(here + str(found.parent.relative_to(site)).removeprefix("."), wait_until="networkidle")
    assert len(asked) > 100
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and logs nothing."""

    def log_message(self, *_: object) -> None:
        """See SimpleHTTPRequestHandler."""
