"""What callers send: bodies, forms, codings, headers. Each function takes one input and raises AssertionError where the
gateway reads it wrongly; an exception that a parser does not document is a crash.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable

from gateway.errors import GatewayError
from gateway.wire import body as wire_body
from gateway.wire import headers as wire_headers
from gateway.wire.encoding import PIECE, Decoder
from gateway.wire.scan import Scanner
from gateway.wire.usage import options_with_usage
from tests.fuzz.cutting import choice, head_and_rest, pieces
from tests.fuzz.references import Pairs, form_fields, json_of

_OURS = "ft:ours:é"
_OURS_JSON = b'"ft:ours:\\u00e9"'
_UNREADABLE = ("invalid_json", "invalid_model_field")
_NAMES = ("model", "purpose")
_JSON_TYPES = (
    b"application/json",
    b"",
    b"text/plain",
    b"Application/JSON; charset=UTF-8",
    b"application/octet-stream",
    b"multipart/form-data; boundary=x",
)
_LIMIT = 1 << 20
_HOP_BY_HOP = {b"connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"keep-alive"}
_SECRET = {b"authorization", b"x-api-key", b"api-key", b"cookie", b"x-tenant-id", b"proxy-authorization"}


def body(data: bytes) -> None:
    """A rewritten body: any parser finds our model in it, once, and all else as it was."""
    try:
        read = wire_body.read(data)
    except GatewayError as error:
        assert error.code in _UNREADABLE
        return
    try:
        before, after = json_of(data), json_of(read.raw)
    except RecursionError:
        return  # the reference's own
    names = [name for name, _ in after]
    assert len(set(names)) == len(names)
    assert [name for name in names if name.casefold() == "model"] in ([], ["model"])
    members = before.last()
    assert after.last() == members
    assert read.raw == data or b"\\" in data or len(before) != len(members)
    assert read.requested == members.get("model")
    assert read.stream == (members.get("stream") is True)
    spliced = json_of(wire_body.with_model(read, _OURS))
    assert sorted(name for name, _ in spliced) == sorted({*names, "model"})
    assert spliced.last() == members | {"model": _OURS}
    _check_options(read, members)


def _check_options(read: wire_body.RequestBody, members: dict[str, object]) -> None:
    options = options_with_usage(read)
    if options is None:
        return
    changed = json_of(wire_body.with_members(read, {"model": _OURS_JSON, "stream_options": options})).last()
    old = members.get("stream_options")
    asked = (old.last() if isinstance(old, Pairs) else {}) | {"include_usage": True}
    assert changed.pop("stream_options").last() == asked
    assert changed == {name: value for name, value in members.items() if name != "stream_options"} | {"model": _OURS}


def scan_json(data: bytes) -> None:
    """A relayed body, of any type: what Python's json finds in it, the scanner has found or refused."""
    _scan(_JSON_TYPES[choice(data, len(_JSON_TYPES))], data)


def scan_form(data: bytes) -> None:
    """A relayed form, its content-type in the input's first line: what `email` finds, the scanner has found."""
    content_type, rest = head_and_rest(data)
    _scan(content_type.removesuffix(b"\r"), rest)


def _scan(content_type: bytes, data: bytes) -> None:
    found = _scanned(content_type, [data])
    assert found == _scanned(content_type, pieces(data))
    if found is None:
        return
    for value in found["model"] + found["purpose"]:
        assert len(value.encode()) <= 4096  # a record and a path can hold it
    there = _there(content_type, data)
    if there is not None:
        assert all(Counter(there[name]) <= Counter(found[name]) for name in _NAMES), there


def _scanned(content_type: bytes, parts: Iterable[bytes]) -> dict[str, list[str]] | None:
    try:
        scanner = Scanner(content_type or None, None)
        for part in parts:
            scanner.feed(part)
        scanner.close()
    except GatewayError as error:
        assert error.code in _UNREADABLE
        return None
    return scanner.fields


def _there(content_type: bytes, data: bytes) -> dict[str, list[str]] | None:
    """What another parser sees; None where it sees nothing of the kind."""
    try:
        members = json_of(data, strict=False)
    except (ValueError, RecursionError):
        members = None
    if isinstance(members, Pairs):
        texts = [(name.casefold(), value if isinstance(value, str) else "") for name, value in members]
        return {wanted: [value for name, value in texts if name == wanted] for wanted in _NAMES}
    if not data.lstrip().startswith(b"{") and any(name in data.lower() for name in (b"model", b"purpose")):
        return form_fields(content_type, data, _NAMES)
    return None


def encoding(data: bytes) -> None:
    """A coding in the first line, and a body: cut or not, it decodes to what zlib makes of it, or to nothing."""
    coding, rest = head_and_rest(data)
    found = _decoded(coding, [rest])
    assert found == _decoded(coding, pieces(rest))
    if found is not None and coding.strip().lower() in (b"gzip", b"x-gzip"):
        assert found == gzip.decompress(rest)
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    for name, packed in (
        (b"gzip", gzip.compress(rest[:9]) + gzip.compress(rest[9:])),
        (b"deflate", zlib.compress(rest)),
        (b"deflate", bare.compress(rest) + bare.flush()),
        (b"identity", rest),
    ):
        assert _decoded(name, pieces(packed)) == rest


def _decoded(coding: bytes, parts: Iterable[bytes]) -> bytes | None:
    """None where it is refused."""
    out = bytearray()
    try:
        decoder = Decoder(coding)
        for part in parts:
            for piece in decoder.feed(part, _LIMIT):
                assert 0 < len(piece) <= PIECE
                out += piece
        decoder.close()
    except GatewayError as error:
        assert error.code in ("invalid_json", "request_too_large")
        return None
    finally:
        assert len(out) <= _LIMIT
    return bytes(out)


def headers(data: bytes) -> None:
    """Header lines: no credential, control or hop-by-hop header goes upstream, none that `Connection` names."""
    lines = (line.partition(b":") for line in data.split(b"\n"))
    given = [(name.strip().lower(), value.strip()) for name, _, value in lines]
    named = {token.strip().lower() for name, value in given if name == b"connection" for token in value.split(b",")}
    up = wire_headers.to_upstream(given)
    down = wire_headers.to_caller(given)
    assert not {name for name, _ in up} & (_HOP_BY_HOP | _SECRET | named)
    assert not {name for name, _ in down} & (_HOP_BY_HOP | named)
    assert [header for header in given if header in up] == up
    length = wire_headers.content_length(given)
    assert length is None or length >= 0
    key = wire_headers.presented_key(given)
    assert key is None or key.strip(" \t") == key
    assert wire_headers.upgrades(given) in (True, False)
