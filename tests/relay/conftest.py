"""The relay's stage: one gateway on its defaults, one provider that answers by script, tenants of three sorts."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.relay.messages import Wire, connect
from tests.relay.provider import Provider, providing
from tests.relay.rules import Setting
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, collecting
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import write_vault

PATHS = ["batches", "stores/*"]


class Stage(NamedTuple):
    """What a relay test has: the gateway's process and address, the provider, the tenants by sort."""

    gateway: Program
    address: tuple[str, int]
    provider: Provider
    firms: dict[str, Firm]
    settings: dict[str, Setting]

    def call(self, seconds: float = 20.0) -> Wire:
        """A connection to the gateway."""
        return connect(self.address, seconds)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, sandbox: Program) -> Iterator[Stage]:
    """All of it, made once."""
    data = tmp_path_factory.mktemp("gateway") / "data"
    vault = write_vault(data / "vaults" / "orchard.jsonl", 20)
    with collecting() as collector, providing() as provider:
        environ = gateway_environ(data, **_settings(collector))
        with running(["serve", "--port", "0"], environ, data.parent / "log") as gateway, Admin(gateway.url) as admin:
            firms = {"plain": Firm(admin, provider.url, allowed_paths=PATHS), "claude": Firm(admin, provider.url)}
            claude = {"kind": "anthropic", "base_url": provider.url, "api_key": "sk-ant", "default_model": "claude-x"}
            admin.put(f"{firms['claude'].path}/providers/main", claude)
            firms["tuned"] = Firm(admin, sandbox.url, vault=vault)
            model = _tuned(firms["tuned"], provider)
            place = urlsplit(gateway.url)
            address = (str(place.hostname), int(place.port or 0))
            yield Stage(gateway, address, provider, firms, _credentials(firms, provider, model))


def _settings(collector: Collector) -> dict[str, str]:
    return {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}


def _tuned(firm: Firm, provider: Provider) -> bytes:
    """Has a job of the firm's made at the sandbox and activated; from then on its calls go to the script."""
    job = firm.ready_job()
    firm.activate(job)
    moved = {**firm.provider, "base_url": f"{provider.url}/v1"}
    firm.admin.put(f"{firm.path}/providers/main", moved)
    return str(job["fine_tuned_model"]).encode()


def _credentials(firms: dict[str, Firm], provider: Provider, model: bytes) -> dict[str, Setting]:
    host = provider.url.removeprefix("http://").encode()
    bearer = {name: (b"authorization", b"Bearer " + firm.account.key.encode()) for name, firm in firms.items()}
    return {name: Setting(host, bearer[name], model) for name in firms} | {
        "claude": Setting(host, (b"x-api-key", b"sk-ant"), model)
    }
