"""The scripts' set-up, run as a user runs it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.skipif(
    not (ROOT / ".venv").is_dir() or not (shutil.which("uv") or (ROOT / ".tools" / "bin" / "uv").exists()),
    reason="this environment was not set up by the project's own scripts",
)

_SAID = 'import sys; print("compiled again" if sys.dont_write_bytecode else "kept compiled")'


def set_up(then: str = "true", **more: str) -> str:
    """What `then` says in a shell that has sourced the set-up."""
    done = subprocess.run(
        ["bash", "-euc", f"source scripts/setup; {then}"],
        cwd=ROOT,
        env={**os.environ, **more},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.strip()


def test_a_second_run_leaves_the_environment_as_it_is() -> None:
    """What runs from .venv meanwhile must go on: nothing is removed and made anew."""
    before = (ROOT / ".venv").stat()
    set_up()
    after = (ROOT / ".venv").stat()
    assert (before.st_ino, before.st_ctime_ns) == (after.st_ino, after.st_ctime_ns)


def test_what_is_imported_is_kept_compiled() -> None:
    """Whatever the image that it runs in has chosen for itself."""
    assert set_up(f".venv/bin/python -c '{_SAID}'", PYTHONDONTWRITEBYTECODE="1") == "kept compiled"
