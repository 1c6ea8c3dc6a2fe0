"""The pages that people read, and what stands in them: fenced blocks, links, headings. Plain functions."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- ([\w ]+): ((?:(?!-->).)*) -->\n+\Z", re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
# Programs that a bare block's first word may name, so that it is one of commands.
_PROGRAMS = re.compile(
    r"(?:\w+=|\. |scripts/)\S|(?:curl|docker|export|git|helm|housestyle|kubectl|openssl|pip|printf|pytest|python3?|uv) "
)


class Block(Struct, frozen=True):
    """A fenced block. `mark`: what a comment before it says, as `not run: needs a cluster`, parted at the colon."""

    page: Path
    line: int
    kind: str
    text: str
    mark: tuple[str, str] | None

    @property
    def commands(self) -> bool:
        """Whether a shell is to run it."""
        first = next((line for line in self.text.splitlines() if line and not line.startswith("#")), "")
        return self.kind in ("sh", "bash", "console") or (not self.kind and bool(_PROGRAMS.match(first)))


def pages() -> list[Path]:
    """Every page, README's and CONTRIBUTING's among them."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        before = _COMMENT.search(text[: found.start()])
        mark = (before[1], " ".join(before[2].split())) if before else None
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1].strip(), found[2], mark)


def links(page: Path) -> Iterator[str]:
    """Where its links and pictures lead."""
    yield from (found[1] for found in _LINK.finditer(_without_code(page.read_text())))


def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub and mkdocs both make them; a second one of the same words has a number."""
    return {_slug(heading) for heading in _HEADING.findall(_FENCE.sub("", page.read_text()))}


def _slug(heading: str) -> str:
    words = re.sub(r"[^\w\s-]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).strip().lower()
    return re.sub(r"[\s]", "-", words)


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "``", _FENCE.sub("", text))
