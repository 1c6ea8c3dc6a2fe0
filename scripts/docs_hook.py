"""mkdocs's hook: a link that leads out of docs/, to a source file, is a name on the site, where that file is not."""

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?!docs/)[\w./-]+\)")
_BENCHMARKS = "benchmarks/"


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """The page's text; below docs/benchmarks/, one step up is still inside."""
    if page.file.src_uri.startswith(_BENCHMARKS):
        return markdown
    return _OUTSIDE.sub(r"`\1`", markdown)
