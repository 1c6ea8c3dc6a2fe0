"""One gateway for all tests of a test process, its provider the sandbox or a script, its spans collected."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.admin import MAX_CONCURRENT, NO_TLS, Admin
from tests.support.firms import Firm
from tests.support.otlp import Collector, collecting
from tests.support.processes import Program, gateway_environ, running
from tests.support.upstream import Upstream, echo_model, upstream
from tests.support.vaults import write_vault


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the gateway's spans go."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gateway's data directory."""
    return tmp_path_factory.mktemp("gateway") / "data"


@pytest.fixture(scope="session")
def gateway(data_dir: Path, collector: Collector) -> Iterator[Program]:
    """A gateway on embedded defaults, with small limits."""
    environ = gateway_environ(
        data_dir,
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="50",
        HOUSESTYLE_MAX_BODY_MB="0.1",
        HOUSESTYLE_MAX_CONCURRENT=str(MAX_CONCURRENT),
        HOUSESTYLE_FIRST_BYTE_TIMEOUT="2",
        HOUSESTYLE_IDLE_TIMEOUT="2",
        HOUSESTYLE_POLL_SECONDS="0.05",
    )
    with running(["serve", "--port", "0"], environ, data_dir.parent / "log") as program:
        yield program


@pytest.fixture(scope="session")
def admin(gateway: Program) -> Iterator[Admin]:
    """The platform's admin."""
    with Admin(gateway.url) as admin:
        yield admin


@pytest.fixture(scope="session")
def vault(gateway: Program, data_dir: Path) -> Path:
    """A Vault of twenty ready chunks and three others, where the gateway may read it."""
    return write_vault(data_dir / "vaults" / "orchard.jsonl", 20, 3)


@pytest.fixture
async def provider() -> AsyncIterator[Upstream]:
    """A scripted upstream that answers completions until a test tells it otherwise."""
    async with upstream(echo_model) as made:
        yield made


@pytest.fixture
def firm(admin: Admin, provider: Upstream) -> Firm:
    """A tenant whose provider is the script."""
    return Firm(admin, provider.url)


@pytest.fixture
async def http(gateway: Program) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller."""
    async with httpx2.AsyncClient(base_url=gateway.url, verify=NO_TLS, timeout=30) as client:
        yield client
