"""Runs a client's program, and the provider that it ends up at: processes, their environment, their lines. Nothing is
judged here.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2

from tests.clients.environments import node_environment, python_environment
from tests.support.admin import NO_TLS

_HERE = Path(__file__).parent
_SECONDS = 300
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT")
Line = dict[str, Any]


class Tenant(NamedTuple):
    """A tenant as its caller knows it (gateway's `url` without /v1, `key`, the `model` that it asks for), and as its
    provider does: the `served` model that must arrive there, under the provider's own `credential`."""

    url: str
    key: str
    model: str
    served: str
    credential: str


class ScriptedProvider:
    """A running provider, as tests steer and watch it. `url` is without /v1."""

    def __init__(self, url: str) -> None:
        self.url = url

    def open_account(self, credential: str, models: list[str]) -> None:
        """From now on this credential may use these models, and no others."""
        answer = httpx2.post(f"{self.url}/control/accounts", json={credential: models}, verify=NO_TLS)
        assert answer.status_code == 200, answer.text

    def seen(self, tag: str) -> list[Line]:
        """The calls under this `x-case`, oldest first: `path`, `model`, `credential`, `aborted`."""
        answer = httpx2.get(f"{self.url}/control/seen?tag={quote(tag)}", verify=NO_TLS)
        found: list[Line] = answer.json()
        return found


@contextlib.contextmanager
def scripted_provider() -> Iterator[ScriptedProvider]:
    """The provider as a process, ended at the end."""
    command = [sys.executable, "-m", "tests.clients.provider"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=_HERE.parents[1]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield ScriptedProvider(process.stdout.readline().strip())
        finally:
            process.stdin.close()
            process.wait(30)


def run_python(name: str, tenant: Tenant, cases: Iterable[str], **more: str) -> dict[str, Line]:
    """Runs tests/clients/python/<name>/program.py in its own environment; its line for each case."""
    program = _HERE / "python" / name / "program.py"
    environ = {"PYTHONPATH": str(_HERE / "python" / "common"), "PYTHONUTF8": "1", **more}
    return run([str(python_environment(name)), str(program)], tenant, cases, environ)


def run_node(name: str, tenant: Tenant, cases: Iterable[str], **more: str) -> dict[str, Line]:
    """Runs tests/clients/node/<name>/program.mjs in its own environment; its line for each case."""
    program = node_environment(name) / "program.mjs"
    return run(["node", str(program)], tenant, cases, more)


def run(command: list[str], tenant: Tenant, cases: Iterable[str], more: Mapping[str, str]) -> dict[str, Line]:
    """Runs a program for these cases, with BASE_URL (without /v1), API_KEY, BAD_KEY and MODEL; its line for each."""
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environ |= {"BASE_URL": tenant.url, "API_KEY": tenant.key, "MODEL": tenant.model}
    environ |= {"BAD_KEY": "hs_no_such_key", "NO_PROXY": "127.0.0.1", **more}
    wanted = list(cases)
    done = subprocess.run([*command, *wanted], env=environ, capture_output=True, text=True, timeout=_SECONDS)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    found = {line["case"]: line for line in lines}
    assert set(found) == set(wanted), done.stdout + done.stderr
    return found
