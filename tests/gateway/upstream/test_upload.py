"""Requests whose body is sent as it comes: framing, back-pressure, answers that do not wait, and every way to stop."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.upstream.connection import Connection
from gateway.upstream.pool import Answer, Pool, Timeouts
from gateway.upstream.tls import client_context
from gateway.upstream.upload import PIECE, Upload, pieces
from tests.gateway.upstream.certificates import Authority
from tests.gateway.upstream.conftest import MakePool
from tests.gateway.upstream.server import Elsewhere, Peer, reset_at_close, serving, standstill, turns

CHUNKED = b"POST /v1/audio HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n"
BLOCK = bytes(range(256)) * 256


def sized(length: int) -> bytes:
    return b"POST /v1/audio HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % length


async def of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def whole(answer: Answer) -> bytes:
    with answer:
        return b"".join([part async for part in parts(answer)])


async def parts(answer: Answer) -> AsyncIterator[bytes]:
    while part := await answer.read():
        yield part


async def chunked_body(peer: Peer) -> bytes:
    """The body of a chunked request, to its end."""
    body = b""
    while size := int(await peer.reader.readline(), 16):
        body += await peer.reader.readexactly(size)
        assert await peer.reader.readexactly(2) == b"\r\n"
    assert await peer.reader.readexactly(2) == b"\r\n"
    return body


class Source:
    """A body without end that says how much of it was fetched, and how it ended."""

    def __init__(self, *, limit: int = 1 << 40, failure: BaseException | None = None) -> None:
        self.fetched = 0
        self.ended = asyncio.Event()
        self._limit = limit
        self._failure = failure

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            while self.fetched < self._limit:
                self.fetched += len(BLOCK)
                yield BLOCK
                await asyncio.sleep(0)
            if self._failure is not None:
                raise self._failure
            await asyncio.Event().wait()  # a caller who says no more
        finally:
            self.ended.set()

    async def has_ended(self) -> None:
        async with asyncio.timeout(10):
            await self.ended.wait()


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> AsyncIterator[None]:
    """No task outlives its call."""
    yield
    await turns()
    assert asyncio.all_tasks() == {asyncio.current_task()}


# framing


@given(st.lists(st.binary(max_size=100) | st.just(b"x" * (2 * PIECE + 1)), max_size=5), st.booleans())
@settings(max_examples=60)
def test_pieces(chunks: list[bytes], chunked: bool) -> None:
    async def run() -> list[list[bytes | memoryview]]:
        return [piece async for piece in pieces(Upload(of(*chunks), chunked))]

    made = asyncio.run(run())
    sent = b"".join(b"".join(piece) for piece in made)
    assert all(sum(map(len, piece)) <= PIECE + 20 for piece in made)
    if chunked:
        body, rest = b"", sent
        while not rest.startswith(b"0\r\n"):
            size, _, rest = rest.partition(b"\r\n")
            body, end, rest = body + rest[: int(size, 16)], rest[int(size, 16) :][:2], rest[int(size, 16) + 2 :]
            assert end == b"\r\n"
        assert rest == b"0\r\n\r\n"
    else:
        body = sent
    assert body == b"".join(chunks)


@pytest.mark.parametrize("chunks", [[b"hello ", b"", b"world"], [], [b""], [BLOCK, b"x"]])
async def test_a_chunked_upload(pool: Pool, chunks: list[bytes]) -> None:
    async def run(peer: Peer) -> None:
        assert await peer.reader.readuntil(b"\r\n\r\n") == CHUNKED
        await peer.answer(await chunked_body(peer))

    async with serving(run) as server:
        assert await whole(await pool.request(server.origin, CHUNKED, Upload(of(*chunks), True))) == b"".join(chunks)


async def test_an_upload_of_known_length(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        await peer.answer((await peer.request())[-11:])

    async with serving(run) as server:
        upload = Upload(of(b"hello ", b"world"), False)
        assert await whole(await pool.request(server.origin, sized(11), upload)) == b"hello world"


async def test_each_part_is_sent_as_it_comes(pool: Pool) -> None:
    arrived = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield b"first"
        await arrived.wait()
        yield b"second"

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        assert await peer.reader.readexactly(10) == b"5\r\nfirst\r\n"
        arrived.set()
        assert await chunked_body(peer) == b"second"
        await peer.answer(b"ok")

    async with serving(run) as server:
        assert await whole(await pool.request(server.origin, CHUNKED, Upload(source(), True))) == b"ok"


# connections


async def test_an_upload_takes_a_new_connection_and_leaves_it_to_others(pool: Pool) -> None:
    async def run(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"%d" % peer.number)

    async with serving(run) as server:
        assert await whole(await pool.request(server.origin, sized(2), b"{}")) == b"0"
        assert await whole(await pool.request(server.origin, sized(2), Upload(of(b"{}"), False))) == b"1"
        assert await whole(await pool.request(server.origin, sized(2), b"{}")) == b"1"
        assert [len(peer.requests) for peer in server.peers] == [1, 2]


async def test_long_bytes_are_said_again_on_a_new_connection(pool: Pool) -> None:
    body = BLOCK * 16

    async def run(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"%d" % peer.number)
        if peer.number == 0:
            await peer.reader.readexactly(100_000)
            peer.reset()
        else:
            await peer.gone()

    async with serving(run) as server:
        assert await whole(await pool.request(server.origin, sized(2), b"{}")) == b"0"
        assert await whole(await pool.request(server.origin, sized(len(body)), body)) == b"1"
        assert len(server.peers) == 2


# back-pressure


async def test_an_upstream_that_is_slow_holds_the_source_back(pool: Pool) -> None:
    source, arrived, go, size = Source(limit=64 << 20), asyncio.Event(), asyncio.Event(), 64 << 20

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await go.wait()
        digest, left = hashlib.sha256(), size
        while left:
            data = await peer.reader.read(1 << 20)
            digest.update(data)
            left -= len(data)
        await peer.answer(digest.hexdigest().encode())

    async with serving(run) as server:
        call = asyncio.create_task(pool.request(server.origin, sized(size), Upload(source.chunks(), False)))
        await arrived.wait()
        stalled = await standstill(lambda: source.fetched)
        assert 0 < stalled < size // 2
        go.set()
        expected = hashlib.sha256(BLOCK * (size // len(BLOCK))).hexdigest().encode()
        assert await whole(await call) == expected
    await source.has_ended()


@pytest.mark.parametrize("long", [True, False])
async def test_an_upstream_that_takes_nothing_more(make_pool: MakePool, long: bool) -> None:
    pool = make_pool(Timeouts(connect=20, first_byte=20, idle=0.05))
    source = Source()
    body = BLOCK * 480 if long else Upload(source.chunks(), True)
    done = asyncio.Event()

    async def run(peer: Peer) -> None:
        await done.wait()

    async with serving(run) as server:
        with pytest.raises(GatewayError) as stopped:
            await pool.request(server.origin, sized(len(BLOCK) * 480) if long else CHUNKED, body)
        assert stopped.value.code == "upstream_timeout"
        done.set()
    if not long:
        await source.has_ended()


async def test_an_upstream_that_does_not_take_a_body_written_at_once() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        buffer = memoryview(bytearray(65536))
        _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(buffer), sock=ours)
        connection.send(sized(200_000), b"x" * 200_000, 0.05)
        with pytest.raises(GatewayError) as stopped:
            await connection.sent()
            await connection.head(20)
        assert stopped.value.code == "upstream_timeout"
        assert "taking" in stopped.value.message


async def test_a_slow_caller_is_not_the_upstreams_fault(make_pool: MakePool) -> None:
    pool = make_pool(Timeouts(connect=20, first_byte=0.2, idle=0.2))
    go = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        yield b"first"
        await go.wait()
        yield b"last"

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
        assert await chunked_body(peer) == b"firstlast"
        await peer.say(b"4\r\ndone\r\n0\r\n\r\n")

    async with serving(run) as server:
        answer = await pool.request(server.origin, CHUNKED, Upload(source(), True))
        asyncio.get_running_loop().call_later(0.7, go.set)  # longer than an upstream may be silent
        assert await whole(answer) == b"okdone"


async def test_the_first_byte_is_waited_for_from_the_uploads_end(make_pool: MakePool) -> None:
    pool = make_pool(Timeouts(connect=20, first_byte=0.1, idle=20))
    go = asyncio.Event()

    async def source() -> AsyncIterator[bytes]:
        asyncio.get_running_loop().call_later(0.3, go.set)
        await go.wait()
        yield b"x"

    async def answers(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await chunked_body(peer)
        await peer.answer(b"ok")

    async def silent(peer: Peer) -> None:
        await peer.gone()

    async with serving(answers) as server:
        assert await whole(await pool.request(server.origin, CHUNKED, Upload(source(), True))) == b"ok"
    async with serving(silent) as server:
        with pytest.raises(GatewayError) as stopped:
            await pool.request(server.origin, CHUNKED, Upload(of(b"x"), True))
        assert stopped.value.code == "upstream_timeout"


# answers that come early


@pytest.mark.parametrize("close", [True, False])
async def test_an_early_answer_ends_the_upload(pool: Pool, close: bool) -> None:
    source, left = Source(), asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n" + (b"connection: close\r\n" if close else b"")
        await peer.say(head + b"\r\nbig")
        await peer.gone()
        left.set()

    async with serving(run) as server:
        with await pool.request(server.origin, CHUNKED, Upload(source.chunks(), True)) as answer:
            assert (answer.status, b"".join([part async for part in parts(answer)])) == (413, b"big")
            await source.has_ended()  # with the answer, not with the call
        async with asyncio.timeout(10):
            await left.wait()  # closed, not kept
        assert len(server.peers) == 1


@pytest.mark.parametrize("kind", ["source", "slow source", "bytes"])
async def test_an_early_answer_outlives_the_reset_behind_it(pool: Pool, kind: str) -> None:
    """The upstream answers and closes with our bytes unread, so that its kernel resets the connection."""
    source = Source(limit=len(BLOCK) if kind == "slow source" else 1 << 40)
    size = len(BLOCK) * 480
    body = BLOCK * 480 if kind == "bytes" else Upload(source.chunks(), False)

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000)
        await peer.arrived()
        peer.reset()

    async with serving(run) as server:
        for _ in range(20):
            answer = await pool.request(server.origin, sized(size), body)
            assert (answer.status, await whole(answer)) == (413, b"x" * 60_000)
            source = Source(limit=len(BLOCK) if kind == "slow source" else 1 << 40)
            body = body if isinstance(body, bytes) else Upload(source.chunks(), False)


@pytest.mark.parametrize("secure", [False, True])
async def test_an_early_answer_is_read_before_a_write_finds_the_reset(
    make_pool: MakePool, tmp_path: Path, secure: bool
) -> None:
    """Answer and reset come while this loop is held, and the next thing to do is to write."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        reset_at_close(connection)

    async def source() -> AsyncIterator[bytes]:
        assert upstream.done.wait(10)
        for _ in range(3):
            yield BLOCK

    authority = Authority(tmp_path)
    pool = make_pool(Timeouts(20, 20, 20), client_context(str(authority.file)))
    with Elsewhere(refuse, authority.server("localhost") if secure else None) as upstream:
        answer = await pool.request(upstream.origin, CHUNKED, Upload(source(), True))
        assert (answer.status, await whole(answer)) == (413, b"big")


async def test_an_answer_that_streams_while_the_request_does(pool: Pool) -> None:
    """Each part of the request is asked for by the part of the answer before it."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def source() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"<" + await heard.get() + b">"

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n0\r\n")
        for n in range(1, 6):
            assert await peer.reader.readexactly(8) == b"3\r\n<%d>\r\n" % (n - 1)
            await peer.say(b"1\r\n%d\r\n" % n)
        assert await peer.reader.readexactly(5) == b"0\r\n\r\n"
        await peer.say(b"0\r\n\r\n")
        await peer.request()
        await peer.answer(b"kept")

    async with serving(run) as server:
        told = b""
        with await pool.request(server.origin, CHUNKED, Upload(source(), True)) as answer:
            async for part in parts(answer):
                told += part
                heard.put_nowait(part)
        assert told == b"012345"
        assert await whole(await pool.request(server.origin, sized(0), b"")) == b"kept"


async def test_an_early_answer_left_in_the_middle_ends_the_upload(pool: Pool) -> None:
    source = Source()

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        await peer.gone()

    async with serving(run) as server:
        with await pool.request(server.origin, CHUNKED, Upload(source.chunks(), True)) as answer:
            assert await answer.read() == b"hello"
        await source.has_ended()
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()


# sources that break, callers that leave


class CallerLeft(Exception):
    """What a source may raise."""


@pytest.mark.parametrize(
    "failure", [CallerLeft("gone"), TimeoutError("the caller's own"), GatewayError("invalid_json")]
)
@pytest.mark.parametrize("answered", [True, False])
async def test_a_source_that_breaks(pool: Pool, answered: bool, failure: Exception) -> None:
    reading = asyncio.Event()
    sent: list[bytes] = []

    async def source() -> AsyncIterator[bytes]:
        yield b"half"
        await reading.wait()
        raise failure

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        sent.append(await peer.reader.readexactly(9))
        if answered:
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        else:
            reading.set()
        with contextlib.suppress(ConnectionError):
            sent.append(await peer.reader.read())

    async def read_both() -> None:
        with await pool.request(server.origin, CHUNKED, Upload(source(), True)) as answer:
            assert await answer.read() == b"hello"
            reading.set()
            await answer.read()

    async with serving(run) as server:
        with pytest.raises(type(failure)) as raised:
            await read_both()
        assert raised.value is failure
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()
    assert b"".join(sent) == b"4\r\nhalf\r\n", "nothing that looks like an end"


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("kind", ["waiting source", "full socket", "bytes"])
async def test_a_call_that_is_cancelled(pool: Pool, kind: str, answered: bool) -> None:
    source = Source(limit=len(BLOCK) if kind == "waiting source" else 1 << 40)
    body = BLOCK * 480 if kind == "bytes" else Upload(source.chunks(), True)
    head = sized(len(BLOCK) * 480) if kind == "bytes" else CHUNKED
    arrived, leave = asyncio.Event(), asyncio.Event()

    async def run(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        if answered:
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        arrived.set()
        await leave.wait()
        await peer.gone()

    async def call() -> None:
        with await pool.request(server.origin, head, body) as answer:
            assert await answer.read() == b"hello"
            await answer.read()

    async with serving(run) as server:
        task = asyncio.create_task(call())
        await arrived.wait()
        await standstill(lambda: source.fetched)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if kind != "bytes":
            await source.has_ended()
        leave.set()
        async with asyncio.timeout(10):
            await server.peers[0].ended.wait()
