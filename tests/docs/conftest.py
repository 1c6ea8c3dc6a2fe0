"""One gateway for all that the docs say, started as they say, with a Vault and the sandbox as its provider."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.admin import Admin
from tests.support.processes import Program, gateway_environ, running
from tests.support.vaults import write_vault


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that commands are run in, with `housestyle-data` and `vaults/acme.jsonl`."""
    folder = tmp_path_factory.mktemp("docs")
    write_vault(folder / "vaults" / "acme.jsonl", 20, 3)
    return folder


@pytest.fixture(scope="session")
def gateway(stage: Path) -> Iterator[Program]:
    """`housestyle serve`, with an admin's key that it makes itself."""
    environ = gateway_environ(stage / "housestyle-data", HOUSESTYLE_VAULT_ROOTS=(stage / "vaults").as_uri() + "/")
    del environ["HOUSESTYLE_ADMIN_KEY"]
    with running(["serve", "--port", "0"], environ, stage / "log") as program:
        yield program


@pytest.fixture(scope="session")
def admin(stage: Path, gateway: Program) -> Iterator[Admin]:
    """The platform's admin, by the key that the gateway made."""
    with Admin(gateway.url, (stage / "housestyle-data" / "admin-key").read_text().strip()) as admin:
        yield admin
