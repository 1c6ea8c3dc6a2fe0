"""Both ways between exchanges and ASGI: the adapter, its server's side played by hand; an application behind an
exchange, over real sockets. What every adapter promises is in `test_conformance.py`."""

import asyncio
import json
from contextlib import AbstractContextManager
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.asgi import AsgiExchange, behind
from gateway.exchange import CallerGone, Exchange
from tests.support.raw import Cut, Raw, chunked, request
from tests.support.servers import Server as RealServer
from tests.support.servers import Signal, serving

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
    assert await whole(Server(*messages).exchange()) == body


async def whole(exchange: Exchange) -> bytes:
    parts = []
    while part := await exchange.read():
        parts.append(part)
    assert await exchange.read() == b""
    return b"".join(parts)


@pytest.mark.parametrize("messages", [[DISCONNECT], [part(b"{", more=True), DISCONNECT]])
async def test_a_caller_who_leaves_before_the_request_is_whole(messages: list[Message]) -> None:
    exchange = Server(*messages).exchange()
    with pytest.raises(CallerGone):
        await whole(exchange)
    assert exchange.gone


# the caller leaves


async def test_a_caller_who_leaves_is_told_of_once() -> None:
    server = Server(part(b"{}"))
    exchange = server.exchange()
    await whole(exchange)
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


@pytest.mark.parametrize("how", ["end", "abort", "cut", "close"])
async def test_after_the_end_nobody_is_told_anything(how: str) -> None:
    server = Server(part(b"{}"))
    exchange = server.exchange()
    await whole(exchange)
    told: list[None] = []
    exchange.on_gone(lambda: told.append(None))
    exchange.start(200, [])
    if how == "end":
        await exchange.end()
    elif how == "abort":
        exchange.abort()
    elif how == "cut":
        exchange.cut()
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


async def test_a_cut_sends_what_was_written_and_no_end() -> None:
    server = Server()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    exchange.write(b"a")
    await exchange.drain()
    exchange.write(b"b")
    exchange.cut()
    assert server.sent == [HEAD, body(b"a", more=True), body(b"b", more=True)]


async def test_a_cut_waits_for_nobody() -> None:
    server = Server()
    exchange = server.exchange()
    exchange.start(200, [(b"a", b"1")])
    exchange.write(b"a")
    await exchange.drain()
    server.room.clear()
    exchange.write(b"b")
    exchange.cut()
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


# an application behind an exchange


def serve(app: ASGIApp) -> AbstractContextManager[RealServer]:
    return serving(lambda exchange: behind(exchange, app))


async def taken(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        parts.append(message["body"])
        more = message["more_body"]
    return b"".join(parts)


async def told(send: Send, *parts: bytes) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": [(b"X-Odd", b"1"), (b"content-type", b"a/b")]})
    for number, part in enumerate(parts, 1):
        await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})


def test_an_application_sees_the_request_as_asgi_has_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen = {name: str(value) for name, value in scope.items()}
        await told(send, json.dumps([seen, (await taken(receive)).decode()]).encode())

    with serve(app) as server, Raw(server.url) as caller:
        for sent in (
            request("PUT", "/a%20b%2Fc?x=%20", "X-A: 1", body=b"hello"),
            chunked("PUT", "/a%20b%2Fc?x=%20", "X-A: 1", parts=(b"he", b"llo")),
        ):
            caller.send(sent)
            answer = caller.answer()
            assert (answer.status, answer.header("x-odd"), answer.header("content-type")) == (201, ["1"], ["a/b"])
            scope, body = json.loads(answer.body)
            assert body == "hello"
            assert (scope["type"], scope["method"], scope["path"]) == ("http", "PUT", "/a b/c")
            assert (scope["raw_path"], scope["query_string"]) == ("b'/a%20b%2Fc'", "b'x=%20'")
            assert "(b'x-a', b'1')" in scope["headers"]
            assert scope["client"] == "('127.0.0.1', 0)"


@pytest.mark.parametrize("parts", [(b"",), (b"hello",), (b"hel", b"lo"), (b"hello", b"")])
def test_an_applications_answer(parts: tuple[bytes, ...]) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await told(send, *parts)

    with serve(app) as server, Raw(server.url) as caller:
        for _ in range(2):
            answer = caller.ask("GET", "/")
            assert (answer.status, answer.body) == (201, b"".join(parts))


def test_an_application_that_asks_on_hears_of_the_callers_leaving() -> None:
    waiting, heard = Signal(), Signal()

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await taken(receive)
        waiting.set()
        assert await receive() == {"type": "http.disconnect"}
        await told(send, b"dropped", b"too")
        heard.set()

    with serve(app) as server, Raw(server.url) as caller:
        caller.send(request("POST", "/", body=b"hello"))
        assert waiting.wait()
        caller.leave()
        assert heard.wait()


def test_an_application_hears_of_a_caller_who_leaves_in_its_request() -> None:
    began, heard = Signal(), Signal()

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        assert (await receive())["body"] == b"he"
        began.set()
        assert await receive() == {"type": "http.disconnect"}
        heard.set()

    with serve(app) as server, Raw(server.url) as caller:
        caller.send(request("POST", "/", "content-length: 5") + b"he")
        assert began.wait()
        caller.leave()
        assert heard.wait()


@pytest.mark.parametrize("begun", [False, True])
def test_an_application_that_returns_in_the_middle_ends_the_connection(begun: bool) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"hello", "more_body": True})

    with serve(app) as server, Raw(server.url) as caller, pytest.raises(Cut):
        caller.ask("GET", "/")
