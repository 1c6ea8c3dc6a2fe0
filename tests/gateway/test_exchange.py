"""The ASGI adapter, its server's side played by hand: what is received, what is sent, and in which order."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from gateway.errors import GatewayError
from gateway.exchange import AsgiExchange, CallerGone

DISCONNECT: Message = {"type": "http.disconnect"}


def part(body: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Server:
    """An ASGI server's two callables. `incoming` is what the caller sends, `sent` what it got."""

    def __init__(self, *incoming: Message) -> None:
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        for message in incoming:
            self.incoming.put_nowait(message)
        self.sent: list[Message] = []
        self.room = asyncio.Event()
        self.room.set()

    async def receive(self) -> Message:
        return await self.incoming.get()

    async def send(self, message: Message) -> None:
        await self.room.wait()
        self.sent.append(message)

    def exchange(self, *headers: tuple[bytes, bytes], **scope: Any) -> AsgiExchange:
        plain = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "raw_path": b"/v1/chat/completions",
            "query_string": b"",
            "headers": headers,
        }
        return AsgiExchange({**plain, **scope}, self.receive, self.send)


def refused(error: pytest.ExceptionInfo[GatewayError]) -> str:
    return error.value.code


# the request


def test_the_head() -> None:
    exchange = Server().exchange((b"a", b"1"), (b"a", b"2"), method="GET", query_string=b"x=%20", raw_path=b"/v1/m%2Fn")
    assert (exchange.method, exchange.path, exchange.query) == ("GET", "/v1/m%2Fn", b"x=%20")
    assert exchange.headers == [(b"a", b"1"), (b"a", b"2")]
    assert not exchange.started
    assert not exchange.gone


@pytest.mark.parametrize("scope", [{"raw_path": None}, {"raw_path": b""}])
def test_a_server_that_gives_no_raw_path(scope: dict[str, Any]) -> None:
    assert Server().exchange(path="/v1/models", **scope).path == "/v1/models"


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        ([part()], b""),
        ([part(b"{}")], b"{}"),
        ([part(b"{", more=True), part(b"", more=True), part(b"}")], b"{}"),
        ([part(b"{}", more=True), part()], b"{}"),
        ([{"type": "http.request"}], b""),
    ],
)
async def test_the_body(messages: list[Message], body: bytes) -> None:
    assert await Server(*messages).exchange().body(2) == body


@pytest.mark.parametrize(
    "messages",
    [[part(b"12345")], [part(b"123", more=True), part(b"45")], [part(b"123", more=True), part(b"45", more=True)]],
)
async def test_a_body_over_the_limit_is_not_read_on(messages: list[Message]) -> None:
    server = Server(*messages)
    with pytest.raises(GatewayError) as error:
        await server.exchange().body(4)
    assert refused(error) == "request_too_large"


async def test_a_body_that_says_it_is_too_long_is_not_read_at_all() -> None:
    server = Server(part(b"12345"))
    with pytest.raises(GatewayError) as error:
        await server.exchange((b"content-length", b"5")).body(4)
    assert refused(error) == "request_too_large"
    assert server.incoming.qsize() == 1


async def test_a_body_of_exactly_the_limit() -> None:
    assert await Server(part(b"1234")).exchange((b"content-length", b"4")).body(4) == b"1234"


async def test_what_arrives_counts_not_what_was_announced() -> None:
    with pytest.raises(GatewayError) as error:
        await Server(part(b"12345")).exchange((b"content-length", b"1")).body(4)
    assert refused(error) == "request_too_large"
    assert await Server(part(b"1")).exchange((b"content-length", b"junk")).body(4) == b"1"


@pytest.mark.parametrize("messages", [[DISCONNECT], [part(b"{", more=True), DISCONNECT]])
async def test_a_caller_who_leaves_before_the_request_is_whole(messages: list[Message]) -> None:
    exchange = Server(*messages).exchange()
    with pytest.raises(CallerGone):
        await exchange.body(10)
    assert exchange.gone


# the caller leaves


async def test_a_caller_who_leaves_is_told_of_once() -> None:
    server = Server(part(b"{}"))
    exchange = server.exchange()
    await exchange.body(10)
    gone: list[bool] = []
    left = asyncio.Event()

    def on_gone() -> None:
        gone.append(exchange.gone)
        left.set()

    exchange.on_gone(on_gone)
    assert not exchange.gone
    server.incoming.put_nowait(part(b"late"))
    server.incoming.put_nowait(DISCONNECT)
    server.incoming.put_nowait(DISCONNECT)
    await left.wait()
    exchange.close()
    assert gone == [True]


@pytest.mark.parametrize("how", ["end", "abort", "close"])
async def test_after_the_end_nobody_is_told_anything(how: str) -> None:
    server = Server(part(b"{}"))
    exchange = server.exchange()
    await exchange.body(10)
    told: list[None] = []
    exchange.on_gone(lambda: told.append(None))
    exchange.start(200, [])
    if how == "end":
        await exchange.end()
    elif how == "abort":
        exchange.abort()
    else:
        exchange.close()
    server.incoming.put_nowait(DISCONNECT)
    for _ in range(10):
        await asyncio.sleep(0)
    assert told == []


# the answer

HEAD: Message = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]}


def body(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_nothing_is_sent_before_it_is_drained() -> None:
    server = Server()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    exchange.write(b"x")
    assert server.sent == []
    assert not exchange.started, "an error could still be answered"
    await exchange.drain()
    assert server.sent == [HEAD, body(b"x", more=True)]


async def test_an_answer_has_started_once_its_head_is_out() -> None:
    exchange = Server().exchange()
    exchange.start(200, [])
    await exchange.drain()
    assert exchange.started


async def test_an_answer_in_its_order() -> None:
    server = Server()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    await exchange.drain()
    assert server.sent == [HEAD], "the head goes out before there is a body"
    exchange.write(b"a")
    exchange.write(b"b")
    await exchange.drain()
    await exchange.drain()
    exchange.write(b"c")
    await exchange.end()
    assert server.sent[1:] == [body(b"ab", more=True), body(b"c", more=False)]


async def test_an_answer_without_a_body() -> None:
    server = Server()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    await exchange.end()
    assert server.sent == [HEAD, body(b"", more=False)]


async def test_an_aborted_answer_stays_unfinished() -> None:
    server = Server()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    exchange.write(b"a")
    await exchange.drain()
    exchange.write(b"never sent")
    exchange.abort()
    exchange.close()
    assert server.sent == [HEAD, body(b"a", more=True)]


async def test_a_slow_caller_is_waited_for() -> None:
    server = Server()
    server.room.clear()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    exchange.write(b"x")
    draining = asyncio.create_task(exchange.drain())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not draining.done()
    server.room.set()
    await draining
    assert server.sent == [HEAD, body(b"x", more=True)]
