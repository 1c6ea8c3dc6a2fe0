"""Upstream tests run on both event loops: asyncio's own, and the one that the gateway is served with."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from gateway.upstream.addresses import Found, Guard
from gateway.upstream.pool import Pool, Timeouts
from tests.gateway.upstream.server import turns


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
def everywhere_here() -> Guard:
    """Every name leads to this machine, which is allowed."""

    async def lookup(host: str, port: int) -> Found:
        return [(socket.AF_INET, ("127.0.0.1", port))]

    return Guard([ipaddress.ip_network("127.0.0.0/8")], lookup)


MakePool = Callable[..., Pool]


@pytest.fixture
async def make_pool(guard: Guard) -> AsyncIterator[MakePool]:
    """Makes a pool of these time-outs (and TLS), closed at the end whatever it keeps by then."""
    made: list[Pool] = []

    def make(timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> Pool:
        made.append(Pool(guard, timeouts, tls))
        return made[-1]

    yield make
    for pool in made:
        pool.close()
    await turns()  # until the event loop has closed what was aborted


@pytest.fixture
def pool(make_pool: MakePool) -> Pool:
    """A pool whose time-outs no test runs into."""
    return make_pool(Timeouts(connect=20, first_byte=20, idle=20))
