"""Chapter 5. The demo tells the same story to somebody who has never seen the product."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.walkthrough.conftest import BRIGHTWATER


def _demo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "gateway", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize("vault", [None, BRIGHTWATER], ids=["shipped", "ones own"])
def test_it_trains_activates_and_goes_back(vault: Path | None) -> None:
    ran = _demo("--json", *(["--vault", str(vault)] if vault else []))
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["job"]["status"] == "ready"
    assert told["activation"]["active_job"] == told["job"]["id"]
    first, second, third = told["calls"]
    assert [call["fine_tuned"] for call in (first, second, third)] == [False, True, False]
    assert [call["reason"] for call in (first, second, third)] == ["no_active_job", "active_job", "no_active_job"]
    assert second["routed_model"] == told["job"]["fine_tuned_model"]
    assert first["routed_model"] == third["routed_model"]


def test_a_vault_that_is_not_there() -> None:
    ran = _demo("--vault", "/nowhere/vault.jsonl")
    assert ran.returncode == 1
    assert ran.stderr.strip() == "housestyle demo: There is no Vault at /nowhere/vault.jsonl."
