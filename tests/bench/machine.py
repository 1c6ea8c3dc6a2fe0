"""What a run was made on: the machine, and the version of everything that took part. No paths, no names of hosts."""

import datetime
import os
import platform
import re
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from gateway.store.embedded import find_server
from tests.bench import tools
from tests.bench.kernel import Cores
from tests.bench.running import BOTH
from tests.bench.samples import Machine

_NUMBER = re.compile(r"\d+\.\d+[\w.+-]*")
_LOOKED_SECONDS = 2.0


def described(command: str) -> Machine:
    """The machine as it is now. Takes a few seconds: it is looked at how busy it is."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    kilobytes = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return Machine(
        date=f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        cpu=cpu[1].strip() if cpu else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gb=round(int(kilobytes[1]) / 2**20) if kilobytes else 0,
        kernel=platform.release().partition("-")[0],
        idle=_idle(),
        command=command,
        versions={name: told for name, told in _versions().items() if told},
    )


def _idle() -> float:
    cores = Cores(BOTH)
    time.sleep(_LOOKED_SECONDS)
    busy, every = cores.busy()
    return 1 - busy / every


def _versions() -> dict[str, str]:
    environ = tools.debian_environ()
    found = {
        "Housestyle": f"{version('housestyle')} ({_commit()})",
        "CPython": platform.python_version(),
        "uvicorn": version("uvicorn"),
        "uvloop": version("uvloop"),
        "OpenTelemetry SDK": version("opentelemetry-sdk"),
        "Redis": _told([find_server(os.environ), "--version"], environ),
        "Envoy": tools.ENVOY.partition("==")[2],
        "LiteLLM": tools.LITELLM.partition("==")[2],
        "Portkey": tools.PORTKEY.rpartition("@")[2],
        "Node": _told(["node", "--version"], environ),
    }
    for name, option in (("nginx", "-v"), ("wrk", "-v")):
        try:
            found[name] = _told([tools.program(name), option], environ)
        except tools.Missing:
            found[name] = ""
    return found


def _told(command: list[str], environ: dict[str, str]) -> str:
    number = _NUMBER.search(tools.said(command, environ))
    return number[0] if number else ""


def _commit() -> str:
    """The commit, and whether files differ from it."""
    described = ["git", "-C", str(tools.ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    ran = subprocess.run(described, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "no commit"
