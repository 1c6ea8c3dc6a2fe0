"""Fixtures that every test may ask for. Each is a real thing, made once and left as it was found."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gateway.store.connection import Store
from gateway.store.embedded import EmbeddedRedis
from tests.support.processes import Program, running

# How long an example takes is the machine's affair, not the property's.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few tests first: a test that has a file to itself takes a minute, a hundred in one file take seconds.
    The long ones last would leave all processes but one idle at the end of a run (with `--no-loadscope-reorder`)."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: tests[item.path])


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this test process's own."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), os.environ) as redis:
        yield redis.url


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """An empty store on the real Redis."""
    store = Store(redis_url)
    await store.redis.flushall()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The sandbox provider as a process; each test brings an API key, which is an account, of its own."""
    log: Path = tmp_path_factory.mktemp("sandbox") / "log"
    with running(["sandbox", "--port", "0", "--step-seconds", "0.05"], {}, log) as program:
        yield program
