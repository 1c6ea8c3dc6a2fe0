"""An environment of its own for each official client, in `.clients/` at the project's root, made once from its pins.

Python: `uv venv` and the hashed requirements.txt; Node: `npm ci` from package-lock.json. They are made under a file
lock, so that test processes may ask at once, and anew when the pins change. Where the index cannot be reached, or there
is no npm, the test is skipped with the reason; any other failure is one. Nothing of a client goes in here.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_MADE = ROOT / ".clients"
_PINS = Path(__file__).parent
_SECONDS = 600
# What uv and npm say where they cannot reach the index, and not where a pin is gone from it or is another.
_UNREACHABLE = re.compile(
    r"error sending request|dns error|operation timed out|HTTP status server error|network was disabled"
    r"|ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT"
)


class Unreachable(Exception):
    """The package index does not answer."""


def python_environment(name: str) -> Path:
    """The Python of client `name`, whose pins are tests/clients/python/<name>/requirements.txt.

    They are renewed with `uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
    -o requirements.txt requirements.in`.
    """
    pins = _PINS / "python" / name / "requirements.txt"
    state = pins.read_bytes() + sys.version.encode()
    return environment(_MADE, f"python-{name}", state, lambda place: make_python(place, pins)) / "bin" / "python"


def node_environment(name: str) -> Path:
    """The folder that has client `name`'s node_modules, and its programs as they are now (a module is looked for from
    where its importer lies). The pins are tests/clients/node/<name>/package.json and package-lock.json."""
    pins = _PINS / "node" / name
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not on PATH.")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True).stdout
    state = (pins / "package.json").read_bytes() + (pins / "package-lock.json").read_bytes() + version
    place = environment(_MADE, f"node-{name}", state, lambda place: make_node(place, pins, npm))
    with _locked(_MADE, f"node-{name}"):
        for program in pins.glob("*.mjs"):
            fresh = place / f".{program.name}"
            shutil.copyfile(program, fresh)
            fresh.replace(place / program.name)  # another run may be starting it
    return place


def environment(folder: Path, name: str, state: bytes, make: Callable[[Path], None]) -> Path:
    """`folder`/`name`, made by `make` unless it was made before from the same `state`.

    Skips the test where `make` raises Unreachable.
    """
    place = folder / name
    stamp = place / ".made"
    wanted = hashlib.sha256(state).hexdigest()
    with _locked(folder, name):
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(place, ignore_errors=True)
            try:
                make(place)
            except Unreachable as error:
                pytest.skip(f"The environment of {name} cannot be made, its index does not answer: {error}")
            stamp.write_text(wanted)
    return place


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the file
        yield


def make_python(place: Path, pins: Path) -> None:
    """A Python environment at `place` with what the requirements file `pins` has. Raises Unreachable."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(place)])
    python = str(place / "bin" / "python")
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(pins)])


def make_node(place: Path, pins: Path, npm: str) -> None:
    """node_modules at `place`, of the package.json and package-lock.json in the folder `pins`. Raises Unreachable."""
    place.mkdir(parents=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(pins / file, place / file)
    _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(place)])


def _run(command: list[str]) -> None:
    """Raises Unreachable, or AssertionError with what was said."""
    done = subprocess.run(command, env=_environ(), capture_output=True, text=True, timeout=_SECONDS)
    if done.returncode and _UNREACHABLE.search(done.stderr):
        raise Unreachable(" ".join(done.stderr.split())[:400])
    assert done.returncode == 0, done.stderr


def _environ() -> dict[str, str]:
    """As scripts/setup has it: no other Python, caches that can be written, the system's certificates."""
    environ = {"UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy", **os.environ}
    if not os.access(os.environ.get("HOME") or "/nonexistent", os.W_OK):
        environ["UV_CACHE_DIR"] = str(ROOT / ".tools" / "cache")
        environ["npm_config_cache"] = str(ROOT / ".tools" / "npm")
    if not os.environ.get("SSL_CERT_FILE"):
        environ |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    return environ
