"""A request's head, and what of it is refused although llhttp lets it through. Pure: values in, a value out.

Whatever another parser on the way might read differently is refused, never put right. Nearly every head is a plain one,
which is read here without llhttp: `plain` gives what llhttp and `read` would give, or nothing. Source: RFC 9110,
RFC 9112.
"""

import re

from msgspec import Struct

from gateway.errors import GatewayError
from gateway.wire import fields
from gateway.wire.headers import Headers

MAX_HEAD = 64 * 1024
_LINE = len(b": \r\n")
_MAX_DIGITS = 18  # of a length: 10^18 bytes are more than there are, and fit into any reader's number

_MAX_PLAIN = 16 * 1024
_PLAIN_LINE = re.compile(
    rb"(GET|POST|PUT|PATCH|DELETE|HEAD) (/[A-Za-z0-9/_.~%:@,+=&-]*)(?:\?([A-Za-z0-9/_.~%:@,+=&-]*))? HTTP/1\.1"
)
# What changes how a body is framed or a connection used is llhttp's to read.
_NOT_PLAIN = frozenset({b"transfer-encoding", b"upgrade", b"expect", b"proxy-connection", b"http2-settings"})
_KEPT_LINES = 1024
_KEPT_LENGTH = 128
_kept_lines: dict[bytes, tuple[str, str, bytes]] = {}


class RequestHead(Struct, frozen=True):
    """Header names are lower-case; `fields`: each one's first value; `keep_alive`: the connection may be used again."""

    method: str
    path: str
    query: bytes
    headers: Headers
    fields: dict[bytes, bytes]
    http_1_0: bool
    keep_alive: bool
    expects: bool  # to be told to go on before it sends its body

    def __repr__(self) -> str:
        return f"RequestHead({self.method} {self.path})"  # never the caller's key


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
        fields=dict(reversed(headers)),
        http_1_0=version == "1.0",
        keep_alive=keep_alive,
        expects=expects and version == "1.1",
    )


def plain(head: bytes) -> RequestHead | None:
    """The head of a request that is as nearly all are, without the empty line at its end; None for any other.

    Plain: HTTP/1.1, a connection that stays, a body of a told length or none, no header twice, visible ASCII.
    """
    if len(head) > _MAX_PLAIN:
        return None
    first, *lines = head.split(b"\r\n")
    line = _kept_lines.get(first) or _plain_line(first)
    headers = fields.read(lines) if line else None
    if line is None or headers is None:
        return None
    named = dict(headers)
    if len(named) != len(headers) or b"host" not in named or not _NOT_PLAIN.isdisjoint(named):
        return None
    length = named.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > _MAX_DIGITS or named.get(b"connection", b"keep-alive") != b"keep-alive":
        return None
    return RequestHead(*line, headers, named, http_1_0=False, keep_alive=True, expects=False)


def _plain_line(text: bytes) -> tuple[str, str, bytes] | None:
    found = _PLAIN_LINE.fullmatch(text)
    if found is None:
        return None
    line = (found[1].decode(), found[2].decode(), found[3] or b"")
    if len(text) <= _KEPT_LENGTH and b"?" not in text:  # some put their key into the query
        if len(_kept_lines) >= _KEPT_LINES:
            _kept_lines.clear()
        _kept_lines[text] = line
    return line


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
