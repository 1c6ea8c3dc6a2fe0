"""The reading of answers: what is one, what is none, and that it does not matter how it is cut into packets."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.upstream.parsing import MAX_HEAD, AnswerParser

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def parse(data: bytes, cuts: list[int] | None = None, method: bytes = b"POST") -> tuple[AnswerParser, bytes]:
    """The answer in `data`, fed in the pieces that `cuts` makes of it."""
    parser = AnswerParser(method)
    marks = [0, *sorted(cuts or []), len(data)]
    body = b"".join(
        parser.feed(memoryview(data[a:b])) for a, b in itertools.pairwise(marks) if a < b and not parser.surplus
    )
    return parser, body


def bytewise(data: bytes) -> list[int]:
    return list(range(1, len(data)))


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    ("data", "body", "reusable"),
    [
        pytest.param(OK + b"content-length: 2\r\n\r\nok", b"ok", True, id="length"),
        pytest.param(OK + b"Content-Length:2\r\n\r\nok", b"ok", True, id="no space"),
        pytest.param(OK + b"content-length: 0\r\n\r\n", b"", True, id="empty"),
        pytest.param(b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", b"ok", True, id="no reason"),
        pytest.param(CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"ok", True, id="chunked"),
        pytest.param(CHUNKED + b'2;a=b;c="d"\r\nok\r\n0;e\r\n\r\n', b"ok", True, id="extensions"),
        pytest.param(CHUNKED + b"2\r\nok\r\n0\r\nx: y\r\nz: 1\r\n\r\n", b"ok", True, id="trailers"),
        pytest.param(CHUNKED + b"000002\r\nok\r\n0\r\n\r\n", b"ok", True, id="leading zeros"),
        pytest.param(OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", True, id="any case"),
        pytest.param(OK + b"connection: close\r\ncontent-length: 2\r\n\r\nok", b"ok", False, id="close"),
        pytest.param(OK + b"connection: x, Close\r\ncontent-length: 2\r\n\r\nok", b"ok", False, id="close in a list"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok", False, id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 204 None\r\n\r\n", b"", True, id="204"),
        pytest.param(b"HTTP/1.1 204 None\r\ncontent-length: 0\r\n\r\n", b"", True, id="204 of no length"),
        pytest.param(b"HTTP/1.1 304 Same\r\ncontent-length: 9\r\n\r\n", b"", True, id="304"),
        pytest.param(
            OK + b"upgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nok",
            b"ok",
            True,
            id="offers an upgrade",
        ),
        pytest.param(b"HTTP/1.1 100 Go\r\n\r\n" * 3 + OK + b"content-length: 2\r\n\r\nok", b"ok", True, id="1xx"),
        pytest.param(
            b"HTTP/1.1 103 Hints\r\ncontent-type: x\r\n\r\n" + CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"ok", True, id="103"
        ),
    ],
)
def test_answers(data: bytes, body: bytes, reusable: bool, cut: bool) -> None:
    parser, found = parse(data, bytewise(data) if cut else None)
    assert (found, parser.complete, parser.reusable) == (body, True, reusable)


@pytest.mark.parametrize("coding", [b"", b"transfer-encoding: identity\r\n", b"transfer-encoding: Identity\r\n"])
def test_an_answer_until_the_connection_ends(coding: bytes) -> None:
    parser, body = parse(OK + coding + b"\r\nok")
    assert (body, parser.complete) == (b"ok", False)
    assert parser.end()
    assert not parser.reusable


@pytest.mark.parametrize("data", [OK + b"content-length: 3\r\n\r\nok", CHUNKED + b"2\r\nok\r\n", OK + b"x: 1\r\n", b""])
def test_an_answer_that_is_cut_is_never_whole(data: bytes) -> None:
    assert not parse(data)[0].end()


@pytest.mark.parametrize(
    "head",
    [b"content-length: 9\r\n", b"transfer-encoding: chunked\r\n", b""],
)
def test_head_has_no_body(head: bytes) -> None:
    parser, body = parse(OK + head + b"\r\n", method=b"HEAD")
    assert (body, parser.complete, parser.reusable) == (b"", True, True)
    parser, body = parse(OK + head + b"\r\n9", method=b"HEAD")
    assert (body, parser.complete, parser.reusable) == (b"", True, False)


def test_a_tunnel_has_no_body() -> None:
    parser, _ = parse(b"HTTP/1.0 200 Connection established\r\n\r\n", method=b"CONNECT")
    assert (parser.complete, parser.surplus) == (True, False)
    parser, _ = parse(b"HTTP/1.0 200 Connection established\r\n\r\n\x16", method=b"CONNECT")
    assert parser.surplus


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (OK + b"content-length: 2\r\n\r\nok", b"ok"),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 204 No\r\n\r\n", b""),
        (OK + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
    ],
)
@pytest.mark.parametrize("more", [b"x", b"HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\nsecond", OK])
def test_what_comes_after_the_end_is_not_the_answers(data: bytes, body: bytes, more: bytes) -> None:
    parser, found = parse(data + more)
    assert (found, parser.status in (200, 204), parser.surplus, parser.reusable) == (body, True, True, False)


REFUSED = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "RTSP": b"RTSP/1.0 200 OK\r\n\r\n",
    "ICY": b"ICY 200 OK\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "empty lines first": b"\r\n\r\n" + OK + b"\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "status of two": b"HTTP/1.1 20 OK\r\n\r\n",
    "status of four": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status below": b"HTTP/1.1 099 OK\r\n\r\n",
    "status above": b"HTTP/1.1 600 OK\r\n\r\n",
    "another protocol from here on": b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "101 alone": b"HTTP/1.1 101 X\r\n\r\n",
    "bare LF in the first line": b"HTTP/1.1 200 OK\nx: 1\r\n\r\n",
    "bare LF": OK + b"x: 1\ny: 2\r\n\r\n",
    "bare CR": OK + b"x: 1\ry: 2\r\n\r\n",
    "NUL": OK + b"x: a\0b\r\n\r\n",
    "control character": OK + b"x: a\x1fb\r\n\r\n",
    "DEL": OK + b"x: a\x7fb\r\n\r\n",
    "folded": OK + b"x: 1\r\n y: 2\r\n\r\n",
    "folded by a tab": OK + b"x: 1\r\n\ty: 2\r\n\r\n",
    "space before the first header": OK + b" x: 1\r\n\r\n",
    "space before the colon": OK + b"content-length : 2\r\n\r\nok",
    "no name": OK + b": 1\r\n\r\n",
    "no colon": OK + b"x\r\n\r\n",
    "a name that is no token": OK + b"x\x80: 1\r\n\r\n",
    "two lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\nok",
    "the length twice": OK + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok",
    "a list of lengths": OK + b"content-length: 2, 2\r\n\r\nok",
    "length with a sign": OK + b"content-length: +2\r\n\r\nok",
    "negative length": OK + b"content-length: -2\r\n\r\nok",
    "hexadecimal length": OK + b"content-length: 0x2\r\n\r\nok",
    "no length": OK + b"content-length:\r\n\r\nok",
    "length beyond all": OK + b"content-length: 99999999999999999999\r\n\r\nok",
    "length and chunked": OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked and length": OK + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "length and identity": OK + b"content-length: 2\r\ntransfer-encoding: identity\r\n\r\nok",
    "chunked twice": OK + b"transfer-encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two codings": OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "gzip": OK + b"transfer-encoding: gzip\r\n\r\nok",
    "gzip, chunked": OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "chunked, gzip": OK + b"transfer-encoding: chunked, gzip\r\n\r\nok",
    "xchunked": OK + b"transfer-encoding: xchunked\r\n\r\nok",
    "an empty coding": OK + b"transfer-encoding:\r\n\r\nok",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "204 with a length": b"HTTP/1.1 204 No\r\ncontent-length: 2\r\n\r\nok",
    "204 in chunks": b"HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKED + b"2 \r\nok\r\n0\r\n\r\n",
    "chunk size after a space": CHUNKED + b" 2\r\nok\r\n0\r\n\r\n",
    "chunk size with a sign": CHUNKED + b"+2\r\nok\r\n0\r\n\r\n",
    "negative chunk size": CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
    "chunk size in C": CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\nok\r\n0\r\n\r\n",
    "chunk size beyond all": CHUNKED + b"fffffffffffffffff\r\nok\r\n0\r\n\r\n",
    "chunk size, bare LF": CHUNKED + b"2\nok\r\n0\r\n\r\n",
    "extension, bare LF": CHUNKED + b"2;x\nok\r\n0\r\n\r\n",
    "chunk too long": CHUNKED + b"2\r\nokk\r\n0\r\n\r\n",
    "chunk, bare LF": CHUNKED + b"2\r\nok\n0\r\n\r\n",
    "no end of chunk": CHUNKED + b"2\r\nok0\r\n\r\n",
    "last chunk, bare LF": CHUNKED + b"2\r\nok\r\n0\n\n",
    "end, bare LF": CHUNKED + b"2\r\nok\r\n0\r\n\n",
    "folded trailer": CHUNKED + b"2\r\nok\r\n0\r\nx: 1\r\n y\r\n\r\n",
    "length as a trailer": CHUNKED + b"2\r\nok\r\n0\r\ncontent-length: 9\r\n\r\n",
    "a header without end": OK + b"x: " + b"y" * (MAX_HEAD + 1),
    "headers without end": OK + b"x: y\r\n" * MAX_HEAD,
    "interim answers without end": b"HTTP/1.1 100 Go\r\n\r\n" * MAX_HEAD,
    "an extension without end": CHUNKED + b"2;" + b"x" * 2 * MAX_HEAD,
    "a chunk size without end": CHUNKED + b"0" * 2 * MAX_HEAD,
    "a trailer without end": CHUNKED + b"0\r\nx: " + b"y" * 2 * MAX_HEAD,
    "trailers without end": CHUNKED + b"0\r\n" + b"x: y\r\n" * MAX_HEAD,
}


@pytest.mark.parametrize("size", [7, 1000])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_answer(name: str, size: int) -> None:
    data = REFUSED[name]
    with pytest.raises(GatewayError) as refused:
        parse(data, list(range(size, len(data), size)))
    assert refused.value.code == "upstream_protocol_error"


def test_a_head_of_just_what_is_allowed() -> None:
    filling = MAX_HEAD - len(OK + b"x: \r\ncontent-length: 0\r\n\r\n")
    parser, _ = parse(OK + b"x: " + b"y" * filling + b"\r\ncontent-length: 0\r\n\r\n")
    assert parser.complete
    with pytest.raises(GatewayError):
        parse(OK + b"x: " + b"y" * (filling + 1) + b"\r\ncontent-length: 0\r\n\r\n")


def test_headers_as_they_came() -> None:
    parser, _ = parse(OK + b"X-Empty:\r\nX-Request-ID: \t a  b\t\r\nset-cookie: a\r\nSet-Cookie: \xfc\r\n\r\n")
    assert parser.headers == [
        (b"x-empty", b""),
        (b"x-request-id", b"a  b"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"\xfc"),
    ]


BODY = st.binary(max_size=300)
NAMES = st.sampled_from([b"x-a", b"X-B", b"content-type", b"set-cookie"])
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20).map(str.encode)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A valid answer and its body."""
    headers = b"".join(b"%b: %b\r\n" % pair for pair in draw(st.lists(st.tuples(NAMES, VALUES), max_size=5)))
    interim = b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" * draw(st.integers(0, 2))
    parts = draw(st.lists(BODY.filter(bool), max_size=6))
    body = b"".join(parts)
    if draw(st.booleans()):
        return interim + OK + headers + b"content-length: %d\r\n\r\n" % len(body) + body, body
    extension = draw(st.sampled_from([b"", b";a", b";a=b"]))
    framed = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    trailer = draw(st.sampled_from([b"", b"x-sum: 1\r\n"]))
    return interim + OK + headers + b"transfer-encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailer + b"\r\n", body


@given(answers(), st.data())
@settings(max_examples=300)
def test_packets_do_not_matter(answer: tuple[bytes, bytes], data: st.DataObject) -> None:
    raw, body = answer
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=12))
    whole, together = parse(raw)
    parser, found = parse(raw, cuts)
    assert found == together == body
    assert parser.headers == whole.headers
    assert (parser.complete, parser.reusable, parser.status) == (True, True, 200)


@given(answers(), st.data())
@settings(max_examples=300)
def test_a_beginning_is_never_taken_for_the_whole(answer: tuple[bytes, bytes], data: st.DataObject) -> None:
    raw, body = answer
    parser, found = parse(raw[: data.draw(st.integers(0, len(raw) - 1))])
    assert not parser.end()
    assert body.startswith(found)


@given(st.data())
@settings(max_examples=500)
def test_anything_is_an_answer_or_is_refused(data: st.DataObject) -> None:
    raw, _ = data.draw(answers())
    at = data.draw(st.integers(0, len(raw)))
    noise = data.draw(
        st.binary(max_size=20) | st.sampled_from([b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"0\r\n\r\n"])
    )
    raw = raw[:at] + noise + raw[at + data.draw(st.integers(0, 3)) :]
    try:
        parser, found = parse(raw, data.draw(st.lists(st.integers(0, len(raw)), max_size=5)))
    except GatewayError as refused:
        assert refused.code == "upstream_protocol_error"
        return
    assert len(found) <= len(raw)
    assert parser.end() or not parser.reusable
