"""One gateway with the sandbox as its provider, one firm with jobs of several ends, one Chromium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from playwright.sync_api import Browser

from tests.page.web import Web, addresses
from tests.support.admin import Admin
from tests.support.browser import browsing
from tests.support.debian import Missing
from tests.support.firms import Firm
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import demo_vault


class House(Struct, frozen=True):
    """A firm whose admin looks at the page. Two of its jobs are ready, the first of them made earlier; one failed."""

    firm: Firm
    key: str
    key_id: str
    autumn: Any
    spring: Any
    failed: Any

    @property
    def url(self) -> str:
        """The firm's own page."""
        return f"/admin/legal/fine-tuning/{self.firm.name}"


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gateway's data directory."""
    return tmp_path_factory.mktemp("page") / "data"


@pytest.fixture(scope="session")
def gateway(data_dir: Path) -> Iterator[Program]:
    """A gateway that stands behind a proxy, so that each test can come from an address of its own."""
    data_dir.mkdir()
    environ = gateway_environ(data_dir, HOUSESTYLE_TRUSTED_PROXIES="127.0.0.0/8")
    with running(["serve", "--port", "0"], environ, data_dir.parent / "log") as program:
        yield program


@pytest.fixture(scope="session")
def admin(gateway: Program) -> Iterator[Admin]:
    """The platform's admin, at the API."""
    with Admin(gateway.url) as admin:
        yield admin


@pytest.fixture(scope="session")
def house(admin: Admin, sandbox: Program, data_dir: Path) -> Iterator[House]:
    """The firm."""
    firm = Firm(admin, sandbox.url, vault=demo_vault(data_dir))
    admin.put(firm.path, {"name": "Brightwater & Partners"})
    key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin", "label": "Maria Lindqvist"})
    failed = firm.finished(firm.start_job(label="On Bedrock", backend="bedrock"))
    autumn, spring = firm.ready_job(label="Autumn 2025"), firm.ready_job(label="Spring 2026")
    yield House(firm, key["key"], key["id"], autumn, spring, failed)
    firm.close()


@pytest.fixture
def web(gateway: Program) -> Iterator[Web]:
    """A browser's requests without a browser, from an address that no other test has."""
    with Web(gateway.url, next(addresses)) as web:
        yield web


@pytest.fixture(scope="module")  # Playwright's loop must be gone before an async test of another module
def browser() -> Iterator[Browser]:
    """A Chromium."""
    try:
        with browsing() as browser:
            yield browser
    except Missing as missing:
        pytest.skip(str(missing))
