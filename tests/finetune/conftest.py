"""A workshop on the real Redis and the real sandbox."""

from pathlib import Path

import pytest

from gateway.store.connection import Store
from tests.support.jobs import Workshop
from tests.support.processes import Program


@pytest.fixture
def workshop(store: Store, sandbox: Program, tmp_path: Path) -> Workshop:
    """A place to make jobs in."""
    return Workshop(store, sandbox.url, tmp_path)
