"""A request as it goes upstream: which bytes of it are the caller's, the provider's and our own."""

from typing import Any

import msgspec
import pytest

from gateway import endpoints, outgoing, ways
from gateway.compiling import TenantRoutes, Upstream
from gateway.endpoints import Target
from gateway.errors import GatewayError
from gateway.exchange import Exchange
from gateway.http_exchange import HttpExchange, Patience
from gateway.upstream.addresses import parse_base_url
from gateway.wire import body as wire_body
from gateway.wire import kinds
from gateway.wire.headers import Headers
from gateway.wire.requests import RequestHead
from policies.values import Decision, Reason, Route

TRACEPARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXT: Headers = [(b"traceparent", TRACEPARENT)]


class Nobody:
    """A connection that is never asked for anything: a head is made of what is there."""

    patience = Patience()
    closing = False
    peer: str | None = None
    has_room = True

    def send(self, data: bytes) -> None: ...
    async def writable(self) -> bool:
        raise AssertionError

    def read_on(self) -> None: ...
    def ended(self, exchange: HttpExchange) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def exchange(*headers: tuple[bytes, bytes], method: str = "POST", query: bytes = b"") -> Exchange:
    named = dict(reversed(headers))
    head = RequestHead(method, "/v1/x", query, list(headers), named, http_1_0=False, keep_alive=True, expects=False)
    return HttpExchange(Nobody(), head)


def upstream(kind: str = "openai", url: str = "https://api.example/v1", **options: Any) -> Upstream:
    origin, path = parse_base_url(url)
    return Upstream(kind, origin, path, kinds.credential(kind, "sk-provider"), options)


def target(path: str = "chat/completions", method: str = "POST") -> Target:
    return endpoints.find(method, f"/v1/{path}", ("rerank",))


def routes(to: Upstream) -> TenantRoutes:
    """Those of a tenant with this provider."""
    route = Route("acme", 1, "all", "stock", {}, "main", {}, None, 1.0)
    return TenantRoutes(route, suspended=False, upstreams={"main": to})


def decided(model: str | None) -> Decision:
    return Decision(provider="main", model=model, reason=Reason.ACTIVE_JOB, fine_tuned=True, job_id="job_1")


def sent(
    asked: Exchange,
    to: Upstream | None = None,
    where: Target | None = None,
    *,
    model: str | None = "m",
    length: int | None = 2,
    context: Headers = CONTEXT,
) -> tuple[str, Headers]:
    """The request line, and the headers in their order."""
    to = to or upstream()
    assert to.origin is not None
    where = where or target()
    way = ways.way(routes(to), decided(None), where, model, asked.query.decode("latin-1"))
    head = outgoing.head(asked, where, way, to.origin, length, context)
    assert head.endswith(b"\r\n\r\n")
    assert b"\n" not in head.replace(b"\r\n", b"")
    line, *fields = head[:-4].split(b"\r\n")
    headers: Headers = []
    for field in fields:
        name, _, value = field.partition(b": ")
        headers.append((name, value))
    return line.decode(), headers


# the head


def test_a_head_whole() -> None:
    line, headers = sent(exchange((b"host", b"gateway"), (b"x-a", b"1"), (b"content-type", b"application/json")))
    assert line == "POST /v1/chat/completions HTTP/1.1"
    assert headers == [
        (b"host", b"api.example"),
        (b"x-a", b"1"),
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer sk-provider"),
        (b"accept-encoding", b"identity"),
        (b"traceparent", TRACEPARENT),
        (b"content-length", b"2"),
    ]


def test_what_is_the_callers_and_what_is_not() -> None:
    kept = [(b"x-a", b"1"), (b"x-a", b"2"), (b"user-agent", b"me"), (b"x-odd", b"\xe9")]
    gone = [
        (b"authorization", b"Bearer hs_caller"),
        (b"x-api-key", b"hs_caller"),
        (b"api-key", b"hs_caller"),
        (b"cookie", b"a=b"),
        (b"openai-organization", b"org"),
        (b"openai-project", b"proj"),
        (b"x-forwarded-for", b"1.2.3.4"),
        (b"x-forwarded-anything", b"1"),
        (b"x-tenant-id", b"smith"),
        (b"x-provider", b"main"),
        (b"x-workflow", b"assistant"),
        (b"x-workflow-run-id", b"1"),
        (b"x-model-policy", b"stock"),
        (b"connection", b"keep-alive, X-Named"),
        (b"x-named", b"1"),
        (b"keep-alive", b"timeout=5"),
        (b"te", b"trailers"),
        (b"trailer", b"x"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"h2c"),
        (b"proxy-authorization", b"Basic x"),
        (b"expect", b"100-continue"),
        (b"content-length", b"99"),
        (b"accept-encoding", b"gzip"),
        (b"traceparent", b"00-1-1-00"),
        (b"tracestate", b"a=b"),
        (b"host", b"gateway"),
    ]
    _, headers = sent(exchange(*gone, *kept))
    ours = [b"host", b"authorization", b"accept-encoding", b"traceparent", b"content-length"]
    assert [header for header in headers if header[0] not in ours] == kept
    assert sorted(name for name, _ in headers if name in ours) == sorted(ours), "each once"
    assert not any(b"hs_caller" in value for _, value in headers)


@pytest.mark.parametrize(("path", "kept"), [("chat/completions", False), ("embeddings", True), ("rerank", True)])
def test_what_was_decoded_is_no_longer_said_to_be_encoded(path: str, kept: bool) -> None:
    _, headers = sent(exchange((b"content-encoding", b"gzip")), where=target(path))
    assert ((b"content-encoding", b"gzip") in headers) is kept


@pytest.mark.parametrize(
    ("method", "path", "length", "said"),
    [
        ("POST", "embeddings", 0, (b"content-length", b"0")),
        ("POST", "embeddings", 300 << 20, (b"content-length", b"314572800")),
        ("POST", "embeddings", None, (b"transfer-encoding", b"chunked")),
        ("GET", "models", 0, None),
        ("GET", "responses/resp_1", 2, (b"content-length", b"2")),
        ("DELETE", "responses/resp_1", 0, None),
        ("DELETE", "responses/resp_1", None, (b"transfer-encoding", b"chunked")),
        ("PUT", "rerank", 0, (b"content-length", b"0")),
        ("PATCH", "rerank", 0, (b"content-length", b"0")),
        ("HEAD", "rerank", 0, None),
    ],
)
def test_how_the_body_is_framed(method: str, path: str, length: int | None, said: tuple[bytes, bytes] | None) -> None:
    line, headers = sent(exchange(method=method), where=target(path, method), length=length)
    assert line == f"{method} /v1/{path} HTTP/1.1"
    framing = [header for header in headers if header[0] in (b"content-length", b"transfer-encoding")]
    assert framing == ([said] if said else [])


def test_the_trace_goes_on_as_it_was_read_and_not_as_it_came() -> None:
    came = exchange((b"traceparent", TRACEPARENT), (b"tracestate", b"a=b"))
    for context in ([], [(b"traceparent", b"x"), (b"tracestate", b"y")]):
        _, headers = sent(came, context=context)
        assert [header for header in headers if header[0].startswith(b"trace")] == context


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example/v1", b"api.example"),
        ("https://api.example:8443/v1", b"api.example:8443"),
        ("http://127.0.0.1:9000", b"127.0.0.1:9000"),
        ("https://[2001:db8::1]/v1", b"[2001:db8::1]"),
    ],
)
def test_the_providers_host(url: str, host: bytes) -> None:
    _, headers = sent(exchange((b"host", b"gateway")), upstream(url=url))
    assert headers[0] == (b"host", host)


def test_what_a_provider_insists_on_unless_the_caller_says_it() -> None:
    anthropic = upstream("anthropic", "https://api.anthropic.example")
    line, headers = sent(exchange(query=b"beta=true"), anthropic, target("messages"))
    assert line == "POST /v1/messages?beta=true HTTP/1.1"
    assert (b"anthropic-version", b"2023-06-01") in headers
    assert (b"x-api-key", b"sk-provider") in headers
    _, headers = sent(exchange((b"anthropic-version", b"2024-01-01")), anthropic, target("messages"))
    assert [value for name, value in headers if name == b"anthropic-version"] == [b"2024-01-01"]


def test_a_model_in_the_path() -> None:
    azure = upstream("azure_openai", "https://firm.openai.azure.example", api_version="2025-01-01")
    line, headers = sent(exchange(), azure, model="ft:1")
    assert line == "POST /openai/deployments/ft%3A1/chat/completions?api-version=2025-01-01 HTTP/1.1"
    assert (b"api-key", b"sk-provider") in headers
    with pytest.raises(GatewayError) as error:
        sent(exchange(), azure, target("audio/transcriptions"), model=None)
    assert (error.value.code, error.value.param) == ("endpoint_not_supported", "model")


@pytest.mark.parametrize("query", [b"a=%0d%0ax", b"a?b&&c==;", b"="])
def test_a_query_goes_on_as_it_came(query: bytes) -> None:
    line, _ = sent(exchange(query=query))
    assert line.encode() == b"POST /v1/chat/completions?" + query + b" HTTP/1.1"


# the body


def made(asked: bytes, path: str, model: str | None = None, **options: Any) -> tuple[bytes, bool]:
    body, where = wire_body.read(asked), target(path)
    return outgoing.body(
        body,
        where,
        ways.way(routes(upstream("openai_compatible", **options)), decided(model), where, body.requested, ""),
    )


@pytest.mark.parametrize("path", ["chat/completions", "responses", "completions", "messages"])
def test_only_the_model_is_another(path: str) -> None:
    asked = b'{ "x":1.0,  "model" : "gpt","y":"\\u00e4"}'
    assert made(asked, path, 'ft:"1"') == (asked.replace(b'"gpt"', b'"ft:\\"1\\""'), False)
    assert made(asked, path) == (asked, False)


def test_a_model_is_filled_in() -> None:
    assert msgspec.json.decode(made(b"{}", "chat/completions", "ft:1")[0]) == {"model": "ft:1"}


@pytest.mark.parametrize(
    ("path", "asked", "options", "added"),
    [
        ("chat/completions", {"stream": True}, {}, True),
        ("completions", {"stream": True}, {}, True),
        ("chat/completions", {"stream": True, "stream_options": {"include_usage": False, "x": 1}}, {}, True),
        ("chat/completions", {"stream": True, "stream_options": {"include_usage": True}}, {}, False),
        ("chat/completions", {"stream": False}, {}, False),
        ("chat/completions", {}, {}, False),
        ("responses", {"stream": True}, {}, False),
        ("messages", {"stream": True}, {}, False),
        ("chat/completions", {"stream": True}, {"stream_usage": False}, False),
    ],
)
def test_usage_is_asked_for_where_it_does_not_come_by_itself(
    path: str, asked: dict[str, Any], options: dict[str, Any], added: bool
) -> None:
    body, said = made(msgspec.json.encode(asked), path, "ft:1", **options)
    expected = {**asked, "model": "ft:1"}
    if added:
        expected["stream_options"] = {**asked.get("stream_options", {}), "include_usage": True}
    assert (msgspec.json.decode(body), said) == (expected, added)
