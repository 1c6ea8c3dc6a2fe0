"""What goes upstream: a request's head and body, made of the caller's. Bytes only; nothing is sent here."""

from gateway.endpoints import Target
from gateway.exchange import Exchange
from gateway.masked import SecretBytes
from gateway.upstream.addresses import Origin
from gateway.ways import Way
from gateway.wire import headers as wire_headers
from gateway.wire import kinds
from gateway.wire.body import RequestBody, with_members
from gateway.wire.usage import options_with_usage

_LINE = b"%b: %b\r\n".__mod__  # of a header


def body(asked: RequestBody, target: Target, way: Way) -> tuple[bytes, bool]:
    """The body with the routed model in it and, for a stream, the wish to hear of its usage; whether that was added."""
    changes: dict[str, bytes] = {}
    if way.model is not None:
        changes["model"] = way.model
    wanted = asked.stream and target.endpoint.usage_option and way.upstream.stream_usage
    options = options_with_usage(asked) if wanted else None
    if options is not None:
        changes["stream_options"] = options
    return (with_members(asked, changes) if changes else asked.raw), options is not None


def head(
    exchange: Exchange, target: Target, way: Way, origin: Origin, length: int | None, more: wire_headers.Headers
) -> SecretBytes:
    """The request line and headers: the caller's that may pass, the provider's credential, our own.

    `length` is the body's, None where it comes in chunks; `more`, our own headers: the trace that goes on, what the
    translator wants. A credential stands in no variable but the headers' own.
    """
    passed = wire_headers.to_upstream(exchange.headers)
    if target.endpoint.rewritten and b"content-encoding" in exchange.fields:
        # It was decoded to be read, and goes on as it was read.
        passed = [header for header in passed if header[0] != b"content-encoding"]
    parts = [f"{exchange.method} {way.path} HTTP/1.1\r\nhost: ".encode("latin-1"), origin.authority, b"\r\n"]
    parts += map(_LINE, passed)
    ours = [b"accept-encoding: identity\r\n"]
    if defaults := kinds.KINDS[way.upstream.kind].defaults:
        named = {name for name, _ in passed}
        ours += [_LINE(header) for header in defaults if header[0] not in named]
    ours += map(_LINE, more)
    if length is None:
        ours.append(b"transfer-encoding: chunked\r\n")
    elif length or exchange.method in ("POST", "PUT", "PATCH"):
        ours.append(b"content-length: %d\r\n" % length)
    ours.append(b"\r\n")
    return SecretBytes(b"".join([*parts, *map(_LINE, way.upstream.headers), *ours]))
