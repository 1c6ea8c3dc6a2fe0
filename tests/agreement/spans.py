"""Spans as a collector has them, flat: a dict of the attributes and of what stands beside them."""

from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.otlp import attributes


def as_dict(span: Span) -> dict[str, Any]:
    """See above. Ids in hex, None for no parent; `begun` and `ended` in seconds since the epoch."""
    return {
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex() or None,
        "tracestate": span.trace_state,
        "failed": span.status.code == Status.STATUS_CODE_ERROR,
        "begun": span.start_time_unix_nano / 1e9,
        "ended": span.end_time_unix_nano / 1e9,
        **attributes(span),
    }
