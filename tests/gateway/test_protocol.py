"""A caller's connection: time limits, requests ahead of their answers, early answers, Expect, Upgrade. What is no
proper HTTP has tests of its own (`test_strictness.py`), what every adapter promises too (`test_conformance.py`)."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from uvicorn.server import ServerState

from gateway.errors import GatewayError
from gateway.exchange import CallerGone, Exchange
from gateway.http_exchange import HttpExchange, Patience
from gateway.protocol import CallerProtocol
from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program
from tests.support.raw import Cut, Raw, chunked, request
from tests.support.servers import Server, Signal, in_thread, serving
from tests.support.upstream import Upstream, echo_model, upstream

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": STOCK, "messages": []}).encode()
_BIG = 50 << 20
_KERNEL = 16 << 20  # what the kernel holds on both sides, and a little


async def answer(exchange: Exchange, body: bytes, status: int = 200) -> None:
    exchange.start(status, [(b"content-length", b"%d" % len(body))])
    exchange.write(body)
    await exchange.end()


async def echo(exchange: Exchange) -> None:
    """Says what came; of what went wrong, as the lifecycle does."""
    parts = []
    try:
        while part := await exchange.read():
            parts.append(part)
    except GatewayError as error:
        exchange.start(error.kind.status, [*error.headers(), (b"content-length", b"%d" % len(error.body()))])
        exchange.write(error.body())
        await exchange.end()
        return
    except CallerGone:
        exchange.abort()
        return
    await answer(exchange, b"".join(parts))


@pytest.fixture(scope="module")
def echoing() -> Iterator[Server]:
    """A server that says what it was sent."""
    with serving(echo) as server:
        yield server


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    """An upstream that answers whatever comes."""
    with in_thread(upstream(echo_model)) as made:
        yield made


@pytest.fixture(scope="module")
def firm(admin: Admin, provider: Upstream) -> Firm:
    """A tenant whose provider that is."""
    return Firm(admin, provider.url)


# heads


@pytest.mark.parametrize(
    "head",
    [
        f"GET / HTTP/1.1\r\nhost: x\r\nx-a: {'a' * 70_000}\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n" + "x-a: b\r\n" * 10_000 + "\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n" + "a:\r\n" * 14_000 + "\r\n",
        f"GET /{'a' * 70_000} HTTP/1.1\r\nhost: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nhost: x\r\nx-a: {'a' * 1_000_000}",
        f"GET / HTTP/1.1\r\nhost: x\r\n{'a' * 1_000_000}",
        f"GET /{'a' * 1_000_000}",
    ],
    ids=["a value", "pairs", "many short ones", "a path", "a value without end", "a name without end", "a path too"],
)
def test_a_head_over_64_kib(echoing: Server, head: str) -> None:
    with Raw(echoing.url) as caller:
        caller.send_what_goes(head.encode())
        told = caller.answer()
        assert (told.status, told.code, told.closes) == (431, "headers_too_large", True)
        assert caller.rest() == b""


def test_a_head_of_almost_64_kib(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        assert caller.ask("POST", "/", f"x-a: {'a' * 65_000}", body=b"hello").body == b"hello"


def test_a_head_without_end_in_many_packets(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        caller.send(b"GET / HTTP/1.1\r\nhost: x\r\n")
        while caller.quiet(0):
            caller.send_what_goes(b"x-a: 1\r\n" * 50)
        assert caller.answer().status == 431


def test_trailers_without_end(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", "transfer-encoding: chunked") + b"0\r\n")
        while caller.quiet(0):
            caller.send_what_goes(b"x-a: 1\r\n" * 50)
        told = caller.answer()
        assert (told.status, told.code) == (431, "headers_too_large")


def test_blanks_around_a_value_are_none_of_it(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", "expect: \t 100-continue \t ", "content-length:  5  "))
        assert caller.head().status == 100
        caller.send(b"hello")
        assert caller.answer().body == b"hello"


def test_empty_lines_before_a_request(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        for _ in range(2):
            caller.send(b"\r\n\r\n" + request("POST", "/", body=b"hello"))
            assert caller.answer().body == b"hello"


def test_an_answer_without_length_in_http_1_0_ends_with_the_connection() -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [])
        exchange.write(b"hello")
        await exchange.end()

    with serving(handler) as server, Raw(server.url) as caller:
        caller.send(request("GET", "/", "connection: keep-alive", version="1.0"))
        told = caller.answer()
        assert (told.body, told.chunked, told.closes) == (b"hello", False, True)


def test_http_1_0_may_keep_its_connection(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        for _ in range(2):
            caller.send(request("POST", "/", "connection: keep-alive", body=b"hello", version="1.0"))
            told = caller.answer()
            assert (told.body, told.header("connection")) == (b"hello", ["keep-alive"])


# time


@pytest.mark.parametrize(
    ("sent", "drop"),
    [
        (b"P", b""),
        (b"POST / HTTP/1.1\r\nhost: x\r\nx-a", b""),
        (b"POST /", b"a"),
        (b"POST / HTTP/1.1\r\nhost: x\r\n", b"x: y\r\n"),
        (b"POST / HTTP/1.1\r\nhost: x\r\nx-a", b"a"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_head_that_does_not_come(sent: bytes, drop: bytes, first: bool) -> None:
    with serving(echo, patience=Patience(head=0.3)) as server, Raw(server.url) as caller:
        if not first:
            assert caller.ask("POST", "/", body=b"hello").body == b"hello"
        caller.send(sent)
        while drop and caller.quiet(0.02):
            caller.send(drop)
        told = caller.answer()
        assert (told.status, told.code, told.closes) == (408, "request_timeout", True)
        assert caller.rest() == b""


def test_a_head_that_does_not_come_while_an_answer_is_given() -> None:
    go_on = Signal()

    async def handler(exchange: Exchange) -> None:
        await go_on.reached()
        await answer(exchange, b"hello")

    with serving(handler, patience=Patience(head=0.1)) as server, Raw(server.url) as caller:
        caller.send(request("GET", "/") + b"GET / HT")
        assert caller.quiet(0.3), "an answer is owed: the next head may take its time"
        go_on.set()
        assert caller.answer().body == b"hello"
        assert caller.answer().status == 408
        assert caller.rest() == b""


@pytest.mark.parametrize("how", ["length", "chunks"])
def test_a_body_that_stops(how: str) -> None:
    with serving(echo, patience=Patience(body=0.1)) as server, Raw(server.url) as caller:
        if how == "length":
            caller.send(request("POST", "/", "content-length: 5") + b"he")
        else:
            caller.send(request("POST", "/", "transfer-encoding: chunked") + b"5\r\nhe")
        told = caller.answer()
        assert (told.status, told.code, told.closes) == (408, "request_timeout", True)
        assert caller.rest() == b""


def test_a_connection_on_which_nothing_comes() -> None:
    with serving(echo, patience=Patience(head=0.1)) as server, Raw(server.url) as caller:
        assert caller.rest() == b""


def test_a_connection_that_is_not_used_again() -> None:
    with serving(echo, patience=Patience(idle=0.1)) as server, Raw(server.url) as caller:
        assert caller.ask("POST", "/", body=b"hello").body == b"hello"
        assert caller.rest() == b""


def test_a_caller_who_takes_nothing_is_cut() -> None:
    gone: list[bool] = []
    ended = Signal()

    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [])
        try:
            while True:
                exchange.write(bytes(1 << 20))
                await exchange.drain()
        except CallerGone:
            gone.append(exchange.gone)
            exchange.abort()
        ended.set()

    with serving(handler, patience=Patience(write=0.2)) as server, Raw(server.url, receive_buffer=65536) as caller:
        caller.send(request("GET", "/"))
        assert ended.wait()
        with pytest.raises(Cut):
            caller.answer()
    assert gone == [True]


def test_a_caller_who_does_not_take_the_last_answer_is_not_waited_for_without_end() -> None:
    async def handler(exchange: Exchange) -> None:
        await answer(exchange, bytes(_BIG))

    patience = Patience(write=0.2, idle=0.2)
    with serving(handler, patience=patience) as server, Raw(server.url, receive_buffer=65536) as caller:
        caller.send(request("GET", "/"))
        assert caller.head().status == 200
        while server.connections:
            assert caller.quiet(0.05) or True
        with pytest.raises(Cut):
            caller.exactly(_BIG)


class Transport(asyncio.Transport):
    """A caller who has so much room as is said; what became of the connection."""

    def __init__(self, *untaken: int) -> None:
        super().__init__()
        self._untaken = list(untaken)
        self.ended = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self._untaken.pop(0) if len(self._untaken) > 1 else self._untaken[0]

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.ended.set()

    def left(self) -> int:
        return len(self._untaken)


async def test_a_caller_who_takes_little_by_little_is_waited_for() -> None:
    async def handler(_: HttpExchange) -> None:
        raise AssertionError

    protocol = CallerProtocol(handler, ServerState(), Patience(write=0.02))
    # Asked before each wait and after it: three times less was left, then the same.
    transport = Transport(100, 90, 90, 80, 80, 70, 70)
    protocol.connection_made(transport)
    protocol.pause_writing()
    assert not await protocol.writable()
    assert transport.ended.is_set()
    assert transport.left() == 1, "it was waited for four times"
    protocol.connection_lost(None)


# requests ahead of their answers


def test_three_at_once_and_a_stream_between() -> None:
    go_on = Signal()

    async def handler(exchange: Exchange) -> None:
        if exchange.path != "/stream":
            await echo(exchange)
            return
        exchange.start(200, [])
        exchange.write(b"first")
        await exchange.drain()
        await go_on.reached()
        exchange.write(b"last")
        await exchange.end()

    with serving(handler) as server, Raw(server.url) as caller:
        caller.send(
            request("POST", "/", body=b"one") + request("GET", "/stream") + request("POST", "/", body=b"three"),
        )
        assert caller.answer().body == b"one"
        assert caller.head().status == 200
        assert caller.chunk() == b"first"
        assert caller.quiet(0.1), "the third waits"
        go_on.set()
        assert [caller.chunk(), caller.chunk()] == [b"last", b""]
        assert caller.answer().body == b"three"
        assert caller.ask("POST", "/", body=b"four").body == b"four"


@pytest.mark.parametrize("bad", [b"nonsense\r\n\r\n", request("POST", "/", "content-length: x"), b"\0"])
def test_a_bad_third_one_still_has_the_first_two_answered(echoing: Server, bad: bytes) -> None:
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", body=b"one") + request("POST", "/", body=b"two") + bad)
        assert [caller.answer().body for _ in range(2)] == [b"one", b"two"]
        told = caller.answer()
        assert (told.status, told.code) == (400, "malformed_request")
        assert caller.rest() == b""


@pytest.mark.parametrize(
    ("head", "error"),
    [
        (b"nonsense\r\n\r\n", "malformed_request"),
        (request("POST", CHAT, "x-workflow: a\x01b"), "malformed_request"),
        (request("POST", CHAT, f"x-a: {'a' * 200_000}"), "headers_too_large"),
    ],
    ids=["nonsense", "a control character", "too large"],
)
def test_one_that_becomes_no_call_is_accounted_for_all_the_same(gateway: Program, head: bytes, error: str) -> None:
    def counted() -> float:
        sample = f'housestyle_unidentified_calls_total{{error="{error}"}} '
        with Raw(gateway.url) as caller:
            lines = caller.ask("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.removeprefix(sample)) for line in lines if line.startswith(sample))

    before = counted()
    with Raw(gateway.url) as caller:
        caller.send_what_goes(head)
        told = caller.answer()
    assert told.code == error
    assert counted() == before + 1
    [call_id] = told.header("x-call-id")
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if call_id in line]
    assert [(line["event"], line["status"], line["error"]) for line in lines] == [("call_refused", told.status, error)]


def test_one_that_says_close_is_the_last(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        one, two = request("POST", "/", body=b"one"), request("POST", "/", "connection: close", body=b"two")
        caller.send(one + two + one)
        assert caller.answer().body == b"one"
        told = caller.answer()
        assert (told.body, told.closes) == (b"two", True)
        assert caller.rest() == b""


def test_a_hundred_ahead(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        caller.send(b"".join(request("POST", "/", body=b"%d" % number) for number in range(100)))
        assert [caller.answer().body for _ in range(100)] == [b"%d" % number for number in range(100)]


def test_who_asks_on_and_takes_no_answer_is_not_read_any_more() -> None:
    async def handler(exchange: Exchange) -> None:
        await answer(exchange, bytes(50_000))

    with serving(handler) as server, Raw(server.url, receive_buffer=65536) as caller:
        asked = request("GET", "/")
        sent = caller.send_until_full(asked * (_BIG // len(asked)))
        assert sent < _KERNEL
        assert server.requests < 1000
        for _ in range(server.requests + 20):
            assert len(caller.answer().body) == 50_000, "it goes on as they are taken"


def test_nor_is_one_who_asks_one_by_one_served_before_there_is_room() -> None:
    async def handler(exchange: Exchange) -> None:
        await answer(exchange, bytes(500_000 if exchange.path == "/big" else 1))

    with serving(handler) as server, Raw(server.url, receive_buffer=65536) as caller, Raw(server.url) as other:
        for _ in range(200):
            caller.send(request("GET", "/big"))
            other.ask("GET", "/small")  # and the first has arrived
        assert server.requests < 200 + 100


# answers before the upload's end


def test_an_answer_before_the_uploads_end_can_be_read(echoing: Server) -> None:
    async def handler(exchange: Exchange) -> None:
        await answer(exchange, b"no", 413)

    with serving(handler) as server, Raw(server.url) as caller:
        caller.send(request("POST", "/", f"content-length: {_BIG}"), bytes(_BIG))
        told = caller.answer()
        assert (told.status, told.body, told.closes) == (413, b"no", True)
        assert caller.rest() == b""


def test_a_caller_who_sends_on_for_ever_is_left() -> None:
    async def handler(exchange: Exchange) -> None:
        await answer(exchange, b"no", 413)

    with serving(handler) as server, Raw(server.url) as caller:
        caller.send(request("POST", "/", f"content-length: {1 << 40}"), bytes(1 << 20))
        assert caller.answer().status == 413
        assert caller.rest() == b"", "the answer's end is the connection's"
        while server.connections:  # which it leaves when nothing more has come for a while
            caller.quiet(0.05)


def test_a_wrong_key_or_too_much_is_told_to_one_who_is_still_sending(firm: Firm, provider: Upstream) -> None:
    before = len(provider.requests)
    for key, status, code in (("hs_wrong", 401, "invalid_api_key"), (firm.key, 413, "request_too_large")):
        for framing in (f"content-length: {_BIG}", "transfer-encoding: chunked"):
            with Raw(firm.admin.url) as caller:
                caller.send(request("POST", CHAT, f"authorization: Bearer {key}", framing))
                caller.send(b"%x\r\n" % _BIG if "chunked" in framing else b"", bytes(_BIG))
                told = caller.answer()
                assert (told.status, told.code, told.closes) == (status, code, True)
    assert len(provider.requests) == before


# Expect


def test_who_asks_first_is_told_to_go_on_once_its_key_is_known(firm: Firm, provider: Upstream) -> None:
    with Raw(firm.admin.url) as caller:
        for _ in range(2):
            head = request("POST", CHAT, f"authorization: Bearer {firm.key}", f"content-length: {len(BODY)}")
            caller.send(head.removesuffix(b"\r\n") + b"expect: 100-Continue\r\n\r\n")
            assert caller.head().status == 100
            caller.send(BODY)
            assert caller.answer().status == 200
    assert provider.last.body == BODY
    assert provider.last.header("expect") == []


@pytest.mark.parametrize(("key", "length", "status"), [("hs_wrong", 10, 401), (None, 1 << 20, 413)])
def test_who_is_refused_is_not_asked_for_its_body(firm: Firm, key: str | None, length: int, status: int) -> None:
    with Raw(firm.admin.url) as caller:
        authorization = f"authorization: Bearer {key or firm.key}"
        caller.send(request("POST", CHAT, authorization, "expect: 100-continue", f"content-length: {length}"))
        told = caller.answer()  # which is no 1xx
        assert (told.status, told.closes) == (status, True)
        assert caller.rest() == b""


@pytest.mark.parametrize(("expect", "version"), [("something-else", "1.1"), ("", "1.1"), ("100-continue", "1.0")])
def test_what_else_is_expected_is_passed_over(echoing: Server, expect: str, version: str) -> None:
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", f"expect: {expect}", body=b"hello", version=version))
        assert caller.answer().body == b"hello"


# Upgrade


def test_a_realtime_connection_is_refused_in_words(firm: Firm, provider: Upstream) -> None:
    before = len(provider.requests)
    upgrade = ("connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13", "sec-websocket-key: eA==")
    for path in ("/v1/realtime?model=x", "/v1/responses"):
        with Raw(firm.admin.url) as caller:
            told = caller.ask("GET", path, f"authorization: Bearer {firm.key}", *upgrade)
            assert (told.status, told.code, told.closes) == (501, "endpoint_not_supported", True)
            assert b"Realtime" in told.body
            assert caller.rest() == b""
        with Raw(firm.admin.url) as caller:
            assert caller.ask("GET", path, *upgrade).status == 401
    assert len(provider.requests) == before


H2C = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABk")


def test_a_wish_for_http_2_is_passed_over(firm: Firm, provider: Upstream) -> None:
    """As Java's client sends it with every request."""
    with Raw(firm.admin.url) as caller:
        told = caller.ask("POST", CHAT, f"authorization: Bearer {firm.key}", *H2C, body=BODY)
        assert (told.status, told.closes) == (200, True)
        assert caller.rest() == b""
    assert provider.last.body == BODY
    assert provider.last.header("upgrade") == provider.last.header("http2-settings") == []


@pytest.mark.parametrize("wish", [H2C, ("connection: upgrade", "upgrade: websocket")])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("after", [b"", request("POST", "/", body=b"never"), b"\x81\x05hello"])
def test_the_body_of_one_that_wishes_for_another_protocol(
    echoing: Server, wish: tuple[str, ...], apart: bool, after: bytes
) -> None:
    big = bytes(200_000)
    for body, sent in (
        (b"hello", request("POST", "/", *wish, body=b"hello")),
        (big, request("POST", "/", *wish, body=big)),
        (b"hello", chunked("POST", "/", *wish, parts=(b"hel", b"lo"), trailer="x-trailer: 1\r\n")),
        (b"", request("POST", "/", *wish, "content-length: 0")),
        (b"", request("GET", "/", *wish)),
    ):
        with Raw(echoing.url) as caller:
            head, _, rest = sent.partition(b"\r\n\r\n")
            caller.send_what_goes(head + b"\r\n\r\n" + (b"" if apart else rest + after))
            caller.send_what_goes(rest + after if apart else b"")
            told = caller.answer()
            assert (told.status, told.body, told.closes) == (200, body, True)
            assert caller.rest() == b""


def test_a_bad_body_of_one_that_wishes_for_another_protocol(echoing: Server) -> None:
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", *H2C, "transfer-encoding: chunked") + b"-1\r\n")
        told = caller.answer()
        assert (told.status, told.code) == (400, "malformed_request")
        assert caller.rest() == b""
    with Raw(echoing.url) as caller:
        caller.send(request("POST", "/", *H2C, "transfer-encoding: chunked") + b"0\r\n")
        while caller.quiet(0):
            caller.send_what_goes(b"x-a: 1\r\n" * 50)
        assert caller.answer().code == "headers_too_large"


# the rest of the house, by the same connections


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/", 404),
    ],
)
def test_the_gateways_own_routes(gateway: Program, method: str, path: str, status: int) -> None:
    with Raw(gateway.url) as caller:
        for _ in range(2):
            assert caller.ask(method, path).status == status
        if path == "/metrics":
            assert b"# TYPE housestyle_calls_total counter" in caller.ask("GET", path).body


def test_the_admin_api_takes_chunks_and_gives_long_answers(gateway: Program, firm: Firm) -> None:
    authorization = f"authorization: Bearer {ADMIN_KEY}"
    with Raw(gateway.url) as caller:
        body = json.dumps({"name": "In pieces"}).encode()
        caller.send(chunked("PUT", f"/admin/api/tenants/{firm.name}", authorization, parts=(body[:4], body[4:])))
        told = caller.answer()
        assert (told.status, json.loads(told.body)["name"]) == (200, "In pieces")
        paths = [f"further/{'x' * 100}/{number}" for number in range(1000)]
        body = json.dumps({"allowed_paths": paths}).encode()
        told = caller.ask("PUT", f"/admin/api/tenants/{firm.name}", authorization, body=body)
        assert (told.status, json.loads(told.body)["allowed_paths"]) == (200, paths)
        large = caller.ask("PUT", f"/admin/api/tenants/{firm.name}", authorization, body=b"[" * (2 << 20))
        assert (large.status, large.code, large.closes) == (413, "request_too_large", True)


def test_a_handler_that_forgets_to_answer_ends_the_connection() -> None:
    async def handler(_: Exchange) -> None:
        return

    with serving(handler) as server, Raw(server.url) as caller, pytest.raises(Cut):
        caller.ask("GET", "/")


# the end


def test_at_the_end_what_is_open_is_served_a_moment_longer() -> None:
    arrived, go_on = Signal(), Signal()

    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/slow":
            arrived.set()
            await go_on.reached()
        await answer(exchange, b"hello")

    with serving(handler) as server, Raw(server.url) as idle, Raw(server.url) as busy:
        assert idle.ask("GET", "/").closes is False
        busy.send(request("GET", "/slow"))
        assert arrived.wait()
        server.stop()
        while not all(connection.closing for connection in server.connections):
            idle.quiet(0.01)
        told = idle.ask("GET", "/")
        assert (told.body, told.closes) == (b"hello", True)
        assert idle.rest() == b""
        go_on.set()
        told = busy.answer()
        assert (told.body, told.closes) == (b"hello", True)
        assert busy.rest() == b""
