"""The pool against real servers: what is kept, what is replaced, and how every failure is told."""

import asyncio
import ipaddress
import socket

import pytest

from gateway.errors import GatewayError
from gateway.upstream.addresses import Guard, Origin
from gateway.upstream.pool import Answer, Pool, Timeouts
from tests.gateway.upstream.conftest import MakePool
from tests.gateway.upstream.server import Peer, serving, turns

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n"


async def call(pool: Pool, origin: Origin) -> bytes:
    """One call, its answer read to the end."""
    with await pool.request(origin, HEAD, b"{}") as answer:
        return await rest(answer)


async def rest(answer: Answer) -> bytes:
    parts = []
    while part := await answer.read():
        parts.append(part)
    return b"".join(parts)


async def failure(pool: Pool, origin: Origin) -> GatewayError:
    """The error that a call ends with."""
    with pytest.raises(GatewayError) as failed:
        await call(pool, origin)
    return failed.value


async def echo(peer: Peer) -> None:
    """Answers every request with the connection's number and the request's."""
    while True:
        await peer.request()
        await peer.answer(b"%d.%d" % (peer.number, len(peer.requests)))


# keeping


async def test_a_connection_is_used_again(pool: Pool) -> None:
    async with serving(echo) as server:
        assert [await call(pool, server.origin) for _ in range(3)] == [b"0.1", b"0.2", b"0.3"]


async def test_calls_at_the_same_time_have_a_connection_each(pool: Pool) -> None:
    together = asyncio.Barrier(3)

    async def run(peer: Peer) -> None:
        while True:
            await peer.request()
            if len(peer.requests) == 1:
                await together.wait()
            await peer.answer(b"%d" % peer.number)

    async with serving(run) as server:
        bodies = await asyncio.gather(*(call(pool, server.origin) for _ in range(3)))
        assert sorted(bodies) == [b"0", b"1", b"2"]
        await call(pool, server.origin)
        assert len(server.peers) == 3


async def test_each_origin_has_its_own_connections(pool: Pool) -> None:
    async with serving(echo) as one, serving(echo) as other:
        await call(pool, one.origin)
        assert await call(pool, other.origin) == b"0.1"
        await call(pool, Origin("http", "localhost", one.port))
        assert (len(one.peers), len(other.peers)) == (2, 1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", id="connection: close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", id="HTTP/1.0"),
    ],
)
async def test_a_connection_that_the_provider_ends_is_not_kept(pool: Pool, answer: bytes) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer)
        await peer.gone()

    async with serving(run) as server:
        assert [await call(pool, server.origin) for _ in range(2)] == [b"ok", b"ok"]
        assert len(server.peers) == 2


@pytest.mark.parametrize("read", [0, 1])
async def test_an_answer_left_in_the_middle_closes_its_connection(pool: Pool, read: int) -> None:
    left = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
        await peer.gone()
        left.set()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            for _ in range(read):
                await answer.read()
        async with asyncio.timeout(10):
            await left.wait()


@pytest.mark.parametrize("size", [20, 300_000])
async def test_an_answer_that_nobody_read_does_not_reach_the_next_call(pool: Pool, size: int) -> None:
    async def run(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"1" * size if peer.number == 0 else b"2")

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}"):
            await turns(500)
        assert await call(pool, server.origin) == b"2"


async def test_a_call_that_fails_on_our_side_closes_its_connection(pool: Pool) -> None:
    left = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok")
        await peer.gone()
        left.set()

    async with serving(run) as server:
        with pytest.raises(ZeroDivisionError), await pool.request(server.origin, HEAD, b"{}"):
            raise ZeroDivisionError
        async with asyncio.timeout(10):
            await left.wait()


async def test_bytes_that_nothing_asked_for_end_a_kept_connection(pool: Pool) -> None:
    left = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 0:
            await first.wait()
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        await peer.gone()
        left.set()

    first = asyncio.Event()
    async with serving(run) as server:
        assert await call(pool, server.origin) == b"0"
        first.set()
        async with asyncio.timeout(10):
            await left.wait()
        assert await call(pool, server.origin) == b"1"


# replacing


async def test_a_kept_connection_that_has_died_is_replaced_unseen(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 0:
            await peer.request()  # and closes without a word

    async with serving(run) as server:
        assert [await call(pool, server.origin) for _ in range(2)] == [b"0", b"1"]
        assert [len(peer.requests) for peer in server.peers] == [2, 1]


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_tried(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"%d" % peer.number)

    async with serving(run) as server:
        assert await call(pool, server.origin) == b"0"
        await turns()
        assert await call(pool, server.origin) == b"1"
        assert len(server.peers[0].requests) == 1


async def test_it_is_replaced_once(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        if peer.number == 0:
            await peer.answer(b"ok")
            await peer.request()

    async with serving(run) as server:
        assert await call(pool, server.origin) == b"ok"
        assert (await failure(pool, server.origin)).code == "upstream_protocol_error"
        assert len(server.peers) == 2


async def test_it_is_not_replaced_once_the_answer_has_begun(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await peer.request()
        await peer.say(b"HTTP/1.1 2")

    async with serving(run) as server:
        assert await call(pool, server.origin) == b"ok"
        assert (await failure(pool, server.origin)).code == "upstream_protocol_error"
        assert len(server.peers) == 1


# giving back, closing


async def test_close_closes_what_is_kept(pool: Pool) -> None:
    left: list[int] = []

    async def run(peer: Peer) -> None:
        await peer.request()
        await together.wait()
        await peer.answer(b"ok")
        await peer.gone()
        left.append(peer.number)
        if len(left) == 2:
            done.set()

    together, done = asyncio.Barrier(2), asyncio.Event()
    async with serving(run) as server:
        await asyncio.gather(*(call(pool, server.origin) for _ in range(2)))
        pool.close()
        async with asyncio.timeout(10):
            await done.wait()
    assert sorted(left) == [0, 1]


async def test_what_is_not_old_yet_does_not_expire(pool: Pool) -> None:
    async with serving(echo) as server:
        await call(pool, server.origin)
        pool.close_expired()
        assert await call(pool, server.origin) == b"0.2"


# failing


async def test_a_provider_that_is_not_there(pool: Pool) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused, and nobody else's
        error = await failure(pool, Origin("http", "127.0.0.1", taken.getsockname()[1]))
    assert (error.code, error.kind.status) == ("upstream_unreachable", 502)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "a" * 64 + ".example"])
async def test_a_name_that_does_not_resolve(pool: Pool, host: str) -> None:
    assert (await failure(pool, Origin("http", host, 80))).code == "upstream_unreachable"


async def test_an_address_that_is_not_allowed_is_not_connected_to() -> None:
    pool = Pool(Guard([ipaddress.ip_network("10.0.0.0/8")]), Timeouts())
    async with serving(echo) as server:
        assert (await failure(pool, server.origin)).code == "upstream_unreachable"
        assert (await failure(pool, Origin("http", "localhost", server.port))).code == "upstream_unreachable"
        await turns()
        assert server.peers == []


async def test_a_provider_that_never_answers(make_pool: MakePool) -> None:
    pool = make_pool(Timeouts(connect=20, first_byte=0.05, idle=20))
    left = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n")
        await peer.gone()
        left.set()

    async with serving(run) as server:
        error = await failure(pool, server.origin)
        assert (error.code, error.kind.status) == ("upstream_timeout", 504)
        assert len(server.peers) == 1
        async with asyncio.timeout(10):
            await left.wait()


async def test_a_kept_connection_that_never_answers_is_not_replaced(make_pool: MakePool) -> None:
    pool = make_pool(Timeouts(connect=20, first_byte=0.2, idle=20))

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"ok")
        await peer.gone()

    async with serving(run) as server:
        assert await call(pool, server.origin) == b"ok"
        assert (await failure(pool, server.origin)).code == "upstream_timeout"
        assert len(server.peers) == 1


async def test_a_provider_that_stops_in_the_middle(make_pool: MakePool) -> None:
    pool = make_pool(Timeouts(connect=20, first_byte=20, idle=0.05))

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nok")
        await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.read() == b"ok"
            with pytest.raises(GatewayError) as stopped:
                await answer.read()
            assert stopped.value.code == "upstream_timeout"


async def test_a_provider_that_never_finishes_its_handshake(make_pool: MakePool) -> None:
    pool = make_pool(Timeouts(connect=0.05, first_byte=20, idle=20))

    async def run(peer: Peer) -> None:
        await peer.gone()

    async with serving(run) as server:
        error = await failure(pool, Origin("https", "127.0.0.1", server.port))
        assert error.code == "upstream_timeout"


# TLS: see test_tls.py


async def test_a_provider_without_tls_where_tls_was_meant(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.answer(b"plain")

    async with serving(run) as server:
        assert (await failure(pool, Origin("https", "localhost", server.port))).code == "upstream_unreachable"
