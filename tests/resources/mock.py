"""The mock server that openai-python's tests are made for: Steady, from npm, which answers by an OpenAPI specification
and refuses what does not follow it.
"""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2

from tests.resources.clone import Unusable
from tests.support.admin import NO_TLS
from tests.support.processes import wait_until

# How the client writes arrays and objects into queries and forms; as in the clone's own scripts/mock.
_FORMATS = [
    f"--validator-{place}-{kind}-format=brackets" for place in ("query", "form") for kind in ("array", "object")
]


def install(version: str, work: Path) -> Path:
    """The mock's program, in a folder of its own below `work`. Raises Unusable."""
    folder = work / f"steady-{version}"
    program = folder / "node_modules" / "@stdy" / "cli" / "steady.js"
    if program.is_file():
        return program
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Unusable("the mock server needs Node.js with npm")
    folder.mkdir(parents=True, exist_ok=True)
    # A package.json of its own, so that npm does not take one of a folder above for the project.
    (folder / "package.json").write_text('{"private": true}\n')
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"@stdy/cli@{version}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"the mock server cannot be installed: {done.stderr.strip()}")
    return program


@contextlib.contextmanager
def mocking(program: Path, specification: Path, log: Path) -> Iterator[tuple[str, int]]:
    """The mock under way: its address. Raises Unusable where it does not start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = ("127.0.0.1", free.getsockname()[1])
    command = ["node", str(program), "--host", address[0], "--port", str(address[1]), "--quiet", *_FORMATS]
    with log.open("wb") as said, subprocess.Popen([*command, str(specification)], stdout=said, stderr=said) as process:
        try:
            wait_until(lambda: _is_up(address) or process.poll() is not None, what="the mock server")
            if process.poll() is not None:
                raise Unusable(f"the mock server ended: {log.read_text(errors='replace')[-2000:]}")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _is_up(address: tuple[str, int]) -> bool:
    try:
        answer = httpx2.get(f"http://{address[0]}:{address[1]}/_x-steady/health", verify=NO_TLS)
    except httpx2.TransportError:
        return False
    return answer.status_code == 200
