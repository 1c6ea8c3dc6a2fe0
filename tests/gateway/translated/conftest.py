"""Translated providers through the whole gateway. Mirrors nothing: a `housestyle serve` of its own with its translator,
litellm's real code in it, between the official SDK and the providers' own APIs on real sockets.

One of each for all tests of a test process. What the translator does with each provider is in tests/gateway/translator.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.gateway.translated.firms import SECRETS
from tests.gateway.translator.talking import PYTHON
from tests.support.admin import NO_TLS, Admin
from tests.support.otlp import Collector
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import write_vault


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gateway's data directory; its log is beside it."""
    return tmp_path_factory.mktemp("translated") / "data"


@pytest.fixture(scope="session")
def gateway(place: Path, collector: Collector) -> Iterator[Program]:
    """A gateway whose translator starts with the first call; what it wrote never held a secret."""
    if not PYTHON.exists():
        pytest.skip(f"there is no {PYTHON.parents[1].name}: scripts/test makes it")
    environ = gateway_environ(
        place,
        HOUSESTYLE_TRANSLATOR_PYTHON=str(PYTHON),
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
        OTEL_BSP_SCHEDULE_DELAY="50",
    )
    log = place.parent / "log"
    with running(["serve", "--port", "0"], environ, log) as program:
        yield program
    assert not [secret for own in SECRETS.values() for secret in own if secret in log.read_text()]


@pytest.fixture(scope="session")
def admin(gateway: Program) -> Iterator[Admin]:
    """The platform's admin."""
    with Admin(gateway.url) as admin:
        yield admin


@pytest.fixture(scope="session")
def vault(gateway: Program, place: Path) -> Path:
    """A Vault of twenty chunks, where the gateway may read it."""
    return write_vault(place / "vaults" / "orchard.jsonl", 20)


@pytest.fixture
async def http(gateway: Program) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller without an SDK."""
    async with httpx2.AsyncClient(base_url=gateway.url, verify=NO_TLS, timeout=60) as client:
        yield client
