"""Requests that two parsers could read differently, at a real gateway with a good key: refused, and never forwarded."""

import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.raw import Answer, Cut, Raw, chunked, request
from tests.support.servers import in_thread
from tests.support.upstream import Peer, Received, Upstream, echo_model, upstream

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": STOCK, "messages": []}).encode()
LENGTH = str(len(BODY))


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    """An upstream that answers whatever comes."""
    with in_thread(upstream(echo_model)) as made:
        yield made


@pytest.fixture(scope="module")
def firm(admin: Admin, provider: Upstream) -> Firm:
    """A tenant whose provider that is."""
    return Firm(admin, provider.url)


def lines(*fields: str, line: str = f"POST {CHAT} HTTP/1.1", host: str = "host: gateway") -> Callable[[str], bytes]:
    """A head of these fields, once the key is known."""

    def head(key: str) -> bytes:
        authorization = f"authorization: Bearer {key}"
        return "\r\n".join([line, *([host] if host else []), authorization, *fields]).encode("latin-1") + b"\r\n\r\n"

    return head


def by(*fields: str, body: bytes = BODY, line: str = f"POST {CHAT} HTTP/1.1") -> Callable[[str], bytes]:
    """The same, and a body."""
    return lambda key: lines(*fields, line=line)(key) + body


def in_chunks(body: bytes) -> Callable[[str], bytes]:
    """A body whose chunks are `body`."""
    return by("transfer-encoding: chunked", body=body)


def with_raw(*, before: bytes = b"", after: bytes = b"") -> Callable[[str], bytes]:
    """A good request with bytes before its first line, or after its last header."""

    def data(key: str) -> bytes:
        good = lines(f"content-length: {LENGTH}")(key)
        return before + good.removesuffix(b"\r\n") + after + b"\r\n" + BODY

    return data


SIZE = b"%x" % len(BODY)
ALL = SIZE + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
SMUGGLED = b"0\r\n\r\nPOST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"

REFUSED: dict[str, Callable[[str], bytes]] = {
    # two lengths
    "a length and chunks": by(f"content-length: {LENGTH}", "transfer-encoding: chunked", body=ALL),
    "chunks and a length": by("transfer-encoding: chunked", f"content-length: {LENGTH}", body=ALL),
    "chunks and a length, a request inside": by("transfer-encoding: chunked", "content-length: 4", body=SMUGGLED),
    "a length and chunks, a request inside": by("content-length: 4", "transfer-encoding: chunked", body=SMUGGLED),
    "two lengths, the same": by(f"content-length: {LENGTH}", f"content-length: {LENGTH}"),
    "two lengths that differ": by(f"content-length: {LENGTH}", "content-length: 4"),
    "a list of lengths": by(f"content-length: {LENGTH}, {LENGTH}"),
    # what is no length
    "a length with a plus": by(f"content-length: +{LENGTH}"),
    "a length with a minus": by(f"content-length: -{LENGTH}"),
    "a length in hex": by("content-length:  0x5"),
    "a length with a point": by(f"content-length: {LENGTH}.0"),
    "a length in two words": by("content-length: 1 0"),
    "an empty length": by("content-length:"),
    "a length beyond any": by("content-length: 99999999999999999999999999"),
    "a length beyond the limit": by("content-length: 18446744073709551615"),
    "a length that another's number may not hold": by("content-length: 9223372036854775808"),
    "a length of many zeros": by(f"content-length: {'0' * 30}{LENGTH}"),
    "a length in other digits": by("content-length: \xb2"),
    # transfer codings
    "xchunked": by("transfer-encoding: xchunked", body=ALL),
    "identity": by("transfer-encoding: identity", body=BODY),
    "gzip, chunked": by("transfer-encoding: gzip, chunked", body=ALL),
    "chunked, identity": by("transfer-encoding: chunked, identity", body=ALL),
    "chunked twice": by("transfer-encoding: chunked", "transfer-encoding: chunked", body=ALL),
    "chunked, chunked": by("transfer-encoding: chunked, chunked", body=ALL),
    "chunked after a vertical tab": by("transfer-encoding: \x0bchunked", body=ALL),
    "chunked in quotes": by('transfer-encoding: "chunked"', body=ALL),
    "chunked with a parameter": by("transfer-encoding: chunked;a=b", body=ALL),
    "an empty coding": by("transfer-encoding:", body=ALL),
    "chunks in HTTP/1.0": by("transfer-encoding: chunked", body=ALL, line=f"POST {CHAT} HTTP/1.0"),
    # chunks
    "a negative chunk": in_chunks(b"-1\r\nx\r\n0\r\n\r\n"),
    "a chunk's size with 0x": in_chunks(b"0x" + ALL),
    "a chunk's size with a plus": in_chunks(b"+" + ALL),
    "a chunk's size beyond any": in_chunks(b"1" + b"0" * 17 + b"\r\n" + BODY),
    "a chunk's size after a space": in_chunks(b" " + ALL),
    "a chunk's size before a space": in_chunks(ALL.replace(b"\r\n", b" \r\n", 1)),
    "a chunk's size that is none": in_chunks(b"\r\n" + ALL),
    "a chunk's size in words": in_chunks(b"five\r\nxxxxx\r\n0\r\n\r\n"),
    "a chunk longer than it says": in_chunks(b"1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk without its CRLF": in_chunks(SIZE + b"\r\n" + BODY + b"0\r\n\r\n"),
    "chunks with bare LF": in_chunks(ALL.replace(b"\r\n", b"\n")),
    "a chunk ended by a bare LF": in_chunks(SIZE + b"\r\n" + BODY + b"\n0\r\n\r\n"),
    "a chunk's size ended by a bare LF": in_chunks(SIZE + b"\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk's size ended by a bare CR": in_chunks(SIZE + b"\r" + BODY + b"\r\n0\r\n\r\n"),
    "an LF in a chunk's extension": in_chunks(SIZE + b";a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a bare LF in a trailer": in_chunks(SIZE + b"\r\n" + BODY + b"\r\n0\r\nx: y\n\r\n"),
    "a bare LF at the end": in_chunks(SIZE + b"\r\n" + BODY + b"\r\n0\r\n\n"),
    "a trailer that is none": in_chunks(SIZE + b"\r\n" + BODY + b"\r\n0\r\nx y\r\n\r\n"),
    "a length in a trailer": in_chunks(SIZE + b"\r\n" + BODY + b"\r\n0\r\ncontent-length: 5\r\n\r\n"),
    "a coding in a trailer": in_chunks(SIZE + b"\r\n" + BODY + b"\r\n0\r\ntransfer-encoding: gzip\r\n\r\n"),
    # a head's lines
    "a folded header": with_raw(after=b"x-a: 1\r\n 2\r\n"),
    "a folded length": with_raw(after=b"content-length:\r\n 5\r\n"),
    "a header begun with a space": with_raw(after=b" x-a: 1\r\n"),
    "a bare LF after a header": with_raw(after=b"x-a: 1\n"),
    "a bare LF after the first line": lambda key: with_raw()(key).replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
    "a bare LF for the empty line": with_raw(after=b"\n"),
    "a bare CR in a value": with_raw(after=b"x-a: 1\r2\r\n"),
    "two CRs": with_raw(after=b"x-a: 1\r\r\n"),
    "NUL in a value": with_raw(after=b"x-a: 1\x002\r\n"),
    "a control byte in a value": with_raw(after=b"x-a: 1\x012\r\n"),
    "DEL in a value": with_raw(after=b"x-a: 1\x7f2\r\n"),
    "NUL in a name": with_raw(after=b"x\x00a: 1\r\n"),
    "a control byte in a name": with_raw(after=b"x\x01a: 1\r\n"),
    "a letter that is no ASCII in a name": with_raw(after=b"x-\xe9: 1\r\n"),
    "a space before the colon": with_raw(after=b"x-a : 1\r\n"),
    "a length with a space before its colon": by(f"content-length : {LENGTH}"),
    "an empty name": with_raw(after=b": 1\r\n"),
    "no colon": with_raw(after=b"x-a\r\n"),
    "a separator in a name": with_raw(after=b"x(a): 1\r\n"),
    # hosts
    "two hosts": with_raw(after=b"host: elsewhere\r\n"),
    "the same host twice": with_raw(after=b"host: gateway\r\n"),
    "no host": lambda key: lines(f"content-length: {LENGTH}", host="")(key) + BODY,
    # first lines
    "HTTP/0.9": lambda _: b"GET /v1/models\r\n\r\n",
    "HTTP/0.9 in writing": lines(line="GET /v1/models HTTP/0.9"),
    "HTTP/1.2": lines(line="GET /v1/models HTTP/1.2"),
    "HTTP/1.10": lines(line="GET /v1/models HTTP/1.10"),
    "HTTP/2.0": lines(line="GET /v1/models HTTP/2.0"),
    "HTTP/3": lines(line="GET /v1/models HTTP/3"),
    "http/1.1": lines(line="GET /v1/models http/1.1"),
    "the preface of HTTP/2": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS greeting": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "a tunnel": lines(line="CONNECT api.openai.com:443 HTTP/1.1"),
    "a tunnel to a path": lines(line=f"CONNECT {CHAT} HTTP/1.1"),
    "absolute form": by(f"content-length: {LENGTH}", line=f"POST http://gateway{CHAT} HTTP/1.1"),
    "asterisk form": lines(line="OPTIONS * HTTP/1.1"),
    "a path without its slash": lines(line="GET v1/models HTTP/1.1"),
    "a fragment": lines(line="GET /v1/models#a HTTP/1.1"),
    "an unknown method": lines(line="FETCH /v1/models HTTP/1.1"),
    "a method of RTSP": lines(line="DESCRIBE /v1/models HTTP/1.1"),
    "a method in small letters": lines(line="get /v1/models HTTP/1.1"),
    "a method with a tab": lines(line="GET\t/v1/models HTTP/1.1"),
    "a path that is no ASCII": lines(line="GET /v1/models/\xe9 HTTP/1.1"),
    "NUL in a path": lines(line="GET /v1/models/a\0b HTTP/1.1"),
    "a tab in a path": lines(line="GET /v1/models/a\tb HTTP/1.1"),
    "a space after the version": lines(line="GET /v1/models HTTP/1.1 "),
    "a space in a path": lines(line="GET /v1/mod els HTTP/1.1"),
    "nothing of HTTP": lambda _: b"hello\r\n\r\n",
}


def answers(caller: Raw) -> Iterator[Answer]:
    """All that are given until the connection ends."""
    while True:
        try:
            yield caller.answer()
        except Cut:
            return


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_never_forwarded(firm: Firm, provider: Upstream, name: str) -> None:
    before = len(provider.requests)
    with Raw(firm.admin.url) as caller:
        caller.send_what_goes(REFUSED[name](firm.key))
        told = list(answers(caller))
    assert len(provider.requests) == before
    assert len(told) == 1, "one answer, and the connection ends"
    assert 400 <= told[0].status < 500
    assert told[0].code in ("malformed_request", "request_too_large")
    assert told[0].closes


@pytest.mark.parametrize("name", REFUSED)
def test_a_good_request_before_it_is_answered_and_it_is_not(firm: Firm, provider: Upstream, name: str) -> None:
    """Ahead of its answer and in one packet with it: what smuggling is for."""
    before = len(provider.requests)
    good = request("POST", CHAT, f"authorization: Bearer {firm.key}", body=BODY)
    with Raw(firm.admin.url) as caller:
        caller.send_what_goes(good + REFUSED[name](firm.key))
        told = list(answers(caller))
    assert [answer.status for answer in told[:1]] == [200]
    assert [400 <= answer.status < 500 for answer in told[1:]] == [True]
    assert len(provider.requests) == before + 1


@pytest.mark.parametrize("method", ["PROPFIND", "OPTIONS", "PUT", "TRACE", "QUERY"])
def test_a_method_that_the_route_does_not_have(firm: Firm, provider: Upstream, method: str) -> None:
    before = len(provider.requests)
    with Raw(firm.admin.url) as caller:
        told = caller.ask(method, CHAT, f"authorization: Bearer {firm.key}", body=BODY)
    assert (told.status, told.code) == (405, "method_not_allowed")
    assert len(provider.requests) == before


def test_nothing_is_read_after_a_request_that_says_close(firm: Firm, provider: Upstream) -> None:
    before = len(provider.requests)
    with Raw(firm.admin.url) as caller:
        good = request("POST", CHAT, f"authorization: Bearer {firm.key}", "connection: close", body=BODY)
        caller.send(good + good)
        told = list(answers(caller))
    assert [answer.status for answer in told] == [200]
    assert told[0].closes
    assert len(provider.requests) == before + 1


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_chunks_extensions_and_trailers_end_here(firm: Firm, provider: Upstream, version: str) -> None:
    with Raw(firm.admin.url) as caller:
        if version == "1.1":
            trailer = "x-late: 1\r\nx-model-policy: stock\r\n"
            sent = chunked("POST", CHAT, *authorized(firm), parts=(BODY[:9], BODY[9:]), trailer=trailer)
            sent = sent.replace(b"\r\n9\r\n", b"\r\n9;a=b\r\n")
        else:
            sent = request("POST", CHAT, *authorized(firm), body=BODY, version="1.0")
        caller.send(sent)
        assert caller.answer().status == 200
    last = provider.last
    assert last.body == BODY
    assert last.header("content-length") == [LENGTH]
    assert last.header("transfer-encoding") == last.header("x-late") == last.header("x-model-policy") == []


def authorized(firm: Firm) -> tuple[str, str]:
    return f"authorization: Bearer {firm.key}", "content-type: application/json"


@given(
    at=st.integers(0, 10_000),
    byte=st.sampled_from(b'\r\n\0\t\x0b\x0c\x1f ,;:"\x7f\x80\x85\xa0\xff'),
    twice=st.booleans(),
)
@settings(max_examples=150)
def test_a_byte_too_many_never_makes_another_request(
    firm: Firm, provider: Upstream, at: int, byte: int, twice: bool
) -> None:
    """Anywhere in the head: what is forwarded, if it is, is what was sent, once."""
    before = len(provider.requests)
    head = request("POST", CHAT, *authorized(firm), "x-a: 1", f"content-length: {LENGTH}")
    place = at % len(head)
    odd = bytes([byte]) * (2 if twice else 1)
    with Raw(firm.admin.url) as caller:
        caller.send_what_goes(head[:place] + odd + head[place:] + BODY)
        told = caller.answer()
    forwarded = provider.requests[before:]
    assert [received.body for received in forwarded] == [BODY] * (told.status == 200)
    for received in forwarded:
        assert received.target.partition("?")[0] == CHAT
        assert received.header("content-length") == [LENGTH]
        assert received.header("transfer-encoding") == []
        assert not any("\r" in value or "\n" in value or "\0" in value for _, value in received.headers)


# paths, at a tenant that may call some further ones


@pytest.fixture(scope="module")
def freer(admin: Admin, provider: Upstream) -> Firm:
    """A tenant with further paths."""
    return Firm(admin, provider.url, allowed_paths=["rerank", "batches/*", "files"])


def test_a_further_path_is_relayed(freer: Firm, provider: Upstream) -> None:
    with Raw(freer.admin.url) as caller:
        for path in ("/v1/rerank", "/v1/%72erank", "/v1/batches/batch_1/cancel"):
            assert caller.ask("POST", path, *authorized(freer), body=BODY).status == 200
            assert provider.last.target == path.replace("%72", "r")
            assert provider.last.body == BODY


@pytest.mark.parametrize(
    "path",
    [
        *("batches/../fine_tuning/jobs", "batches/%2e%2e/fine_tuning/jobs", "batches/.%2E/fine_tuning/jobs"),
        *("batches/..%2ffine_tuning%2fjobs", "batches%2f..%2ffine_tuning/jobs", "batches/%252e%252e/fine_tuning/jobs"),
        *("batches/..%252ffine_tuning", "batches//../fine_tuning/jobs", "batches/..;/fine_tuning", "batches/x;/y"),
        *("batches/..\\fine_tuning", "batches/..%5cfine_tuning", "batches/%2e%2e%5cfine_tuning", "batches/a//b"),
        *(
            "batches/fine_tuning/jobs",
            "fine_tuning/jobs",
            "Fine_Tuning/jobs",
            "fine%5ftuning/jobs",
            "fine_tuning%2fjobs",
        ),
        *(
            "organization/users",
            "ORGANIZATION/users",
            "batches/",
            "batches",
            "rerank/",
            "rerank/x",
            "Rerank",
            "/rerank",
        ),
        *("files/file-1/content", "batches/%00", "batches/%0d%0ax", "batches/%ff", "batches/%c0%ae%c0%ae/fine_tuning"),
        *("batches/%3f/../x", "batches/x%23y", "./rerank", "x/../rerank", "rerank%20", "rerank%2f", "v1/rerank"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_leads_where_it_says_or_nowhere(freer: Firm, provider: Upstream, method: str, path: str) -> None:
    before = len(provider.requests)
    with Raw(freer.admin.url) as caller:
        told = caller.ask(method, f"/v1/{path}", *authorized(freer), body=BODY)
    assert (told.status, told.code) == (403, "endpoint_not_allowed")
    assert len(provider.requests) == before


def form(purpose: str) -> bytes:
    """A file sent up for a purpose."""
    return (
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\r\n'
        b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n%b\r\n--b--\r\n' % purpose.encode()
    )


@pytest.mark.parametrize("purpose", ["fine-tune", "Fine-Tune", "fine-tune-results"])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/json"])
def test_no_file_is_sent_up_to_be_trained_on(freer: Firm, provider: Upstream, kind: str, purpose: str) -> None:
    def body(said: str) -> bytes:
        return form(said) if "form" in kind else json.dumps({"file": "x", "purpose": said, "model": "m"}).encode()

    authorization = f"authorization: Bearer {freer.key}"
    before = len(provider.requests)
    with Raw(freer.admin.url) as caller:
        told = caller.ask("POST", "/v1/files", authorization, f"content-type: {kind}", body=body(purpose))
        assert (told.status, told.code) == (403, "endpoint_not_allowed")
        assert json.loads(told.body)["error"]["param"] == "purpose"
    assert len(provider.requests) == before


def test_a_file_for_another_purpose_goes_up(freer: Firm, provider: Upstream) -> None:
    async def script(_: Received, peer: Peer) -> None:
        await peer.answer(b"{}")

    provider.script, before = script, provider.script
    try:
        with Raw(freer.admin.url) as caller:
            kind = "content-type: multipart/form-data; boundary=b"
            told = caller.ask("POST", "/v1/files", f"authorization: Bearer {freer.key}", kind, body=form("batch"))
    finally:
        provider.script = before
    assert told.status == 200
    assert provider.last.body == form("batch")
