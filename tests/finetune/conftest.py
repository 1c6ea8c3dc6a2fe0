"""A workshop on the real Redis and the real sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.connection import Store
from tests.support.jobs import Workshop
from tests.support.processes import Program, running


@pytest.fixture
def workshop(store: Store, sandbox: Program, tmp_path: Path) -> Workshop:
    """A place to make jobs in."""
    return Workshop(store, sandbox.url, tmp_path)


@pytest.fixture(scope="session")
def slow_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A sandbox whose jobs are still under way when a test comes back to them, however slow the machine."""
    with running(["sandbox", "--port", "0", "--step-seconds", "60"], {}, tmp_path_factory.mktemp("slow") / "log") as it:
        yield it


@pytest.fixture
def slow_workshop(store: Store, slow_sandbox: Program, tmp_path: Path) -> Workshop:
    """A workshop whose provider takes its time."""
    return Workshop(store, slow_sandbox.url, tmp_path)
