"""HOUSESTYLE_BOOTSTRAP at a real gateway: applied before it lets anybody in, refused before it starts."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.admin import Admin
from tests.support.processes import Program, gateway_environ, running, wait_until

PLATFORM, TENANT = "hs_of_the_platform", "hs_of_the_tenant"
FILE = f"""
tenants:
  fairfax:
    rule: off
    providers:
      main: {{kind: openai_compatible, default_model: m, base_url: "http://127.0.0.1:9/v1", api_key_env: PROVIDER_KEY}}
    keys: [{{role: tenant_admin, sha256: {hashlib.sha256(TENANT.encode()).hexdigest()}}}]
keys: [{{role: platform_admin, sha256: {hashlib.sha256(PLATFORM.encode()).hexdigest()}}}]
"""


@contextmanager
def gateway(directory: Path, text: str, workers: int) -> Iterator[Program]:
    """A gateway with this file."""
    file = directory / "bootstrap.yaml"
    file.write_text(text)
    environ = gateway_environ(directory / "data", HOUSESTYLE_BOOTSTRAP=str(file), PROVIDER_KEY="sk-provider-secret")
    with running(["serve", "--port", "0", "--workers", str(workers)], environ, directory / "log") as program:
        yield program


def test_it_is_applied_once_and_a_start_undoes_nothing(tmp_path: Path) -> None:
    with gateway(tmp_path, FILE, 1) as program, Admin(program.url, PLATFORM) as admin:
        wait_until(lambda: admin.ask("GET", "/tenants/fairfax").status_code == 200)
        assert admin.get("/tenants/fairfax")["rule"] == "off"
        admin.put("/tenants/fairfax", {"rule": "all"})
        with Admin(program.url, TENANT) as its_own:
            assert its_own.get("/tenants/fairfax/keys")["items"][0]["last_used_at"] is None
    with gateway(tmp_path, FILE, 2) as program, Admin(program.url, TENANT) as its_own:
        wait_until(lambda: its_own.ask("GET", "/tenants/fairfax").status_code == 200)
        assert its_own.get("/tenants/fairfax")["rule"] == "all"
        assert its_own.get("/tenants/fairfax/keys")["items"][0]["last_used_at"] is not None
    assert "sk-provider-secret" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_wrong_keeps_it_from_starting(tmp_path: Path, workers: int) -> None:
    with (
        pytest.raises(RuntimeError, match=r"HOUSESTYLE_BOOTSTRAP: tenants\.a\.ruel: The field `ruel` is not known"),
        gateway(tmp_path, "tenants: {a: {ruel: off}}", workers),
    ):
        pass
