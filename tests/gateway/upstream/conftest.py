"""Upstream tests run on both event loops: asyncio's own, and the one that the gateway is served with."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from gateway.upstream.addresses import Guard
from gateway.upstream.pool import Pool, Timeouts


def pytest_asyncio_loop_factories(
    config: pytest.Config,
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """See pytest-asyncio."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def guard() -> Guard:
    """Lets everything on this machine through."""
    return Guard([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")])


@pytest.fixture
async def pool(guard: Guard) -> AsyncIterator[Pool]:
    """A pool whose time-outs no test runs into."""
    pool = Pool(guard, Timeouts(connect=20, first_byte=20, idle=20))
    try:
        yield pool
    finally:
        pool.close()
