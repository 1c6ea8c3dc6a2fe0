"""OTLP's JSON, as far as our spans need it: plain functions that make bytes, as `otlp.py` does. No attribute
of ours is named here, and nothing is sent.

Sources: OTLP specification 1.x, "JSON Protobuf Encoding": protobuf's JSON mapping, but ids in hex, enums as numbers,
keys in lowerCamelCase; 64-bit integers as text.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan

from gateway.otlp_form import Value

CONTENT_TYPE = "application/json"

_encode = msgspec.json.Encoder().encode
_INT64 = range(-(2**63), 2**63)
_STATUS = {False: b'],"status":{},"flags":', True: b'],"status":{"code":2},"flags":'}
_FLAGS = {False: b"256}", True: b"768}"}  # SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK; with a remote parent, _IS_REMOTE_ too


def text(value: str) -> bytes:
    """A JSON text. What UTF-8 cannot hold (half a surrogate pair) becomes `?`."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(value.encode("utf-8", "replace").decode())


def attribute(name: str, value: Value | None) -> bytes:
    """A span's attribute after another. None, no values, and a number beyond 64 bits: none, b""."""
    encoded = None if value is None else _any_value(value)
    return b"" if encoded is None else b',{"key":%b,"value":%b}' % (text(name), encoded)


def writer(name: str) -> Callable[[Value | None], bytes]:
    """See Form."""
    return partial(attribute, name)


def span(
    ids: tuple[int, int],
    times: tuple[int, int],
    parent_id: int,
    *,
    state: str,
    error: bool,
    named: bytes,
    attributes: Sequence[bytes],
) -> bytes:
    """See Form."""
    head = b'{"traceId":"%032x","spanId":"%016x","startTimeUnixNano":"%d","endTimeUnixNano":"%d",' % (*ids, *times)
    if state:
        head += b'"traceState":%b,' % text(state)
    if parent_id:
        head += b'"parentSpanId":"%016x",' % parent_id
    return b"".join((head, named, *attributes, _STATUS[error], _FLAGS[bool(parent_id)]))


def named(name: str, values: Mapping[str, Value | None]) -> bytes:
    """See Form."""
    shared = b"".join(attribute(key, value) for key, value in values.items())
    return b'"name":%b,"kind":3,"attributes":[%b' % (text(name), shared[1:])


class _Envelope:
    """The ExportTraceServiceRequest. Resource and scope are what the SDK's own encoder makes of them."""

    def __init__(self, example: ReadableSpan) -> None:
        (resource,) = encode_spans([example]).resource_spans
        (scope,) = resource.scope_spans
        del scope.spans[:]
        made = _as_dict(resource)
        made["scopeSpans"][0]["spans"] = ["|"]
        self._before, _, self._after = json.dumps({"resourceSpans": [made]}).encode().rpartition(b'"|"')

    def around(self, spans: Sequence[bytes]) -> bytes:
        """See Envelope."""
        return b"".join((self._before, b",".join(spans), self._after))


def envelope(example: ReadableSpan) -> _Envelope:
    """See Form."""
    return _Envelope(example)


def sdk_span(made: ReadableSpan) -> bytes:
    """See Form."""
    encoded = _as_dict(encode_spans([made]).resource_spans[0].scope_spans[0].spans[0])
    for key in ("traceId", "spanId", "parentSpanId"):
        if key in encoded:
            encoded[key] = base64.b64decode(encoded[key]).hex()
    return _encode(encoded)


def _as_dict(message: Any) -> dict[str, Any]:
    made: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
    return made


def _any_value(value: Value) -> bytes | None:
    if isinstance(value, bool):
        return b'{"boolValue":true}' if value else b'{"boolValue":false}'
    if isinstance(value, str):
        return b'{"stringValue":%b}' % text(value)
    if isinstance(value, int):
        return b'{"intValue":"%d"}' % value if value in _INT64 else None
    if isinstance(value, float):
        return b'{"doubleValue":%b}' % _encode(value)
    return (
        b'{"arrayValue":{"values":[%b]}}' % b",".join(b'{"stringValue":%b}' % text(item) for item in value)
        if value
        else None
    )
