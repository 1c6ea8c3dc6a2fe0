"""The lock, the bill of materials, and that an audit that could not ask does not pass."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LOCK: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

needs_uv = pytest.mark.skipif(
    not (shutil.which("uv") or (ROOT / ".tools" / "bin" / "uv").exists()),
    reason="there is no uv here: this environment was not set up by the project's own scripts",
)


def run(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True)


def test_every_file_in_the_lock_has_a_hash() -> None:
    packages = [one for one in LOCK["package"] if one["name"] != "housestyle"]
    assert len(packages) > 100
    for package in packages:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        for file in files:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["hash"]), package["name"]
        assert "registry" in package["source"], f"{package['name']} comes from no index"


def test_litellm_is_pinned_exactly_and_the_reason_is_beside_it() -> None:
    [pinned] = [one for one in PROJECT["dependency-groups"]["translator"] if one.startswith("litellm")]
    assert re.fullmatch(r"litellm==[0-9.]+", pinned)
    [line] = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if f'"{pinned}"' in line]
    assert "1.82.7, 1.82.8" in line.partition("#")[2]
    [locked] = [one for one in LOCK["package"] if one["name"] == "litellm"]
    assert pinned == f"litellm=={locked['version']}"


@needs_uv
@pytest.mark.parametrize(
    ("arguments", "has", "lacks"),
    [
        ((), {"cryptography", "openai", "s3fs", "psycopg"}, {"pytest", "mkdocs", "litellm", "arize-phoenix"}),
        (("translator",), {"litellm", "openai"}, {"pytest", "redis", "cryptography-vectors"}),
    ],
)
def test_the_bill_of_materials(arguments: tuple[str, ...], has: set[str], lacks: set[str]) -> None:
    """Without a network: the address of the index leads nowhere."""
    done = run("sbom", *arguments, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")
    assert done.returncode == 0, done.stderr
    bill = json.loads(done.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert bill["metadata"]["component"]["name"] == "housestyle"
    names = {component["name"] for component in bill["components"]}
    assert has <= names and not names & lacks
    for component in bill["components"]:
        assert component["purl"].startswith(f"pkg:pypi/{component['name']}@{component['version']}")
        hashes = [one for reference in component["externalReferences"] for one in reference["hashes"]]
        assert hashes and {one["alg"] for one in hashes} == {"SHA-256"}, component["name"]


def test_a_bill_of_something_else_is_refused() -> None:
    done = run("sbom", "phoenix")
    assert done.returncode == 2 and "phoenix" in done.stderr


@needs_uv
def test_an_audit_that_could_not_ask_does_not_pass(tmp_path: Path) -> None:
    done = run("audit", "translator", UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
