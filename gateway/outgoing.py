"""What goes upstream: a request's head and body, made of the caller's. Bytes only; nothing is sent here."""

import msgspec

from gateway.endpoints import Target
from gateway.exchange import Exchange
from gateway.routing import Upstream
from gateway.upstream.addresses import Origin
from gateway.wire import headers as wire_headers
from gateway.wire.body import RequestBody, with_members
from gateway.wire.usage import options_with_usage
from policies.values import Decision


def body(asked: RequestBody | None, decision: Decision, target: Target, upstream: Upstream) -> tuple[bytes, bool]:
    """The body with the routed model in it and, for a stream, the wish to hear of its usage; whether that was added."""
    if asked is None:
        return b"", False
    changes: dict[str, bytes] = {}
    if decision.model is not None:
        changes["model"] = msgspec.json.encode(decision.model)
    wanted = target.endpoint.usage_option and upstream.stream_usage
    options = options_with_usage(asked) if wanted else None
    if options is not None:
        changes["stream_options"] = options
    return (with_members(asked, changes) if changes else asked.raw), options is not None


def head(
    exchange: Exchange,
    target: Target,
    origin: Origin,
    upstream: Upstream,
    length: int,
    traceparent: bytes | None,
) -> bytes:
    """The request line and headers: the caller's that may pass, the provider's credential, our own."""
    query = b"?" + exchange.query if exchange.query else b""
    lines = [exchange.method.encode() + b" " + f"{upstream.path}/{target.path}".encode() + query + b" HTTP/1.1"]
    lines.append(b"host: " + origin.authority)
    lines += [name + b": " + value for name, value in wire_headers.to_upstream(exchange.headers)]
    lines += [name + b": " + value for name, value in upstream.headers]
    lines.append(b"accept-encoding: identity")
    if traceparent is not None:
        lines.append(b"traceparent: " + traceparent)
    if length or exchange.method == "POST":
        lines.append(b"content-length: %d" % length)
    return b"\r\n".join(lines) + b"\r\n\r\n"
