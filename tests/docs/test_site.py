"""The docs as a whole: built without a warning, their links lead somewhere, what is made of the program is current."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.docs import pages as written
from tests.docs.reference import pages as made
from tests.support.processes import Program

MKDOCS = written.ROOT / ".venv-docs" / "bin" / "mkdocs"
PAGES = written.pages()


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


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    if not MKDOCS.exists():
        pytest.skip("there is no .venv-docs here, and so no mkdocs (scripts/docs makes it)")
    done = subprocess.run(
        [MKDOCS, "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=written.ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said
    assert (tmp_path / "site" / "api" / "index.html").exists()
