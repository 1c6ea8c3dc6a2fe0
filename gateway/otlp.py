"""OTLP's protobuf, as far as our spans need it: plain functions that make bytes. No attribute of ours is named here,
and nothing is sent.

A protobuf library spends 60 µs on a span. Most of a span is what others said too, and is kept by whoever makes them; a
span is a join.

Sources, with the field numbers: opentelemetry-proto v1, `trace.proto` (TracesData or ExportTraceServiceRequest:
resource_spans 1; ResourceSpans: resource 1, scope_spans 2, schema_url 3; ScopeSpans: scope 1, spans 2, schema_url 3;
Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, status 15,
flags 16; Status: code 3) and `common.proto` (KeyValue: key 1, value 2; AnyValue: string 1, bool 2, int 3, double 4,
array 5; ArrayValue: values 1). The wire format: protobuf.dev, "Encoding".
"""

import struct
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan

from gateway.otlp_form import Value

_CLIENT = b"\x30\x03"  # kind: SPAN_KIND_CLIENT
_STATUS_UNSET = b"\x7a\x00"
_STATUS_ERROR = b"\x7a\x02\x18\x02"
# flags, fixed32: SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK, and with a remote parent SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK.
_FLAGS = {remote: b"\x85\x01" + struct.pack("<I", 0x300 if remote else 0x100) for remote in (False, True)}
_SHORT = 64  # bytes of a text
CONTENT_TYPE = "application/x-protobuf"
_IDS_AND_TIMES = struct.Struct("<2s16s2s8sBQBQ")
_DOUBLE = struct.Struct("<d")
_INT64 = range(-(2**63), 2**63)


def varint(number: int) -> bytes:
    """A non-negative number, seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_LENGTHS = tuple(varint(length) for length in range(4096))


def field(number: int, payload: bytes) -> bytes:
    """A field of wire type 2: a text, some bytes or a message."""
    length = len(payload)
    return varint(number << 3 | 2) + (_LENGTHS[length] if length < len(_LENGTHS) else varint(length)) + payload


def text(value: str) -> bytes:
    """UTF-8. What cannot be written in it (half a surrogate pair) becomes `?`, since one such would cost the batch."""
    return value.encode("utf-8", "replace")


def attribute(name: str, value: Value | None) -> bytes:
    """A span's attribute with its tag. None, no values, and a number beyond 64 bits: none, b""."""
    encoded = None if value is None else _any_value(value)
    return b"" if encoded is None else field(9, field(1, text(name)) + field(2, encoded))


def attributes(values: Mapping[str, Value | None]) -> bytes:
    """Several of them."""
    return b"".join(attribute(name, value) for name, value in values.items())


def writer(name: str) -> Callable[[Value | None], bytes]:
    """See Form. What stands before a short text or a number depends on its length alone, and is kept by that."""
    texts = tuple(attribute(name, "x" * length)[:-length] for length in range(1, _SHORT))
    numbers = tuple(attribute(name, 1 << 7 * length - 7)[:-length] for length in range(1, 10))
    double = attribute(name, 0.0)[:-8]

    def write(value: Value | None) -> bytes:
        if type(value) is str:
            encoded = value.encode("utf-8", "replace")
            length = len(encoded)
            if 0 < length < _SHORT:
                return texts[length - 1] + encoded
        elif type(value) is int and 0 <= value < 1 << 63:
            encoded = _LENGTHS[value] if value < len(_LENGTHS) else varint(value)
            return numbers[len(encoded) - 1] + encoded
        elif type(value) is float:
            return double + _DOUBLE.pack(value)
        return attribute(name, value)

    return write


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
    """See Form; an element of ScopeSpans.spans."""
    head = _IDS_AND_TIMES.pack(
        b"\x0a\x10",
        ids[0].to_bytes(16, "big"),
        b"\x12\x08",
        ids[1].to_bytes(8, "big"),
        0x39,
        times[0],
        0x41,
        times[1],
    )
    if state:
        head += field(3, text(state))
    if parent_id:
        head += b"\x22\x08" + parent_id.to_bytes(8, "big")
    status = _STATUS_ERROR if error else _STATUS_UNSET
    body = b"".join((head, named, *attributes, status, _FLAGS[bool(parent_id)]))
    length = len(body)
    return b"\x12" + (_LENGTHS[length] if length < len(_LENGTHS) else varint(length)) + body


def named(name: str, values: Mapping[str, Value | None]) -> bytes:
    """See Form."""
    return field(5, text(name)) + _CLIENT + attributes(values)


class _Envelope:
    """The ExportTraceServiceRequest. Resource and scope are what the SDK's own encoder makes of them."""

    def __init__(self, example: ReadableSpan) -> None:
        (resource,) = encode_spans([example]).resource_spans
        (scope,) = resource.scope_spans
        del scope.spans[:]
        self._scope = scope.SerializeToString()
        del resource.scope_spans[:]
        self._resource = resource.SerializeToString()

    def around(self, spans: Sequence[bytes]) -> bytes:
        """See Envelope."""
        inner = sum(map(len, spans)) + len(self._scope)
        scope_head = b"\x12" + varint(inner)
        outer = len(self._resource) + len(scope_head) + inner
        return b"".join((b"\x0a", varint(outer), self._resource, scope_head, self._scope, *spans))


def envelope(example: ReadableSpan) -> _Envelope:
    """See Form."""
    return _Envelope(example)


def sdk_span(made: ReadableSpan) -> bytes:
    """See Form."""
    return field(2, encode_spans([made]).resource_spans[0].scope_spans[0].spans[0].SerializeToString())


def _any_value(value: Value) -> bytes | None:
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, str):
        return field(1, text(value))
    if isinstance(value, int):
        return b"\x18" + varint(value & 0xFFFF_FFFF_FFFF_FFFF) if value in _INT64 else None
    if isinstance(value, float):
        return b"\x21" + _DOUBLE.pack(value)
    return field(5, b"".join(field(1, field(1, text(item))) for item in value)) if value else None
