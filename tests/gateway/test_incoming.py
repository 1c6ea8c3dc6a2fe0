"""What comes from the caller: a whole body within its limit, decoded; a relayed one part by part."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import incoming
from gateway.errors import GatewayError
from gateway.exchange import CallerGone
from gateway.http_exchange import HttpExchange, Patience
from gateway.incoming import Fields, Relayed
from gateway.upstream.upload import Upload
from gateway.wire.requests import RequestHead

JSON = (b"content-type", b"application/json")
NAMED = b'{"model":"gpt","input":"x"}'


class Caller:
    """A connection on which the next part comes whenever the last was taken."""

    def __init__(self, *parts: bytes, headers: tuple[tuple[bytes, bytes], ...] = (), end: bool = True) -> None:
        self.patience = Patience(body=0.05)
        self.closing = False
        self.peer: str | None = None
        self.has_room = True
        self._rest = list(parts)
        self._end = end
        named = dict(reversed(headers))
        head = RequestHead("POST", "/v1/x", b"", list(headers), named, http_1_0=False, keep_alive=True, expects=False)
        self.exchange = HttpExchange(self, head)
        self._come()

    def _come(self) -> None:
        if self._rest:
            self.exchange.feed(self._rest.pop(0))
        elif self._end:
            self.exchange.finish()

    def read_on(self) -> None:
        asyncio.get_running_loop().call_soon(self._come)

    async def writable(self) -> bool:
        return True

    def send(self, data: bytes) -> None: ...
    def ended(self, exchange: HttpExchange) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def asked(*headers: tuple[bytes, bytes]) -> HttpExchange:
    """A request of whose body a test says what comes."""
    return Caller(headers=headers, end=False).exchange


def came(*parts: bytes, headers: tuple[tuple[bytes, bytes], ...] = (), end: bool = True) -> HttpExchange:
    """A request whose body comes in these parts."""
    return Caller(*parts, headers=headers, end=end).exchange


def coded(coding: bytes, *parts: bytes) -> HttpExchange:
    return came(*parts, headers=((b"content-encoding", coding),))


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


# whole bodies


@pytest.mark.parametrize("parts", [(), (b"{}",), (b"{", b"}"), (b"ab", b"cd")])
async def test_a_whole_body(parts: tuple[bytes, ...]) -> None:
    assert await incoming.whole(came(*parts), 4) == b"".join(parts)


@pytest.mark.parametrize("parts", [(b"12345",), (b"123", b"45"), (b"1234", b"5")])
async def test_a_body_over_the_limit_is_not_read_on(parts: tuple[bytes, ...]) -> None:
    exchange = came(*parts, b"never read", end=False)
    with pytest.raises(GatewayError) as error:
        await incoming.whole(exchange, 4)
    assert error.value.code == "request_too_large"


async def test_a_body_that_says_it_is_too_long_is_not_read_at_all() -> None:
    exchange = asked((b"content-length", b"5"))
    with pytest.raises(GatewayError) as error:
        await incoming.whole(exchange, 4)
    assert error.value.code == "request_too_large"


async def test_a_body_of_exactly_the_limit() -> None:
    assert await incoming.whole(came(b"1234", headers=((b"content-length", b"4"),)), 4) == b"1234"


CODINGS: list[tuple[bytes, Callable[[bytes], bytes]]] = [
    (b"gzip", gzip.compress),
    (b"X-GZIP", gzip.compress),
    (b"deflate", zlib.compress),
    (b"identity", bytes),
    (b"", bytes),
    (b"identity, gzip", gzip.compress),
]


@given(body=st.binary(max_size=3000), size=st.integers(1, 500), coding=st.sampled_from(CODINGS))
@settings(max_examples=100)
async def test_a_coded_body_in_any_parts(
    body: bytes, size: int, coding: tuple[bytes, Callable[[bytes], bytes]]
) -> None:
    name, encode = coding
    assert await incoming.whole(coded(name, *split(encode(body), size)), 3000) == body


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress])
async def test_a_body_over_the_limit_after_decoding(encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(50 << 20))
    assert len(bomb) < 100_000
    coding = b"gzip" if encode is gzip.compress else b"deflate"
    with pytest.raises(GatewayError) as error:
        await incoming.whole(coded(coding, *split(bomb, 4096)), 100_000)
    assert error.value.code == "request_too_large"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"br", b"x"),
        (b"zstd", b"x"),
        (b"gzip, gzip", gzip.compress(gzip.compress(b"{}"))),
        (b"gzip", b"not gzip at all"),
        (b"gzip", gzip.compress(b"{}")[:-3]),
        (b"gzip", gzip.compress(b"{}") + b"junk"),
        (b"deflate", zlib.compress(b"{}") + b"junk"),
    ],
    ids=["br", "zstd", "twice", "another", "cut", "gzip and more", "deflate and more"],  # gzip writes the time down
)
async def test_a_coding_that_cannot_be_undone(coding: bytes, body: bytes) -> None:
    with pytest.raises(GatewayError) as error:
        await incoming.whole(coded(coding, body), 1000)
    assert error.value.code == "invalid_json"


@pytest.mark.parametrize("failure", [GatewayError("malformed_request"), None])
async def test_a_body_that_does_not_come_to_its_end(failure: GatewayError | None) -> None:
    exchange = asked()
    exchange.feed(b"{")
    if failure is not None:
        exchange.fail(failure)
        with pytest.raises(GatewayError) as error:
            await incoming.whole(exchange, 10)
        assert error.value is failure
    else:
        exchange.lose()
        with pytest.raises(CallerGone):
            await incoming.whole(exchange, 10)


async def test_a_body_that_stops() -> None:
    exchange = asked()
    exchange.feed(b"{")
    with pytest.raises(GatewayError) as error:
        await incoming.whole(exchange, 10)
    assert error.value.code == "request_timeout"


# relayed bodies


def nothing(_: Fields) -> None:
    """A check that all pass."""


async def parts_of(body: bytes | Upload) -> list[bytes]:
    return [body] if isinstance(body, bytes) else [part async for part in body.chunks]


async def test_a_short_body_is_read_to_its_end_and_can_be_sent_again() -> None:
    headers = (JSON, (b"content-length", b"%d" % len(NAMED)))
    relayed = Relayed(came(NAMED[:20], NAMED[20:], headers=headers))
    await relayed.begin()
    assert relayed.model == "gpt"
    assert relayed.body(nothing) == relayed.body(nothing) == NAMED


async def test_a_body_without_length_goes_on_once_it_has_named_its_model() -> None:
    relayed = Relayed(came(NAMED[:20], NAMED[20:], headers=(JSON,)))
    await relayed.begin()
    assert (relayed.model, relayed.length) == ("gpt", None)
    body = relayed.body(nothing)
    assert isinstance(body, Upload)
    assert body.chunked
    assert await parts_of(body) == [NAMED[:20], NAMED[20:]]


async def test_of_a_long_body_the_first_part_is_looked_at() -> None:
    size = 300_000
    parts = split(b"x" * size, 30_000)
    relayed = Relayed(came(*parts, headers=((b"content-length", b"%d" % size),)))
    await relayed.begin()
    assert relayed.model is None
    body = relayed.body(nothing)
    assert isinstance(body, Upload)
    assert not body.chunked, "its length is known"
    assert await parts_of(body) == parts


async def test_an_empty_body() -> None:
    relayed = Relayed(came())
    await relayed.begin()
    assert relayed.body(nothing) == b""
    assert relayed.fields == {"model": [], "purpose": []}


async def test_every_later_part_is_looked_at_before_it_goes_on() -> None:
    """What may not be named is named late: neither that part goes on nor the end."""
    late = [b'{"model":"mine","x":"', b"y" * 100, b'","model":"theirs"', b"}"]
    relayed = Relayed(came(*late, headers=(JSON,)))
    await relayed.begin()

    def check(fields: Fields) -> None:
        if "theirs" in fields["model"]:
            raise GatewayError("model_not_found")

    body = relayed.body(check)
    assert isinstance(body, Upload)
    gone: list[bytes] = []
    with pytest.raises(GatewayError) as error:
        async for part in body.chunks:
            gone.append(part)  # noqa: PERF401 - what came before the error counts
    assert error.value.code == "model_not_found"
    assert gone == late[:2]


@pytest.mark.parametrize("cut", range(1, 60, 7))
async def test_a_forms_fields(cut: int) -> None:
    form = (
        b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n\0\1\2\r\n--b--\r\n'
    )
    headers = ((b"content-type", b"multipart/form-data; boundary=b"), (b"content-length", b"%d" % len(form)))
    relayed = Relayed(came(form[:cut], form[cut:], headers=headers))
    await relayed.begin()
    assert relayed.fields == {"model": ["whisper"], "purpose": ["batch"]}
    assert relayed.body(nothing) == form


async def test_a_coded_body_is_looked_into_and_goes_on_as_it_came() -> None:
    packed = gzip.compress(NAMED)
    headers = (JSON, (b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(packed)))
    relayed = Relayed(came(packed[:10], packed[10:], headers=headers))
    await relayed.begin()
    assert relayed.model == "gpt"
    assert relayed.body(nothing) == packed


@pytest.mark.parametrize("body", [b'{"model":"gpt"', b"{]", b'{"model":"\xff"}'])
async def test_a_body_that_parsers_could_read_differently(body: bytes) -> None:
    relayed = Relayed(came(body, headers=(JSON, (b"content-length", b"%d" % len(body)))))
    with pytest.raises(GatewayError) as error:
        await relayed.begin()
    assert error.value.code == "invalid_json"


async def test_a_late_end_that_is_none_is_not_taken_for_one() -> None:
    relayed = Relayed(came(b'{"model":"gpt",', b'"x":[', headers=(JSON,)))
    await relayed.begin()
    body = relayed.body(nothing)
    with pytest.raises(GatewayError) as error:
        await parts_of(body)
    assert error.value.code == "invalid_json"


async def test_a_caller_who_leaves_in_a_relayed_body() -> None:
    exchange = asked(JSON)
    exchange.feed(b'{"model":"gpt",')
    relayed = Relayed(exchange)
    await relayed.begin()
    exchange.lose()
    with pytest.raises(CallerGone):
        await parts_of(relayed.body(nothing))
