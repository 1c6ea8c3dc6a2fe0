"""The short way of reading a request's head: what it takes, and that it never reads anything otherwise than llhttp."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire import fields, requests
from tests.support.heads import by_llhttp

LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
HOST = b"host: gateway.example"
USUAL = LINE + b"\r\n".join(
    [
        b"Host: gateway.example:8080",
        b"Accept-Encoding: gzip, deflate",
        b"Connection: keep-alive",
        b"Accept: application/json",
        b"Content-Type: application/json",
        b"User-Agent: OpenAI/Python 3.54.0",
        b"X-Stainless-Lang: python",
        b"x-stainless-raw-response:true",
        b"Authorization:  Bearer hs_abc  ",
        b"Content-Length: 102",
    ]
)


def test_what_clients_send_goes_the_short_way() -> None:
    head = requests.plain(USUAL)
    assert head is not None
    assert head == by_llhttp(USUAL)
    assert (head.method, head.path, head.fields[b"authorization"]) == ("POST", "/v1/chat/completions", b"Bearer hs_abc")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"POST /x HTTP/1.0\r\n" + HOST, id="HTTP/1.0"),
        pytest.param(b"POST http://x/ HTTP/1.1\r\n" + HOST, id="absolute form"),
        pytest.param(b"POST /a#b HTTP/1.1\r\n" + HOST, id="fragment"),
        pytest.param("POST /ä HTTP/1.1\r\n".encode() + HOST, id="not ASCII"),
        pytest.param(b"CONNECT /x HTTP/1.1\r\n" + HOST, id="tunnel"),
        pytest.param(b" " + LINE + HOST, id="space first"),
        pytest.param(b"\r\n" + LINE + HOST, id="empty line first"),
        pytest.param(LINE + b"x: 1", id="no host"),
        pytest.param(LINE + HOST + b"\r\n" + HOST, id="two hosts"),
        pytest.param(LINE + HOST + b"\r\ncontent-length: 1\r\ncontent-length: 1", id="two lengths"),
        pytest.param(LINE + HOST + b"\r\ncontent-length: +1", id="signed length"),
        pytest.param(LINE + HOST + b"\r\ncontent-length: 1234567890123456789", id="endless length"),
        pytest.param(LINE + HOST + b"\r\ntransfer-encoding: chunked", id="chunked"),
        pytest.param(LINE + HOST + b"\r\nconnection: close", id="close"),
        pytest.param(LINE + HOST + b"\r\nconnection: x-y", id="a header named in connection"),
        pytest.param(LINE + HOST + b"\r\nexpect: 100-continue", id="expect"),
        pytest.param(LINE + HOST + b"\r\nupgrade: h2c", id="upgrade"),
        pytest.param(LINE + HOST + b"\r\nx : 1", id="space before the colon"),
        pytest.param(LINE + HOST + b"\r\nx: 1\r\n y: 2", id="folded"),
        pytest.param(LINE + HOST + b"\r\nx: 1\ny: 2", id="bare LF"),
        pytest.param(LINE + HOST + b"\r\nx: a\rb", id="bare CR"),
        pytest.param(LINE + HOST + b"\r\nx: a\0b", id="NUL"),
        pytest.param(LINE + HOST + b"\r\nx:", id="empty value"),
        pytest.param(LINE + HOST + b"\r\nx: \xe4", id="value not ASCII"),
        pytest.param(LINE + HOST + b"\r\nx: " + b"a" * 16_384, id="long"),
    ],
)
def test_anything_else_is_llhttps(head: bytes) -> None:
    assert requests.plain(head) is None


NAMES = st.sampled_from(
    [
        b"host",
        b"Host",
        b"content-length",
        b"Connection",
        b"x-a",
        b"X-A",
        b"te",
        b"expect",
        b"x_y",
        b"authorization",
        b"x y",
    ]
)
VALUES = st.sampled_from(
    [b"keep-alive", b"Keep-Alive", b"close", b"12", b"1 2", b"", b" a ", b"a\tb", b"\x7f"]
) | st.binary(max_size=6)
COLONS = st.sampled_from([b": ", b":", b" : ", b":\t", b":  "])
FIELDS = st.tuples(NAMES | st.binary(max_size=4), COLONS, VALUES).map(b"".join)
TARGETS = st.sampled_from([b"/", b"/v1/models?a=b", b"*", b"/a?b?c", b"/%2e", b"//x", b"/a b", b"/a;b"])
LINES = st.tuples(
    st.sampled_from([b"GET ", b"POST ", b"get ", b"BREW ", b"DELETE "]),
    TARGETS,
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.0", b"  HTTP/1.1", b" HTTP/1.1 ", b" http/1.1"]),
).map(b"".join)
HEADS = st.tuples(LINES, st.lists(FIELDS, max_size=4), st.sampled_from([b"\r\n", b"\n"])).map(
    lambda made: b"\r\n".join([made[0], HOST, *made[1]]).replace(b"\r\n", made[2], 1)
)


@given(HEADS | st.binary(max_size=40).map(lambda tail: USUAL + b"\r\n" + tail))
@settings(max_examples=1000)
def test_both_ways_read_the_same(head: bytes) -> None:
    short = requests.plain(head)
    assert short is None or short == by_llhttp(head)
    assert requests.plain(head) == short  # from what was kept too


def test_nothing_secret_is_kept_nor_much() -> None:
    for number in range(3000):  # more than are kept
        secrets = b"authorization: Bearer hs_secret\r\nx-api-key: hs_secret\r\nx-goog-api-key: hs_secret"
        requests.plain(b"POST /v1/a?key=hs_secret HTTP/1.1\r\n" + HOST + b"\r\n" + secrets + b"\r\nvia: %d" % number)
    kept = repr(vars(fields)) + repr(vars(requests))
    assert "via: 2999" in kept
    assert "hs_secret" not in kept
    assert len(kept) < 1_000_000
