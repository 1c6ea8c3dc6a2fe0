"""What an Exchange promises, whichever adapter makes it: our own protocol, and ASGI under uvicorn's."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.exchange import CallerGone, Exchange
from tests.support.raw import Cut, Raw, chunked, request
from tests.support.servers import Adapter, Server, Signal, serving

_MEGABYTE = 1 << 20
_BODIES = 50 * _MEGABYTE
_BOUND = 16 * _MEGABYTE  # the kernel's buffers on both sides, and a little


@pytest.fixture(params=["http", "asgi"], scope="module")
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """Each adapter in its turn."""
    made: Adapter = request.param
    return made


async def whole(exchange: Exchange) -> bytes:
    parts = []
    while part := await exchange.read():
        parts.append(part)
    assert await exchange.read() == b"", "after the end there is no more"
    return b"".join(parts)


async def answer(exchange: Exchange, body: bytes, status: int = 200, *, length: bool = True) -> None:
    exchange.start(status, [(b"x-a", b"1"), *([(b"content-length", b"%d" % len(body))] if length else [])])
    exchange.write(body)
    await exchange.end()


async def echo(exchange: Exchange) -> None:
    await answer(exchange, await whole(exchange))


@pytest.fixture(scope="module")
def echoing(adapter: Adapter) -> Iterator[Server]:
    """A server that says what it was sent."""
    with serving(echo, adapter) as server:
        yield server


def in_packets(data: bytes, cuts: list[int]) -> list[bytes]:
    """The bytes, cut at these places (taken round the length)."""
    places = sorted({cut % len(data) for cut in cuts} - {0})
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]


# the request

PARTS = st.lists(st.binary(min_size=1, max_size=300), max_size=5)
CUTS = st.lists(st.integers(0, 5000), max_size=6)
QUICK = settings(max_examples=60)


@given(requests=st.lists(st.tuples(PARTS, st.booleans()), min_size=1, max_size=4), cuts=CUTS)
@QUICK
def test_bodies_of_any_framing_in_any_packets_on_one_connection(
    echoing: Server, requests: list[tuple[list[bytes], bool]], cuts: list[int]
) -> None:
    with Raw(echoing.url) as caller:
        for parts, by_length in requests:
            body = b"".join(parts)
            if by_length:
                sent = request("POST", "/", body=body)
            else:
                sent = chunked("POST", "/", parts=tuple(parts), trailer="x-trailer: dropped\r\n")
            caller.send(*in_packets(sent, cuts))
            assert caller.answer().body == body


@given(bodies=st.lists(st.binary(max_size=50), min_size=3, max_size=7), cuts=CUTS)
@QUICK
def test_requests_sent_ahead_are_answered_in_their_order(echoing: Server, bodies: list[bytes], cuts: list[int]) -> None:
    with Raw(echoing.url) as caller:
        sent = b"".join(request("POST", "/", body=body) for body in bodies)
        caller.send(*in_packets(sent, cuts))
        assert [caller.answer().body for _ in bodies] == bodies


def test_the_head_as_it_was_sent(adapter: Adapter) -> None:
    async def handler(exchange: Exchange) -> None:
        said = (exchange.method, exchange.path, exchange.query, exchange.headers, exchange.started, exchange.gone)
        await answer(exchange, repr(said).encode())

    with serving(handler, adapter) as server, Raw(server.url) as caller:
        headers = [(b"host", b"gateway"), (b"x-a", b"1"), (b"x-b", b""), (b"x-a", b"2, \xe9")]
        told = caller.ask("PUT", "/v1/a%2Fb//c;d?x=%20&y", "X-A: 1", "x-b:", "x-A:   2, \xe9").body
        assert told == repr(("PUT", "/v1/a%2Fb//c;d", b"x=%20&y", headers, False, False)).encode()


# the answer


@pytest.mark.parametrize("status", [200, 201, 404, 503])
def test_an_answer_with_its_length(adapter: Adapter, status: int) -> None:
    with (
        serving(lambda exchange: answer(exchange, b"hello", status), adapter) as server,
        Raw(server.url) as caller,
    ):
        for _ in range(2):
            told = caller.ask("GET", "/")
            assert (told.status, told.header("x-a"), told.body) == (status, ["1"], b"hello")
            assert (told.header("content-length"), told.chunked, told.closes) == (["5"], False, False)


def test_an_answer_without_its_length(adapter: Adapter) -> None:
    with (
        serving(lambda exchange: answer(exchange, b"hello", length=False), adapter) as server,
        Raw(server.url) as caller,
    ):
        for _ in range(2):
            told = caller.ask("GET", "/")
            assert (told.body, told.chunked, told.closes) == (b"hello", True, False)


def test_an_answer_comes_piece_by_piece(adapter: Adapter) -> None:
    pieces = [(b"%d" % number * 10, Signal()) for number in range(4)]

    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [])
        await exchange.drain()
        for piece, taken in pieces:
            exchange.write(piece[:3])
            exchange.write(b"")
            exchange.write(piece[3:])
            await exchange.drain()
            await taken.reached()
        await exchange.end()

    with serving(handler, adapter) as server, Raw(server.url) as caller:
        caller.send(request("GET", "/"))
        assert caller.head().status == 200
        for piece, taken in pieces:
            got = b""
            while len(got) < len(piece):
                got += caller.chunk()
            assert got == piece
            taken.set()
        assert caller.chunk() == b""


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("HEAD", 404), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("length", [True, False])
def test_an_answer_that_has_no_body(adapter: Adapter, method: str, status: int, length: bool) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/after":
            await echo(exchange)
            return
        exchange.start(status, [(b"content-length", b"5")] if length and method == "HEAD" else [])
        if method == "HEAD":
            exchange.write(b"hello")
        await exchange.end()

    with serving(handler, adapter) as server, Raw(server.url) as caller:
        told = caller.ask(method, "/")
        assert told.status == status
        assert told.header("content-length") == (["5"] if length and method == "HEAD" else [])
        assert caller.ask("POST", "/after", body=b"x").body == b"x", "nothing stands between the answers"


@pytest.mark.parametrize(("headers", "version"), [((), "1.0"), (("connection: close",), "1.1")])
def test_a_connection_that_is_to_end_with_its_answer(echoing: Server, headers: tuple[str], version: str) -> None:
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", *headers, body=b"hello", version=version))
        assert caller.answer().body == b"hello"
        assert caller.rest() == b""


def test_an_answer_that_is_cut_says_what_was_written_and_no_end(adapter: Adapter) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.write(b"first")
        await exchange.drain()
        exchange.write(b" last")
        exchange.cut()

    with serving(handler, adapter) as server, Raw(server.url) as caller, pytest.raises(Cut, match="first last"):
        caller.ask("GET", "/")


@pytest.mark.parametrize("length", [True, False])
def test_an_answer_that_is_aborted_is_never_taken_for_a_whole_one(adapter: Adapter, length: bool) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-length", b"20")] if length else [])
        exchange.write(b"first")
        await exchange.drain()
        exchange.abort()
        exchange.abort()

    with serving(handler, adapter) as server, Raw(server.url) as caller, pytest.raises(Cut):
        caller.ask("GET", "/")


def test_a_handler_that_fails_leaves_no_answer_that_looks_whole(adapter: Adapter) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.write(b"first")
        await exchange.drain()  # and returns

    with serving(handler, adapter) as server, Raw(server.url) as caller, pytest.raises(Cut):
        caller.ask("GET", "/")


# the caller leaves

LEAVING = pytest.mark.parametrize("leave", [Raw.leave, Raw.break_off, Raw.say_no_more])


class Told:
    """A handler's callback, and how often it was called."""

    def __init__(self) -> None:
        self.times = 0
        self.once = Signal()

    def __call__(self) -> None:
        self.times += 1
        self.once.set()


@LEAVING
def test_a_caller_who_leaves_in_its_request(adapter: Adapter, leave: Callable[[Raw], None]) -> None:
    arrived, noticed = Signal(), Signal()
    told = Told()
    seen: list[bool] = []

    async def handler(exchange: Exchange) -> None:
        exchange.on_gone(told)
        assert await exchange.read() == b"hel"
        arrived.set()
        with contextlib.suppress(CallerGone):
            await exchange.read()
            seen.append(False)
        seen.append(exchange.gone)
        exchange.abort()
        noticed.set()

    with serving(handler, adapter) as server, Raw(server.url) as caller:
        caller.send(request("POST", "/", "content-length: 5") + b"hel")
        assert arrived.wait()
        leave(caller)
        assert noticed.wait()
    assert seen == [True]
    assert told.times == (1 if adapter == "http" else 0), "over ASGI the read says it"


@LEAVING
@pytest.mark.parametrize("streams", [False, True])
def test_a_caller_who_leaves_while_it_waits_or_takes(
    adapter: Adapter, leave: Callable[[Raw], None], streams: bool
) -> None:
    waiting = Signal()
    told = Told()
    seen: list[bool] = []

    async def handler(exchange: Exchange) -> None:
        await whole(exchange)
        exchange.on_gone(told)
        if streams:
            exchange.start(200, [])
            exchange.write(b"first")
            await exchange.drain()
        waiting.set()
        await told.once.reached()
        seen.append(exchange.gone)
        exchange.abort()

    with serving(handler, adapter) as server, Raw(server.url) as caller:
        caller.send(request("POST", "/", body=b"hello"))
        assert waiting.wait()
        if streams:
            assert caller.head().status == 200
        leave(caller)
        assert told.once.wait()
    assert (told.times, seen) == (1, [True])


def test_a_caller_who_leaves_while_it_does_not_read(adapter: Adapter) -> None:
    full, ended = Signal(), Signal()
    told = Told()

    async def handler(exchange: Exchange) -> None:
        await whole(exchange)
        exchange.on_gone(told)
        exchange.start(200, [])
        with contextlib.suppress(CallerGone):
            while not exchange.gone:
                exchange.write(bytes(_MEGABYTE))
                draining = asyncio.ensure_future(exchange.drain())
                if not (await asyncio.wait({draining}, timeout=0.3))[0]:
                    full.set()
                await draining
        exchange.abort()
        ended.set()

    with serving(handler, adapter) as server, Raw(server.url, receive_buffer=65536) as caller:
        caller.send(request("GET", "/"))
        assert full.wait()
        caller.leave()
        assert ended.wait()
    assert told.times == 1


def test_nobody_is_told_of_a_caller_who_leaves_after_its_answer(adapter: Adapter) -> None:
    told = Told()

    async def handler(exchange: Exchange) -> None:
        await whole(exchange)
        exchange.on_gone(told)
        await answer(exchange, b"hello")

    with serving(handler, adapter) as server:
        with Raw(server.url) as caller:
            assert caller.ask("POST", "/", body=b"x").body == b"hello"
            assert caller.ask("POST", "/", body=b"x").body == b"hello"
        with Raw(server.url) as caller:
            assert caller.ask("GET", "/").body == b"hello"
    assert told.times == 0


# back-pressure


def test_a_caller_who_takes_nothing_costs_a_bounded_buffer(adapter: Adapter) -> None:
    stopped, written = Signal(), [0]

    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [])
        for _ in range(_BODIES // 65536):
            exchange.write(b"x" * 65536)
            draining = asyncio.ensure_future(exchange.drain())
            if not (await asyncio.wait({draining}, timeout=0.5))[0]:
                stopped.set()
            await draining
            written[0] += 65536
        await exchange.end()

    with serving(handler, adapter) as server, Raw(server.url, receive_buffer=65536) as caller:
        caller.send(request("GET", "/"))
        assert stopped.wait()
        assert 0 < written[0] < _BOUND
        assert len(caller.answer().body) == _BODIES, "it goes on where it stopped"


@pytest.mark.parametrize("by_length", [True, False])
def test_a_body_that_nobody_reads_costs_a_bounded_buffer(adapter: Adapter, by_length: bool) -> None:
    go_on = Signal()

    async def handler(exchange: Exchange) -> None:
        await go_on.reached()
        size = 0
        while part := await exchange.read():
            size += len(part)
        await answer(exchange, b"%d" % size)

    body = b"x" * _BODIES
    with serving(handler, adapter) as server, Raw(server.url) as caller:
        if by_length:
            caller.send(request("POST", "/", f"content-length: {len(body)}"))
            sent = caller.send_until_full(body)
            assert sent < _BOUND
            go_on.set()
            caller.send(body[sent:])
        else:
            data = b"".join(b"10000\r\n%b\r\n" % body[at : at + 65536] for at in range(0, len(body), 65536))
            data += b"0\r\n\r\n"
            caller.send(request("POST", "/", "transfer-encoding: chunked"))
            sent = caller.send_until_full(data)
            assert sent < _BOUND
            go_on.set()
            caller.send(data[sent:])
        assert caller.answer().body == b"%d" % _BODIES
