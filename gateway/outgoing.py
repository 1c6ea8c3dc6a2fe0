"""What goes upstream: a request's head and body, made of the caller's. Bytes only; nothing is sent here."""

import msgspec

from gateway.endpoints import Target
from gateway.errors import GatewayError
from gateway.exchange import Exchange
from gateway.routing import Upstream
from gateway.upstream.addresses import Origin
from gateway.wire import headers as wire_headers
from gateway.wire import kinds
from gateway.wire.body import RequestBody, with_members
from gateway.wire.usage import options_with_usage
from policies.values import Decision


def body(asked: RequestBody, decision: Decision, target: Target, upstream: Upstream) -> tuple[bytes, bool]:
    """The body with the routed model in it and, for a stream, the wish to hear of its usage; whether that was added."""
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
    upstream: Upstream,
    origin: Origin,
    model: str | None,
    length: int | None,
    traceparent: bytes | None,
) -> bytes:
    """The request line and headers: the caller's that may pass, the provider's credential, our own.

    `model` is the routed one, for providers that have it in the path; `length` is the body's, None where it comes in
    chunks. Raises GatewayError `endpoint_not_supported`.
    """
    try:
        query = exchange.query.decode("latin-1")
        path = kinds.path(upstream.kind, upstream.path, target.path, model, query, upstream.options)
    except kinds.NeedsModel:
        words = "At this provider the model is part of the path, and this call names none in its first part."
        raise GatewayError("endpoint_not_supported", words, "model") from None
    # A rewritten body was decoded to be read, and goes on as it was read.
    without = frozenset({b"content-encoding"}) if target.endpoint.rewritten else frozenset[bytes]()
    passed = [header for header in wire_headers.to_upstream(exchange.headers) if header[0] not in without]
    named = {name for name, _ in passed}
    lines = [f"{exchange.method} {path} HTTP/1.1".encode("latin-1"), b"host: " + origin.authority]
    lines += [b"%b: %b" % header for header in passed]
    lines += [b"%b: %b" % header for header in upstream.headers]
    lines += [b"%b: %b" % header for header in kinds.KINDS[upstream.kind].defaults if header[0] not in named]
    lines.append(b"accept-encoding: identity")
    if traceparent is not None:
        lines.append(b"traceparent: " + traceparent)
    if length is None:
        lines.append(b"transfer-encoding: chunked")
    elif length or exchange.method in ("POST", "PUT", "PATCH"):
        lines.append(b"content-length: %d" % length)
    return b"\r\n".join(lines) + b"\r\n\r\n"
