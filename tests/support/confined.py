"""A process as a pod's security context has it, without a container: no root, no capabilities, a root that cannot be
written to, and the pod's volumes; in a mount namespace of its own. Takes root here, and is for Linux.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.debian import ROOT

USER = 10001
_UNPRIVILEGED = (
    *("setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups"),
    *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
)
_OF_ETC = "ssl passwd group hosts nsswitch.conf resolv.conf ld.so.cache ld.so.conf ld.so.conf.d"


def command(words: Sequence[str], environ: Mapping[str, str], mounts: Mapping[str, Path], root: Path) -> list[str]:
    """What runs `words` so. `mounts`: what lies at each path; `root` becomes the folder of the process's root.

    Everything of ours is at /app, this environment at /venv, the translator's at /venv-translator.
    """
    variables = {**environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": "/app"}
    given = [f"{name}={value}" for name, value in variables.items()]
    within = ["exec", "chroot", str(root), *_UNPRIVILEGED, "env", "-i", *given, *program(words, "/venv/bin/python")]
    return ["unshare", "--mount", "sh", "-euc", _made(root, mounts) + shlex.join(within)]


def program(words: Sequence[str], python: str) -> list[str]:
    """The words of a container with our programs by way of this Python."""
    ours = {"housestyle": [python, "-m", "gateway"], "python": [python]}
    return [*ours.get(words[0], [words[0]]), *words[1:]]


def _made(root: Path, mounts: Mapping[str, Path]) -> str:
    """A shell's words that make the root: this machine's programs, ours, and the pod's volumes."""
    root.mkdir(exist_ok=True)
    bound = {path: path for path in ("/usr", "/dev", "/proc", sys.base_prefix)} | {
        str(ROOT): "/app",
        sys.prefix: "/venv",
    }
    if Path(f"{sys.prefix}-translator").exists():
        bound[f"{sys.prefix}-translator"] = "/venv-translator"
    lines = ["mount --make-rprivate /", f"mount -t tmpfs tmpfs {root}", f"mkdir {root}/etc"]
    lines += [f"cp -P /{name} {root}/ 2>/dev/null || true" for name in ("bin", "sbin", "lib", "lib32", "lib64")]
    lines += [f"cp -a /etc/{name} {root}/etc/ 2>/dev/null || true" for name in _OF_ETC.split()]
    for source, target in bound.items():
        how = "--rbind" if source in ("/dev", "/proc") else "--bind"
        lines += [f"mkdir -p {root}{target}", f"mount {how} {shlex.quote(os.path.realpath(source))} {root}{target}"]
        if how == "--bind":
            lines += [f"mount -o remount,bind,ro {root}{target}"]
    for target, place in mounts.items():
        lines += [f"mkdir -p {root}{target}", f"mount --bind {shlex.quote(str(place))} {root}{target}"]
    return "\n".join([*lines, f"mount -o remount,ro {root}", ""])


@cache
def impossible() -> str:
    """Why no process can be confined here; "" where one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it takes root on Linux"
    words = ["unshare", "--mount", "sh", "-euc", "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && setpriv -d"]
    try:
        tried: Any = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return str(tried.stderr.strip()) if tried.returncode else ""
