"""Debian's programs for the bench and the tests: unpacked into a folder of the project's own, said aloud, nothing
installed on the machine. `Missing` says why one cannot be had.
"""

import fcntl
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
_POSTGRES = ("postgresql",)


class Missing(Exception):
    """A tool cannot be had here; the message says why."""


def say(text: str) -> None:
    """A line for whoever watches."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a tool's own words


def debian_environ() -> dict[str, str]:
    """The environment in which programs unpacked from Debian find their libraries and fonts."""
    found = [*_DEBIAN.glob("usr/lib/*-linux-*"), *_DEBIAN.glob("lib/*-linux-*")]
    found += sorted({library.parent for library in _DEBIAN.glob("usr/lib/*-linux-*/*/lib*.so*")})  # pulseaudio's, say
    environ = dict(os.environ)
    if found:
        environ["LD_LIBRARY_PATH"] = ":".join(str(folder) for folder in found)
    if (_DEBIAN / "etc/fonts/fonts.conf").exists():
        environ["FONTCONFIG_SYSROOT"] = str(_DEBIAN)
    return environ


def program(name: str) -> str:
    """Where `nginx` or `wrk` is: installed on the machine, or unpacked from Debian's packages. Raises Missing."""
    _unpack_debian("done", _PACKAGES)
    for folder in ("usr/sbin", "usr/bin"):
        if (_DEBIAN / folder / name).exists():
            return str(_DEBIAN / folder / name)
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise Missing(f"there is no {name} here, and Debian's packages could not be had")
    return found


def postgres_binaries() -> Path:
    """The folder of `initdb` and `postgres`: the machine's, or unpacked from Debian's packages. Raises Missing."""
    found = _postgres_in(Path("/"))
    if found is None:
        _unpack_debian("done-postgres", _POSTGRES)
        found = _postgres_in(_DEBIAN)
    if found is None:
        raise Missing("there is no PostgreSQL here, and Debian's packages could not be had")
    return found


def prometheus(name: str) -> str:
    """Where `prometheus` or `promtool` is: the machine's, or unpacked from Debian's packages. Raises Missing."""
    return shutil.which(name) or str(unpacked(f"usr/bin/{name}", "prometheus"))


def unpacked(file: str, *packages: str) -> Path:
    """A file of Debian's packages, which is unpacked if it was not before. Raises Missing."""
    _unpack_debian(f"done-{packages[0]}", packages)
    if not (_DEBIAN / file).exists():
        raise Missing(f"there is no {packages[0]} here, and Debian's packages could not be had")
    return _DEBIAN / file


def _postgres_in(root: Path) -> Path | None:
    folders = [folder.parent for folder in root.glob("usr/lib/postgresql/*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def debian_roots() -> Iterator[Path]:
    """The folders in which Debian's files may lie: unpacked ones first."""
    yield from (_DEBIAN, Path("/"))


@cache
def _unpack_debian(done: str, packages: tuple[str, ...]) -> None:
    """Whatever of the packages, and of what they depend on, is not installed. Needs apt-get, not root. `done` is a file
    that says so."""
    if (_DEBIAN / done).exists() or shutil.which("apt-get") is None:
        return
    _DEBIAN.mkdir(parents=True, exist_ok=True)
    with (_DEBIAN / "lock").open("w") as lock:  # several test processes may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_DEBIAN / done).exists():
            _unpack(done, packages)


def _unpack(done: str, packages: tuple[str, ...]) -> None:
    archives = _DEBIAN / "archives"  # of its own: apt-get does not list what lies in the machine's
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={archives}"]
    apt += ["install", "--print-uris", "-qq", "--no-install-recommends", "--reinstall"]
    listed = subprocess.run([*apt, *packages], capture_output=True, text=True, check=False)
    files = [line.split() for line in listed.stdout.splitlines() if line.startswith("'")]
    say(f"unpacks {len(files)} of Debian's packages into {_DEBIAN.relative_to(ROOT)}, installs none of them")
    for uri, name, *_ in files:
        run(["curl", "-fsSL", "--retry", "2", "-o", str(_DEBIAN / name), uri.strip("'")])
        run(["dpkg-deb", "-x", str(_DEBIAN / name), str(_DEBIAN)])
    if listed.returncode:
        say(f"apt-get says {listed.stderr.strip()[-300:]}")
    else:
        (_DEBIAN / done).touch()


def run(command: list[str]) -> None:
    """Runs a command to its end. Raises Missing where it fails."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    if ran.returncode:
        raise Missing(f"`{' '.join(command[:4])} …` ended with {ran.returncode}: {ran.stderr.strip()[-300:]}")
