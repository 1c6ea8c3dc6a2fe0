"""A request's head, and what of it is refused although llhttp lets it through. Pure: values in, a value out.

Whatever another parser on the way might read differently is refused, never put right. Source: RFC 9110, RFC 9112.
"""

from msgspec import Struct

from gateway.errors import GatewayError
from gateway.wire.headers import Headers

MAX_HEAD = 64 * 1024
_LINE = len(b": \r\n")
_MAX_DIGITS = 18  # of a length: 10^18 bytes are more than there are, and fit into any reader's number


class RequestHead(Struct, frozen=True):
    """Header names are lower-case; `keep_alive`: the connection may be used again."""

    method: str
    path: str
    query: bytes
    headers: Headers
    http_1_0: bool
    keep_alive: bool
    expects: bool  # to be told to go on before it sends its body


def read(method: str, target: bytes, version: str, headers: Headers, *, keep_alive: bool) -> RequestHead:
    """The head. Raises GatewayError `headers_too_large`, `malformed_request` or `request_too_large`."""
    if sum(len(name) + len(value) + _LINE for name, value in headers) + len(target) > MAX_HEAD:
        raise GatewayError("headers_too_large")
    _check(method, target, version, headers)
    path, _, query = target.partition(b"?")
    expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
    return RequestHead(
        method=method,
        path=path.decode("ascii"),
        query=query,
        headers=headers,
        http_1_0=version == "1.0",
        keep_alive=keep_alive,
        expects=expects and version == "1.1",
    )


def framing(headers: Headers) -> Headers:
    """The headers that say how a body ends."""
    return [header for header in headers if header[0] in (b"content-length", b"transfer-encoding")]


def plain_head(headers: Headers) -> bytes:
    """A head of no meaning with these headers, for a parser that is to read the body alone."""
    fields = b"".join(b"%b: %b\r\n" % header for header in headers)
    return b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + fields + b"\r\n"


def _check(method: str, target: bytes, version: str, headers: Headers) -> None:
    if version not in ("1.0", "1.1"):
        raise GatewayError("malformed_request", f"HTTP/{version} is not served here.")
    if method == "CONNECT":
        raise GatewayError("malformed_request", "This is no proxy for tunnels.")
    if not target.startswith(b"/") or b"#" in target or not target.isascii():
        raise GatewayError("malformed_request", "A request names its path alone, in ASCII.")
    if any(name == b"content-length" and len(value) > _MAX_DIGITS for name, value in headers):
        raise GatewayError("request_too_large", "No body is that long.")
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and (version == "1.0" or [value.lower() for value in codings] != [b"chunked"]):
        raise GatewayError("malformed_request", "Of transfer codings only `chunked` is served, in HTTP/1.1.")
    hosts = sum(name == b"host" for name, _ in headers)
    if hosts > 1 or (version == "1.1" and not hosts):
        raise GatewayError("malformed_request", "A request names its host, once.")
