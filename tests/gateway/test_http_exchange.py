"""An exchange, its connection played by hand: which bytes go out, when the connection is asked to read, send or end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.errors import GatewayError
from gateway.exchange import CallerGone
from gateway.http_exchange import HttpExchange, Patience, status_line
from gateway.wire.headers import Headers
from gateway.wire.requests import RequestHead

HOST = (b"host", b"x")
HEAD = RequestHead("POST", "/v1/x", b"a=1", [HOST], dict([HOST]), http_1_0=False, keep_alive=True, expects=False)


class Connection:
    """What an exchange asks of its connection, and what it asked for."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self.closing = False
        self.peer: str | None = None
        self.sent = b""
        self.room = asyncio.Event()
        self.room.set()
        self.taken = True
        self.asked: list[str] = []

    @property
    def has_room(self) -> bool:
        return self.room.is_set() and self.taken

    def send(self, data: bytes) -> None:
        self.sent += data

    async def writable(self) -> bool:
        await self.room.wait()
        return self.taken

    def read_on(self) -> None:
        self.asked.append("read_on")

    def ended(self, exchange: HttpExchange) -> None:
        self.asked.append("ended" if exchange.keep_alive else "ended, and no further one")

    def close(self) -> None:
        self.asked.append("close")

    def abort(self) -> None:
        self.asked.append("abort")

    def exchange(self, *, whole: bool = True, **head: Any) -> HttpExchange:
        made = HttpExchange(self, replace(HEAD, **head))
        if whole:
            made.finish()
        return made


async def settled() -> None:
    """Everything that can go on has gone on."""
    for _ in range(5):
        await asyncio.sleep(0)


# the answer's framing

CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"


@pytest.mark.parametrize(
    ("head", "status", "headers", "sent"),
    [
        ({}, 200, [(b"content-length", b"2")], b"content-length: 2\r\n\r\nhi"),
        ({}, 200, [], CHUNKED + b"\r\n2\r\nhi\r\n0\r\n\r\n"),
        ({"keep_alive": False}, 200, [], CHUNKED + CLOSE + b"\r\n2\r\nhi\r\n0\r\n\r\n"),
        ({"http_1_0": True}, 200, [], CLOSE + b"\r\nhi"),
        (
            {"http_1_0": True},
            200,
            [(b"content-length", b"2")],
            b"content-length: 2\r\nconnection: keep-alive\r\n\r\nhi",
        ),
        ({"http_1_0": True, "keep_alive": False}, 200, [(b"a", b"b")], b"a: b\r\n" + CLOSE + b"\r\nhi"),
        ({"method": "HEAD"}, 200, [], b"\r\n"),
        ({"method": "HEAD"}, 200, [(b"content-length", b"2")], b"content-length: 2\r\n\r\n"),
        ({}, 204, [], b"\r\n"),
        ({}, 304, [(b"etag", b"1")], b"etag: 1\r\n\r\n"),
        ({"http_1_0": True}, 204, [], b"connection: keep-alive\r\n\r\n"),
    ],
)
async def test_framing(head: dict[str, Any], status: int, headers: Headers, sent: bytes) -> None:
    connection = Connection()
    exchange = connection.exchange(**head)
    exchange.start(status, headers)
    exchange.write(b"hi")
    await exchange.end()
    assert connection.sent == status_line(status) + sent
    assert connection.asked == ["ended" if CLOSE not in sent else "ended, and no further one"]


async def test_an_error_takes_the_place_of_an_answer_that_was_not_sent_yet() -> None:
    connection = Connection()
    exchange = connection.exchange()
    exchange.start(200, [])  # in chunks
    exchange.start(502, [(b"content-length", b"2")])
    exchange.write(b"no")
    await exchange.end()
    assert connection.sent == status_line(502) + b"content-length: 2\r\n\r\nno"


@pytest.mark.parametrize(
    ("status", "line"), [(200, b"HTTP/1.1 200 OK\r\n"), (529, b"HTTP/1.1 529 \r\n"), (599, b"HTTP/1.1 599 \r\n")]
)
def test_status_lines(status: int, line: bytes) -> None:
    assert status_line(status) == line


async def test_nothing_goes_out_before_it_is_drained() -> None:
    connection = Connection()
    exchange = connection.exchange()
    exchange.start(200, [(b"content-length", b"3")])
    exchange.write(b"a")
    assert (connection.sent, exchange.started) == (b"", False)
    await exchange.drain()
    assert exchange.started
    assert connection.sent.endswith(b"\r\n\r\na")
    exchange.write(b"b")
    exchange.write(b"c")
    await exchange.drain()
    assert connection.sent.endswith(b"\r\n\r\nabc")
    assert connection.asked == []


async def test_an_empty_part_does_not_end_a_chunked_answer() -> None:
    connection = Connection()
    exchange = connection.exchange()
    exchange.start(200, [])
    exchange.write(b"")
    await exchange.drain()
    assert connection.sent.endswith(CHUNKED + b"\r\n")


@pytest.mark.parametrize(("whole", "closing"), [(False, False), (True, True)])
async def test_no_further_request_after_one_that_is_not_whole_or_at_the_end(whole: bool, closing: bool) -> None:
    connection = Connection()
    connection.closing = closing
    exchange = connection.exchange(whole=whole)
    exchange.start(413, [(b"content-length", b"0")])
    await exchange.end()
    assert CLOSE in connection.sent
    assert connection.asked == ["ended, and no further one"]


# the request's body


async def test_a_body_is_read_as_it_comes() -> None:
    connection = Connection()
    exchange = connection.exchange(whole=False)
    reading = asyncio.ensure_future(exchange.read())
    await settled()
    assert not reading.done()
    exchange.feed(b"a")
    assert await reading == b"a"
    exchange.feed(b"b")
    exchange.feed(b"c")
    exchange.finish()
    assert [await exchange.read() for _ in range(3)] == [b"bc", b"", b""]
    assert connection.asked == ["read_on"]  # nothing more of it can come


async def test_so_much_is_held_and_no_more() -> None:
    exchange = Connection().exchange(whole=False)
    full = []
    for data in (bytes(65535), b"x"):
        exchange.feed(data)
        full.append(exchange.full)
    assert len(await exchange.read()) == 65536
    full.append(exchange.full)
    assert full == [False, True, False]


async def test_a_body_that_is_no_more_wanted_is_not_held() -> None:
    exchange = Connection().exchange(whole=False)
    exchange.start(401, [])
    await exchange.end()
    exchange.feed(bytes(1 << 20))
    assert not exchange.full


async def test_a_body_that_stops() -> None:
    exchange = Connection(Patience(body=0.01)).exchange(whole=False)
    exchange.feed(b"a")
    assert await exchange.read() == b"a"
    with pytest.raises(GatewayError) as error:
        await exchange.read()
    assert error.value.code == "request_timeout"


async def test_a_body_that_goes_wrong_stays_wrong() -> None:
    exchange = Connection().exchange(whole=False)
    exchange.feed(b"a")
    exchange.fail(GatewayError("malformed_request"))
    exchange.fail(GatewayError("request_timeout"))
    for _ in range(2):
        with pytest.raises(GatewayError) as error:
            await exchange.read()
        assert error.value.code == "malformed_request", "the first cause"
    assert not exchange.keep_alive


async def test_the_caller_is_told_to_go_on_once_its_body_is_wanted() -> None:
    connection = Connection()
    exchange = connection.exchange(whole=False, expects=True)
    assert connection.sent == b""
    reading = asyncio.ensure_future(exchange.read())
    await settled()
    assert connection.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    exchange.feed(b"a")
    await reading
    reading = asyncio.ensure_future(exchange.read())
    await settled()
    exchange.finish()
    await reading
    assert connection.sent.count(b"100") == 1


async def test_a_caller_who_did_not_wait_is_not_told_to_go_on() -> None:
    connection = Connection()
    exchange = connection.exchange(whole=False, expects=True)
    exchange.feed(b"a")
    exchange.finish()
    assert await exchange.read() == b"a"
    assert connection.sent == b""


async def test_nobody_is_told_to_go_on_inside_an_answer() -> None:
    connection = Connection()
    exchange = connection.exchange(whole=False, expects=True)
    exchange.start(200, [(b"content-length", b"2")])
    await exchange.drain()
    reading = asyncio.ensure_future(exchange.read())
    await settled()
    exchange.finish()
    await reading
    assert b"100" not in connection.sent


# the caller leaves


async def test_a_caller_who_leaves_is_told_of_once_and_the_read_says_so() -> None:
    exchange = Connection().exchange(whole=False)
    told: list[bool] = []
    exchange.on_gone(lambda: told.append(exchange.gone))
    reading = asyncio.ensure_future(exchange.read())
    await settled()
    exchange.lose()
    exchange.lose()
    with pytest.raises(CallerGone):
        await reading
    assert told == [True]


async def test_who_asks_late_is_told_at_once() -> None:
    exchange = Connection().exchange()
    exchange.lose()
    told: list[None] = []
    exchange.on_gone(lambda: told.append(None))
    assert told == [None]


@pytest.mark.parametrize("over", [HttpExchange.end, HttpExchange.cut, HttpExchange.abort])
async def test_after_the_end_nobody_is_told_anything(over: Callable[[HttpExchange], Any]) -> None:
    exchange = Connection().exchange()
    told: list[None] = []
    exchange.on_gone(lambda: told.append(None))
    exchange.start(200, [])
    ending = over(exchange)
    if ending is not None:
        await ending
    exchange.lose()
    assert (told, exchange.gone, exchange.over) == ([], False, True)


async def test_nothing_is_written_to_one_who_is_gone() -> None:
    connection = Connection()
    exchange = connection.exchange()
    exchange.start(200, [])
    exchange.lose()
    exchange.write(bytes(1 << 20))
    for send in (exchange.drain, exchange.end):
        with pytest.raises(CallerGone):
            await send()
    assert connection.sent == b""


async def test_a_slow_caller_is_waited_for() -> None:
    connection = Connection()
    connection.room.clear()
    exchange = connection.exchange()
    exchange.start(200, [])
    draining = asyncio.ensure_future(exchange.drain())
    await settled()
    assert not draining.done()
    connection.room.set()
    await draining


async def test_one_who_takes_nothing_any_more_is_gone() -> None:
    connection = Connection()
    connection.taken = False
    exchange = connection.exchange()
    exchange.start(200, [])
    told: list[None] = []
    exchange.on_gone(lambda: told.append(None))
    with pytest.raises(CallerGone):
        await exchange.drain()
    assert (told, exchange.gone) == ([None], True)


# ends without an end


async def test_a_cut_sends_what_was_written() -> None:
    connection = Connection()
    exchange = connection.exchange()
    exchange.start(200, [])
    exchange.write(b"hi")
    exchange.cut()
    exchange.cut()
    exchange.abort()
    assert connection.sent.endswith(b"2\r\nhi\r\n")
    assert connection.asked == ["close"]


async def test_an_abort_does_not() -> None:
    connection = Connection()
    exchange = connection.exchange()
    exchange.start(200, [])
    exchange.write(b"hi")
    exchange.abort()
    exchange.abort()
    exchange.cut()
    assert (connection.sent, connection.asked) == (b"", ["abort"])
