"""The walkthrough's stage: one gateway with everything embedded, one provider, one collector of spans."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, collecting
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import DEMO_VAULTS

HARROW = DEMO_VAULTS / "harrow-and-pell.jsonl"
BRIGHTWATER = DEMO_VAULTS / "brightwater.jsonl"


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the gateway's spans go."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Program]:
    """`housestyle serve`, with nothing but a data directory."""
    data = tmp_path_factory.mktemp("gateway")
    environ = gateway_environ(
        data,
        HOUSESTYLE_VAULT_ROOTS=DEMO_VAULTS.as_uri() + "/",
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="50",
    )
    with running(["serve", "--port", "0"], environ, data / "log") as program:
        yield program


@pytest.fixture(scope="session")
def admin(gateway: Program) -> Iterator[Admin]:
    """Whoever runs the platform."""
    with Admin(gateway.url) as admin:
        yield admin


@pytest.fixture
def new_firm(admin: Admin, sandbox: Program) -> Iterator[Callable[..., Firm]]:
    """Makes firms; the Vault is Harrow & Pell's unless told otherwise."""
    firms: list[Firm] = []

    def make(vault: Path = HARROW) -> Firm:
        firms.append(Firm(admin, sandbox.url, vault=vault))
        return firms[-1]

    yield make
    for firm in firms:
        firm.close()


@pytest.fixture
def firm(new_firm: Callable[..., Firm]) -> Firm:
    """A firm that has just been set up."""
    return new_firm()
