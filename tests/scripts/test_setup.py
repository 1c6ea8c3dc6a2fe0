"""The scripts' set-up, run as a user runs it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_second_run_leaves_the_environment_as_it_is() -> None:
    """What runs from .venv meanwhile must go on: nothing is removed and made anew."""
    if not (ROOT / ".venv").is_dir() or not (shutil.which("uv") or (ROOT / ".tools" / "bin" / "uv").exists()):
        pytest.skip("this environment was not set up by the project's own scripts")
    before = (ROOT / ".venv").stat()
    subprocess.run(["bash", "-euc", "source scripts/setup"], cwd=ROOT, check=True, capture_output=True, timeout=120)
    after = (ROOT / ".venv").stat()
    assert (before.st_ino, before.st_ctime_ns) == (after.st_ino, after.st_ctime_ns)
