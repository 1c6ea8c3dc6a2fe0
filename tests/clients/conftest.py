"""What the official clients are run against: a real gateway with its embedded Redis, a scripted provider, tenants."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.running import ScriptedProvider, Tenant, scripted_provider
from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import write_vault

CLAUDE = "claude-sonnet-4-5"


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedProvider]:
    """The scripted provider."""
    with scripted_provider() as made:
        yield made


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gateway's data directory."""
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="session")
def gateway(data: Path) -> Iterator[Admin]:
    """`housestyle serve`, by its admin."""
    with (
        running(["serve", "--port", "0"], gateway_environ(data), data / "log") as program,
        Admin(program.url) as admin,
    ):
        yield admin


@pytest.fixture(scope="session")
def tenant(gateway: Admin, data: Path, sandbox: Program, provider: ScriptedProvider) -> Tenant:
    """A tenant with an active fine-tuned model, at an OpenAI-shaped provider. What its provider says is never replaced
    (`fallback`), so that a client sees the provider's own 404."""
    vault = write_vault(data / "vaults" / "orchard.jsonl", 20)
    firm = Firm(gateway, sandbox.url, vault=vault, fallback="fail")
    job = firm.ready_job()
    firm.activate(job)
    tuned = job["fine_tuned_model"]
    provider.open_account(firm.account.key, [STOCK, "text-embedding-3-small", tuned])
    gateway.put(f"{firm.path}/providers/main", {**firm.provider, "base_url": f"{provider.url}/v1"})
    return Tenant(gateway.url, firm.key, STOCK, tuned, firm.account.key)


@pytest.fixture(scope="session")
def anthropic_tenant(gateway: Admin, provider: ScriptedProvider) -> Tenant:
    """A tenant whose provider is of kind `anthropic`: no fine-tuning there, its default model answers."""
    firm = Firm(gateway, provider.url, fallback="fail")
    provider.open_account(firm.account.key, [CLAUDE])
    there = {"kind": "anthropic", "base_url": provider.url, "default_model": CLAUDE}
    gateway.put(f"{firm.path}/providers/main", {**firm.provider, **there})
    return Tenant(gateway.url, firm.key, CLAUDE, CLAUDE, firm.account.key)
