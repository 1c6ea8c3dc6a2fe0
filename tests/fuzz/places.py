"""Where a call goes: paths, addresses, proxies, traces, and what the translator is asked. Each function takes one input
and raises AssertionError where the gateway reads it wrongly; an exception that is not documented is a crash.
"""

import base64
import re
from urllib.parse import unquote

from gateway import endpoints, trace_context
from gateway.errors import GatewayError
from gateway.translator import asked as translator_asked
from gateway.upstream.addresses import InvalidUrl, Origin, parse_base_url
from gateway.upstream.proxy import parse_proxy
from gateway.wire import kinds
from tests.fuzz.cutting import choice, head_and_rest

_DOTS = {".", ".."}
_NEVER = {"fine_tuning", "fine-tunes", "fine_tunes", "organization", "organizations"}
_PLAIN = re.compile(r"[!-~]*")
_TARGET = re.compile(r"/[!-\"$-~]*")
_AUTHORITY = re.compile(rb"[A-Za-z0-9._:\[\]-]+")
_CONNECT = re.compile(rb"CONNECT \S+ HTTP/1\.1\r\nhost: \S+\r\n(?:proxy-authorization: Basic [A-Za-z0-9+/=]+\r\n)?\r\n")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL)
_REACHED = (
    Origin("https", "api.openai.com", 443),
    Origin("https", "10.1.2.3", 8443),
    Origin("https", "::1", 443),
    Origin("http", "internal", 80),
)
_BASES = ("", "/v1", "/openai/v1", "/openai", "/a/b")
_NOT_ASKED = {"api_key", "base_url", "mock_response", "callbacks", "success_callback", "extra_headers", "client"}


def endpoint(data: bytes) -> None:
    """A method, a path and the tenant's further paths, a line each: no path that is relayed leads elsewhere, however
    often it is decoded."""
    method, path, *entries = [*data.decode("latin-1").split("\n"), ""]
    allowed = tuple(entry for entry in entries if endpoints.allows(entry))
    assert endpoints.is_data_plane(path) in (True, False)
    assert endpoints.is_anthropic(path) in (True, False)
    try:
        target = endpoints.find(method, path, allowed)
    except GatewayError as error:
        assert error.code in ("endpoint_not_allowed", "method_not_allowed")
        return
    assert _PLAIN.fullmatch(target.path)
    for name in (target.path, unquote(target.path), unquote(unquote(target.path))):
        parts = name.lower().split("/")
        assert not set(parts) & {"", *_DOTS}, name
        # below a route of the table, such a word is a model's name
        assert not set(parts if target.endpoint.family == "other" else parts[:1]) & _NEVER, name
        assert not set(name) & set("?#\\;"), name
    if target.endpoint.family == "other" and {"files", "uploads"} & set(unquote(target.path).lower().split("/")):
        assert method == "POST"
    assert endpoints.find(method, "/v1/" + target.path, allowed) == target


def kind(data: bytes) -> None:
    """A route, a model and a query, a line each, at a provider of each kind: one request target, whose path has the
    parts that it should have."""
    route, model, query = [*data.decode("latin-1").split("\n", 2), "", ""][:3]
    query = "".join(_PLAIN.findall(query)).replace("#", "")
    try:
        route = endpoints.find("POST", "/v1/" + route).path
    except GatewayError:
        return
    name = sorted(kinds.KINDS)[choice(data, len(kinds.KINDS))]
    base = _BASES[choice(data[::-1], len(_BASES))]
    for named in (name, "azure_openai"):
        try:
            made = kinds.path(named, base, route, model, query, {})
        except kinds.NeedsModel:
            continue
        assert _TARGET.fullmatch(made), made
        parts = made.partition("?")[0].split("/")[1:]
        assert parts[-route.count("/") - 1 :] == route.split("/")
        assert len(parts) <= base.count("/") + route.count("/") + 5
        assert not {unquote(part) for part in parts} & _DOTS, made


def base_url(data: bytes) -> None:
    """An admin's URL: refused, or an origin and a path that can stand in a request as they are."""
    try:
        origin, path = parse_base_url(data.decode(errors="replace"))
    except InvalidUrl:
        return
    assert _AUTHORITY.fullmatch(origin.authority)
    assert _PLAIN.fullmatch(path)
    assert not path.endswith("/")
    assert 0 < origin.port < 65536
    assert parse_base_url(f"{origin.scheme}://{origin.authority.decode()}{path}") == (origin, path)


def proxy(data: bytes) -> None:
    """HTTPS_PROXY in the first line, NO_PROXY in the second: refused without its password, or a proxy whose CONNECT is
    one request."""
    first, rest = head_and_rest(data)
    try:
        proxies = parse_proxy(first.decode(errors="surrogateescape"), rest.decode(errors="surrogateescape"))
    except InvalidUrl as error:
        assert str(error).startswith("HTTPS_PROXY ")
        return
    if proxies is None:
        return
    assert "authorization" not in repr(proxies.proxy)
    for origin in _REACHED:
        assert (proxies.of(origin) is None) == proxies.bypasses(origin)
        assert _CONNECT.fullmatch(proxies.proxy.connect(origin.host, origin.port))
    assert _AUTHORITY.fullmatch(proxies.proxy.host.encode())


def traceparent(data: bytes) -> None:
    """A caller's traceparent: continued where it is one, a new trace where not."""
    trace = trace_context.read(data, data)
    assert 0 < trace.trace_id < 1 << 128
    if trace.parent is not None:
        assert _TRACEPARENT.fullmatch(data.strip())
        assert f"-{trace.hex}-{trace.parent.span_id:016x}-".encode() in data
        assert trace.parent.span_id


def asked(data: bytes) -> None:
    """A provider's credential in the first line, a body after it: what litellm would be called with, of which the
    caller has not said where to connect or as whom."""
    credential, rest = head_and_rest(data)
    headers = [(translator_asked.CREDENTIAL_HEADER, base64.b64encode(credential))]
    try:
        call = translator_asked.read(headers, rest)
    except translator_asked.Refused as error:
        assert 400 <= error.status < 500
        return
    assert isinstance(call.arguments["messages"], list)
    without = {"api_key"} if call.kind != "vertex" else set[str]()
    assert not call.arguments.keys() & (_NOT_ASKED - without)
    assert all(secret not in repr(call).partition(", stream")[2] for secret in call.secrets)
