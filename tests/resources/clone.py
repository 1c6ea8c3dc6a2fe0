"""A clone of openai-python, which whoever runs the tests has made: an environment for it, and its resource tests run in
that. The clone itself is left as it is.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from tests.resources.comparing import Outcome
from tests.resources.inside import housestyle_resources as plugin

_INSIDE = Path(plugin.__file__).parent
_TESTS = "tests/api_resources"
_SPECIFICATION = "api_reference/openapi.transformed.yml"  # in clones of August 2026 and later
_STEADY = "0.22.1"
_AS_THEIR_SCRIPT_DOES = {"DEFER_PYDANTIC_BUILD": "false"}  # scripts/test
# The end of a pytest run in which tests ran: all passed, or some failed.
_RAN = (0, 1)


class Unusable(Exception):
    """What was given cannot be used; the message says why, for a user."""


class Line(msgspec.Struct, frozen=True):
    """What the plugin writes."""

    test: str
    how: str
    raised: str


class Clone(NamedTuple):
    """A clone at `folder`; `python` is its environment's; `environ`: variables that its tests are run with."""

    folder: Path
    python: Path
    environ: Mapping[str, str] = MappingProxyType({})

    def specification(self) -> Path:
        """The OpenAPI specification that the clone was generated from. Raises Unusable."""
        path = self.folder / _SPECIFICATION
        if not path.is_file():
            raise Unusable(f"{self.folder} has no {_SPECIFICATION}: name an OpenAPI specification with --spec FILE")
        return path

    def mock_version(self) -> str:
        """The version of the mock server that the clone pins."""
        try:
            wanted = msgspec.json.decode((self.folder / "package.json").read_bytes())
            return str(wanted["devDependencies"]["@stdy/cli"])
        except (OSError, msgspec.DecodeError, KeyError, TypeError):
            return _STEADY

    def run(self, url: str, report: Path, key: str | None, options: list[str]) -> dict[str, Outcome]:
        """Every test's outcome against `url` (with its `/v1`), by `key` or by the tests' own. `options` are pytest's.

        Raises Unusable where no test could be run.
        """
        report.unlink(missing_ok=True)
        command = [str(self.python), "-m", "pytest", "-p", plugin.__name__.rpartition(".")[2], "-p", "no:cacheprovider"]
        command += ["-n", "2", "-q", "--no-header", "--tb=no", "--no-summary", *options, _TESTS]
        environ = {**_clean(), **self.environ, "PYTHONPATH": str(_INSIDE), plugin.REPORT: str(report)}
        environ["TEST_API_BASE_URL"] = url
        if key is not None:
            environ[plugin.KEY] = key
        done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)
        if done.returncode not in _RAN or not report.exists():
            raise Unusable(f"pytest ended with {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
        return read_report(report)


def prepare(folder: Path, work: Path) -> Clone:
    """The clone at `folder` with an environment in `work`, made from its own lock file. Raises Unusable."""
    if not (folder / _TESTS).is_dir():
        raise Unusable(f"{folder} is no clone of openai-python: it has no {_TESTS}")
    if not (folder / "uv.lock").is_file():
        raise Unusable(f"{folder} has no uv.lock; take a newer version of openai-python")
    environment = work / f"venv-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    environ = {**_clean(), "UV_PROJECT_ENVIRONMENT": str(environment)}
    command = ["uv", "sync", "--quiet", "--frozen", "--all-extras", "--python", sys.executable]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unusable(f"the clone's environment cannot be made: {done.stderr.strip()}")
    compiled = str(environment / "compiled")  # lest it be in the clone
    return Clone(folder, environment / "bin" / "python", {"PYTHONPYCACHEPREFIX": compiled, **_AS_THEIR_SCRIPT_DOES})


def read_report(report: Path) -> dict[str, Outcome]:
    """Each test's outcome; a failure in any of its phases stands."""
    outcomes: dict[str, Outcome] = {}
    for text in report.read_text().splitlines():
        line = msgspec.json.decode(text, type=Line)
        before = outcomes.get(line.test)
        if before is None or before.how != "failed":
            outcomes[line.test] = Outcome(line.how, line.raised)
    return outcomes


def _clean() -> dict[str, str]:
    """This environment without what would lead the clone's tools or clients elsewhere."""
    ours = ("OPENAI_", "HOUSESTYLE_", "PYTEST_", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONSAFEPATH", "UV_PROJECT")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
