"""Which waiting connection is taken and which goes, with real connections and a clock of the test's own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.upstream.addresses import Origin
from gateway.upstream.connection import Connection
from gateway.upstream.idle import KEEP_SECONDS, Idle
from gateway.upstream.pool import Pool
from tests.gateway.upstream.server import Peer, Server, serving, turns

HEAD = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n"
ONE = Origin("http", "one", 80)
OTHER = Origin("http", "other", 80)


async def silent(peer: Peer) -> None:
    await peer.gone()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(silent) as server:
        yield server


async def connections(server: Server, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    buffer = memoryview(bytearray(65536))
    made = [await loop.create_connection(lambda: Connection(buffer), "127.0.0.1", server.port) for _ in range(count)]
    return [connection for _, connection in made]


async def close(*made: Connection) -> None:
    for connection in made:
        connection.abort()
    await turns()


async def test_the_last_one_is_taken_first(server: Server) -> None:
    idle = Idle()
    a, b, c = await connections(server, 3)
    for connection, origin in ((a, ONE), (b, ONE), (c, OTHER)):
        idle.put(origin, connection, 0)
    assert [idle.take(ONE, 1), idle.take(ONE, 1), idle.take(ONE, 1)] == [b, a, None]
    assert (len(idle), idle.take(OTHER, 1), len(idle)) == (1, c, 0)
    await close(a, b, c)


async def test_what_is_too_old_is_closed_when_it_is_met(server: Server) -> None:
    idle = Idle()
    a, b = await connections(server, 2)
    idle.put(ONE, a, 0)
    idle.put(ONE, b, 1)
    assert idle.take(ONE, KEEP_SECONDS + 1) is None
    assert a.closed
    assert b.closed
    assert len(idle) == 0
    await turns()


async def test_what_has_grown_old_is_closed(server: Server) -> None:
    idle = Idle()
    made = await connections(server, 3)
    for since, connection in enumerate(made):
        idle.put(ONE if since != 1 else OTHER, connection, since)
    idle.close_older(2)
    assert [connection.closed for connection in made] == [True, True, False]
    assert (len(idle), idle.take(OTHER, 3), idle.take(ONE, 3)) == (1, None, made[2])
    await close(*made)


async def test_an_origin_has_so_many(server: Server) -> None:
    idle = Idle(per_origin=2, total=10)
    made = await connections(server, 4)
    for connection in made[:3]:
        idle.put(ONE, connection, 0)
    idle.put(OTHER, made[3], 0)
    assert [connection.closed for connection in made] == [True, False, False, False]
    assert len(idle) == 3
    await close(*made)


async def test_all_origins_together_have_so_many(server: Server) -> None:
    idle = Idle(per_origin=2, total=3)
    made = await connections(server, 4)
    for number, connection in enumerate(made):
        idle.put(Origin("http", str(number), 80), connection, number)
    assert [connection.closed for connection in made] == [True, False, False, False]
    assert (len(idle), idle.take(Origin("http", "0", 80), 4)) == (3, None)
    await close(*made)


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_one_that_ends_is_forgotten_at_once(pool: Pool, how: str) -> None:
    go = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"")
        await go.wait()
        if how == "reset":
            peer.reset()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"") as answer:
            assert await answer.read() == b""
        assert len(pool._idle) == 1
        go.set()
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()
        await turns()
        assert (len(pool._idle), pool._idle._of) == (0, {})


async def test_a_closed_pool_keeps_nothing(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"")
        await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"") as answer:
            assert await answer.read() == b""
            pool.close()
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()
        assert len(pool._idle) == 0
