"""Servers that Vaults lie on, and leave to reach this machine."""

import ipaddress
from collections.abc import Iterator

import pytest

from finetune.vaults import Reach
from gateway.upstream.addresses import Guard
from gateway.vault_opening import reach as reach_of
from tests.support import buckets, postgres
from tests.support.postgres import Postgres

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@pytest.fixture
def reach() -> Reach:
    """The guard's, which lets connections go to this machine."""
    return reach_of(Guard((LOOPBACK,)), None)


@pytest.fixture
def outside() -> Reach:
    """The guard's, as it is where nobody has allowed anything."""
    return reach_of(Guard(), None)


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """An S3's endpoint."""
    with buckets.s3() as url:
        yield url


@pytest.fixture(scope="session")
def gs() -> Iterator[str]:
    """A Cloud Storage's endpoint."""
    with buckets.gs() as url:
        yield url


@pytest.fixture(scope="session")
def database() -> Iterator[Postgres]:
    """A PostgreSQL."""
    with postgres.serving() as server:
        yield server
