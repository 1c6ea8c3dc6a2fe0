"""HOUSESTYLE_BOOTSTRAP at a real gateway: applied before it lets anybody in, refused before it starts."""

import base64
import gzip
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.admin import NO_TLS, Admin
from tests.support.processes import Program, gateway_environ, running, wait_until
from tests.support.redis import stoppable
from tests.support.servers import Signal, in_thread
from tests.support.upstream import Peer, Received, upstream
from tests.support.vaults import jsonl, record

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
def gateway(directory: Path, text: str, workers: int, **more: str) -> Iterator[Program]:
    """A gateway with this file."""
    file = directory / "bootstrap.yaml"
    file.write_text(text)
    more |= {"HOUSESTYLE_BOOTSTRAP": str(file), "PROVIDER_KEY": "sk-provider-secret"}
    environ = gateway_environ(directory / "data", **more)
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


def test_while_it_is_applied_it_is_said_which_entry_and_a_replica_can_be_stopped(tmp_path: Path) -> None:
    """A Vault that takes hours to read stands for a mount whose server is away."""
    vault = tmp_path / "fairfax.jsonl.gz"
    vault.write_bytes(gzip.compress(b"\n" * 2**24) * 1000)
    text = f"tenants: {{fairfax: {{vault: {{url: {vault.as_uri()}}}}}}}"
    with gateway(tmp_path, text, 1, HOUSESTYLE_VAULT_ROOTS=f"{tmp_path.as_uri()}/") as program:
        wait_until(lambda: "fairfax.vault" in httpx2.get(f"{program.url}/readyz", verify=NO_TLS).text, 20, "the entry")
        answer = httpx2.get(f"{program.url}/readyz", verify=NO_TLS)
        assert answer.status_code == 503
        assert answer.json()["cause"] == "HOUSESTYLE_BOOTSTRAP is being applied (tenants.fairfax.vault)"
        refused = httpx2.post(f"{program.url}/v1/chat/completions", json={}, verify=NO_TLS)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        assert refused.json()["error"]["message"] == "This replica is not ready yet; /readyz says why."
        begun = time.monotonic()
        program.stop()
        assert time.monotonic() - begun < 25


def test_a_store_that_goes_away_meanwhile_is_said_and_waited_for(tmp_path: Path) -> None:
    away = Signal()

    async def vault(_: Received, peer: Peer) -> None:
        """Its chunks, once the store is away."""
        await away.reached()
        await peer.answer(jsonl(record(1)))

    with (
        in_thread(upstream(vault)) as server,
        stoppable(tmp_path) as redis,
        gateway(
            tmp_path,
            f"tenants: {{fairfax: {{vault: {{url: {server.url}/chunks.jsonl}}}}}}",
            1,
            HOUSESTYLE_VAULT_ROOTS=f"{server.url}/",
            HOUSESTYLE_REDIS_URL=redis.url,
            HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(os.urandom(32)).decode(),
            HOUSESTYLE_ARTIFACTS_URL=(tmp_path / "artifacts").as_uri(),
        ) as program,
    ):

        def says(words: str) -> bool:
            return words in httpx2.get(f"{program.url}/readyz", verify=NO_TLS).text

        wait_until(lambda: says("fairfax.vault"), 40, "the entry")
        redis.stop()
        away.set()
        wait_until(lambda: says("(tenants.fairfax.vault); it waits for the store: "), 40, "the cause")
        redis.start()
        wait_until(lambda: says('"ready":true'), 40, "it to be ready")
        assert not says("HOUSESTYLE_BOOTSTRAP")
