"""One connection against a real server: every way in which an answer may come, end and break."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.upstream.addresses import Guard
from gateway.upstream.connection import Connection
from gateway.upstream.pool import Answer, Pool
from tests.gateway.upstream.server import Elsewhere, Peer, reset_at_close, serving, standstill, turns

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
async def nothing_unhandled() -> AsyncIterator[None]:
    """Whatever the event loop would only have logged fails the test."""
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    yield
    assert unhandled == []


async def whole(answer: Answer) -> bytes:
    parts = []
    while part := await answer.read():
        parts.append(part)
    return b"".join(parts)


async def asked(pool: Pool, script: list[bytes], *, close: bool = True) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of the answer that `script` is."""

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(*script)
        if not close:
            await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            body = await whole(answer)
            assert await answer.read() == b"", "the end stays the end"
            return answer.status, answer.headers, body


def bytewise(answer: bytes) -> list[bytes]:
    return [answer[n : n + 1] for n in range(len(answer))]


CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("script", "body"),
    [
        pytest.param([OK + b"content-length: 5\r\n\r\nhello"], b"hello", id="content-length"),
        pytest.param([OK + b"content-length: 5\r\n\r\n", b"he", b"llo"], b"hello", id="content-length in parts"),
        pytest.param([OK + b"content-length: 0\r\n\r\n"], b"", id="no body"),
        pytest.param([CHUNKED], b"hello world", id="chunked"),
        pytest.param(bytewise(CHUNKED), b"hello world", id="chunked, byte by byte"),
        pytest.param([OK + b"\r\n", b"he", b"llo"], b"hello", id="until the connection ends"),
        pytest.param([b"HTTP/1.0 200 OK\r\n\r\nhello"], b"hello", id="HTTP/1.0"),
        pytest.param([OK + b"transfer-encoding: identity\r\n\r\nhello"], b"hello", id="identity"),
        pytest.param([b"HTTP/1.1 204 No Content\r\n\r\n"], b"", id="204"),
        pytest.param([b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"], b"", id="304"),
        pytest.param([OK + b"content-length: 3\r\n\r\n\0\xff\n"], b"\0\xff\n", id="any bytes"),
    ],
)
async def test_answers(pool: Pool, script: list[bytes], body: bytes) -> None:
    assert (await asked(pool, script))[2] == body


@pytest.mark.parametrize("framing", [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b""])
async def test_a_head_request_has_no_body_and_leaves_its_connection(pool: Pool, framing: bytes) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + framing + b"\r\n")
        await peer.request()
        await peer.answer(b"next")

    async with serving(run) as server:
        with await pool.request(server.origin, b"HEAD /v1/models HTTP/1.1\r\nhost: here\r\n\r\n", b"") as answer:
            assert (answer.status, await whole(answer)) == (200, b"")
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await whole(answer) == b"next"
        assert len(server.peers) == 1


async def test_status_and_headers_as_they_came(pool: Pool) -> None:
    head = (
        b"HTTP/1.1 429 Slow Down\r\nX-Request-ID: req_1\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\n"
    )
    status, headers, body = await asked(pool, [head, b"no"])
    assert (status, body) == (429, b"no")
    assert headers == [
        (b"x-request-id", b"req_1"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"b"),
        (b"content-length", b"2"),
    ]


@pytest.mark.parametrize("separately", [True, False])
async def test_interim_answers_are_passed_over(pool: Pool, separately: bool) -> None:
    script = [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
        OK + b"content-length: 2\r\nx-a: 1\r\n\r\nok",
    ]
    status, headers, body = await asked(pool, script if separately else [b"".join(script)])
    assert (status, headers, body) == (200, [(b"content-length", b"2"), (b"x-a", b"1")], b"ok")


async def test_a_second_answer_in_the_same_segment_is_not_mixed_into_the_first(pool: Pool) -> None:
    first = OK + b"x-first: 1\r\ncontent-length: 5\r\n\r\nfirst"
    second = b"HTTP/1.1 500 No\r\nx-second: 1\r\ncontent-length: 6\r\n\r\nsecond"

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(first + second)
        await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await whole(answer) == b"first"
            assert (answer.status, answer.headers) == (200, [(b"x-first", b"1"), (b"content-length", b"5")])
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()  # what answers unasked is not kept


async def test_trailers_are_not_headers(pool: Pool) -> None:
    head = OK + b"transfer-encoding: chunked\r\n\r\n"
    _, headers, body = await asked(pool, [head, b"2\r\nok\r\n0\r\nset-cookie: a\r\n\r\n"])
    assert (headers, body) == ([(b"transfer-encoding", b"chunked")], b"ok")


async def test_trailers_without_end(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
        while True:
            await peer.say(b"x: " + b"y" * 10_000 + b"\r\n")

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            with pytest.raises(GatewayError) as failed:
                await whole(answer)
            assert failed.value.code == "upstream_protocol_error"


async def test_the_first_bytes_are_given_before_the_last_are_sent(pool: Pool) -> None:
    read = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n6\r\nfirst \r\n")
        await read.wait()
        await peer.say(b"4\r\nlast\r\n0\r\n\r\n")

    async with serving(script) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.read() == b"first "
            read.set()
            assert await whole(answer) == b"last"


async def test_the_request_arrives_as_it_was_written(pool: Pool) -> None:
    body = bytes(range(256)) * 8192
    head = b"POST /v1/x?y=z HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % len(body)
    arrived: list[bytes] = []

    async def script(peer: Peer) -> None:
        arrived.append(await peer.request())
        await peer.answer(b"")

    async with serving(script) as server:
        with await pool.request(server.origin, head, body) as answer:
            assert await whole(answer) == b""
    assert arrived == [head + body]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([OK + b"content-length: 10\r\n\r\nhello"], id="content-length"),
        pytest.param([OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"], id="chunked, between chunks"),
        pytest.param([OK + b"transfer-encoding: chunked\r\n\r\n9\r\nhello"], id="chunked, inside a chunk"),
        pytest.param(
            [OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"], id="chunked, before its last line"
        ),
    ],
)
async def test_an_answer_that_is_cut(pool: Pool, script: list[bytes]) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(*script)

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.read() == b"hello"
            with pytest.raises(GatewayError) as cut:
                await answer.read()
            assert cut.value.code == "upstream_disconnected"


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x46", id="a TLS alert"),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nx",
            id="another protocol from here on",
        ),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no status"),
        pytest.param(OK + b"content-length: x\r\n\r\n", id="no length"),
        pytest.param(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", id="two lengths"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="another protocol without its name"),
        pytest.param(OK + b"transfer-encoding: gzip\r\n\r\nx", id="a coding that nobody here undoes"),
        pytest.param(OK + b"x: 1\r\n y: 2\r\n\r\n", id="folded"),
        pytest.param(OK + b"x: 1\ny: 2\r\n\r\n", id="bare LF"),
        pytest.param(OK + b"x: 1\0\r\n\r\n", id="NUL in a header"),
        pytest.param(OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", id="length and chunked"),
        pytest.param(OK + b"x\0y: 1\r\n\r\n", id="NUL in a header's name"),
        pytest.param(OK + b"x-long: " + b"x" * 300_000, id="headers without end"),
        pytest.param(OK + b"x: 1\r\n" * 60_000, id="headers without number"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000, id="interim answers without end"),
    ],
)
async def test_garbage(pool: Pool, garbage: bytes) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(garbage)
        await peer.gone()

    async with serving(run) as server:
        with pytest.raises(GatewayError) as failed:
            await pool.request(server.origin, HEAD, b"{}")
        assert failed.value.code == "upstream_protocol_error"
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()


async def test_garbage_between_chunks(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nnothing hexadecimal\r\n")
        await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            with pytest.raises(GatewayError) as failed:
                await whole(answer)
            assert failed.value.code == "upstream_protocol_error"


@pytest.mark.parametrize("reset", [True, False])
async def test_a_connection_that_ends_before_any_answer(pool: Pool, reset: bool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        if reset:
            peer.reset()

    async with serving(run) as server:
        with pytest.raises(GatewayError) as failed:
            await pool.request(server.origin, HEAD, b"{}")
        assert failed.value.code == "upstream_protocol_error"
        assert len(server.peers) == 1, "a new connection is not tried twice"


async def test_a_slow_reader_holds_the_sender_back(pool: Pool) -> None:
    size = 64 << 20
    block = bytes(range(256)) * 256
    sent = 0

    async def run(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        peer.writer.transport.set_write_buffer_limits(0)
        await peer.say(OK + b"content-length: %d\r\n\r\n" % size)
        while sent < size:
            await peer.say(block)
            sent += len(block)

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            stalled = await standstill(lambda: sent)
            assert stalled < size // 2
            first = await answer.read()
            assert len(first) <= 128 * 1024, "what is held in memory for a caller who does not read"
            digest, total = hashlib.sha256(first), len(first)
            while part := await answer.read():
                digest.update(part)
                total += len(part)
    assert total == sent == size
    assert digest.digest() == hashlib.sha256(block * (size // len(block))).digest()


async def test_what_came_before_a_reset_outlives_the_write_that_finds_it(guard: Guard) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OK + b"content-length: 60000\r\n\r\n" + b"x" * 60_000)
        reset_at_close(connection)

    with Elsewhere(refuse) as upstream:
        loop = asyncio.get_running_loop()
        buffer = memoryview(bytearray(65536))
        _, connection = await loop.create_connection(lambda: Connection(buffer), "127.0.0.1", upstream.origin.port)
        connection.send(HEAD, b"{}")
        await turns(2)
        assert upstream.done.wait(10)
        assert connection.transport is not None
        for _ in range(2):  # the first finds a reset, the second a broken pipe
            connection.transport.write(b"more")
        await connection.head()
        body = b""
        while part := await connection.read():
            body += part
        assert (connection.status, body) == (200, b"x" * 60_000)


async def test_a_sink_is_given_each_part_as_it_comes(pool: Pool) -> None:
    given: list[bytes] = []
    more = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"content-length: 6\r\n\r\n" + b"ab")
        await more.wait()
        await peer.say(b"cd")
        await standstill(lambda: len(given))
        await peer.say(b"ef")

    def sink(part: bytes) -> bool:
        given.append(part)
        more.set()
        return True

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.pour(sink) is False
            assert await answer.pour(sink) is False, "the end stays the end"
    assert given == [b"ab", b"cd", b"ef"]


async def test_a_sink_that_has_enough_is_given_no_more_until_it_asks(pool: Pool) -> None:
    given: list[bytes] = []

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"content-length: 4\r\n\r\n" + b"ab")
        await peer.arrived()
        await peer.say(b"cd")

    def sink(part: bytes) -> bool:
        given.append(part)
        return False

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.pour(sink) is True
            before = list(given)
            await turns(20)
            assert given == before
            while await answer.pour(sink):
                pass
    assert b"".join(given) == b"abcd"


async def test_what_a_sink_raises_ends_the_answer_and_its_connection(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n")
        await turns(5)
        await peer.say(b"2\r\nab\r\n")
        await peer.gone()

    def sink(_: bytes) -> bool:
        raise KeyError("the sink's own")

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            with pytest.raises(KeyError, match="the sink's own"):
                await answer.pour(sink)
            async with asyncio.timeout(10):
                await server.peers[0].ended.wait()


@pytest.mark.parametrize("rest", [b"", b"zz\r\n"])
async def test_an_answer_that_breaks_while_it_is_poured(pool: Pool, rest: bytes) -> None:
    given: list[bytes] = []
    more = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n")
        await more.wait()
        await peer.say(rest)

    def sink(part: bytes) -> bool:
        given.append(part)
        more.set()
        return True

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer, pytest.raises(GatewayError) as error:
            await answer.pour(sink)
    assert error.value.code == ("upstream_protocol_error" if rest else "upstream_disconnected")
    assert given == [b"ab"]


async def test_a_pouring_that_is_cancelled_calls_its_sink_no_more(pool: Pool) -> None:
    given: list[bytes] = []
    go = asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"content-length: 4\r\n\r\n")
        await go.wait()
        await peer.say(b"abcd")
        await peer.gone()

    def sink(part: bytes) -> bool:
        given.append(part)
        return True

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            pouring = asyncio.create_task(answer.pour(sink))
            await turns(2)
            pouring.cancel()
            with pytest.raises(asyncio.CancelledError):
                await pouring
            go.set()
            async with asyncio.timeout(10):
                await server.peers[0].ended.wait()
    assert given == []


async def test_a_read_that_is_cancelled_closes_the_connection_before_the_call_is_left(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK + b"content-length: 10\r\n\r\nhello")
        await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.read() == b"hello"
            reading = asyncio.create_task(answer.read())
            await turns(2)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            async with asyncio.timeout(10):
                await server.peers[0].ended.wait()


async def test_an_answer_of_tiny_parts_is_held_back_sooner(pool: Pool) -> None:
    """What a part costs beside its bytes counts too."""
    sent = 0

    async def run(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n")
        while sent < 4_000:
            await peer.say(b"1\r\nx\r\n")
            sent += 1
            await turns(2)  # so that each is read by itself
        await peer.say(b"0\r\n\r\n")

    async with serving(run) as server:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            async with asyncio.timeout(10):
                await server.peers[0].ended.wait()
            assert len(await answer.read()) < 2_000
            await whole(answer)


@pytest.mark.parametrize("begun", [True, False])
async def test_a_cancelled_call_closes_its_connection_at_once(pool: Pool, begun: bool) -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.request()
        if begun:
            await peer.say(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
        arrived.set()
        await peer.gone()
        left.set()

    reading = asyncio.Event()

    async def call() -> None:
        with await pool.request(server.origin, HEAD, b"{}") as answer:
            assert await answer.read() == b"hello"
            reading.set()
            await answer.read()

    async with serving(run) as server:
        task = asyncio.create_task(call())
        await arrived.wait()
        if begun:
            await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(10):
            await left.wait()
