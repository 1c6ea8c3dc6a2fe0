"""The commands of a page of the docs, to be run as they stand there."""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^([ ]*)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Page:
    """A page under docs/. Each of its blocks begins with a comment that names it."""

    def __init__(self, name: str) -> None:
        text = (ROOT / "docs" / name).read_text()
        blocks = [textwrap.dedent(found[2]) for found in _BLOCK.finditer(text)]
        self.blocks = {block.partition("\n")[0].removeprefix("# "): block for block in blocks}
        assert len(self.blocks) == len(blocks), "two blocks of one name"

    def run(self, *names: str, environ: Mapping[str, str]) -> str:
        """Runs blocks one after the other in one shell, with these variables beside the machine's; what they said."""
        script = "\n".join(self.blocks[name] for name in names)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            env={**clean, "PATH": path, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{names} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout
