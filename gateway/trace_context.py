"""W3C Trace Context: the caller's headers in, a trace out; and the headers that go on upstream. No sampling, no span.

Source: W3C Trace Context Level 1 (https://www.w3.org/TR/trace-context-1/), "traceparent Header", "tracestate Header"
and "Mutating the traceparent Field".
"""

import random
import re

from msgspec import Struct
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from gateway.wire.headers import Headers

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MEMBER = re.compile(
    rb"(?:[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}|[a-z][a-z0-9_\-*/]{0,255})"
    rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MOST_MEMBERS = 32
_SAMPLED = 1


class Trace(Struct, frozen=True):
    """The trace that a call belongs to: the caller's, or a new one. `state` is the caller's `tracestate`, or ""."""

    trace_id: int
    parent: SpanContext | None
    state: str = ""

    @property
    def hex(self) -> str:
        """As W3C Trace Context and Why records write it."""
        return f"{self.trace_id:032x}"


def read(traceparent: bytes | None, tracestate: bytes | None = None) -> Trace:
    """The trace of a call that arrives with these headers. What cannot be read starts a new one; a `tracestate` that
    cannot be read is as none, and counts for nothing without a `traceparent`."""
    parent = _parent(traceparent) if traceparent else None
    if parent is None:
        return Trace(random.getrandbits(128) or 1, None)
    return Trace(parent.trace_id, parent, _state(tracestate) if tracestate else "")


def headers(trace_id: int, span_id: int, *, sampled: bool, state: str) -> Headers:
    """What says to the upstream which span it is a child of."""
    traceparent = (b"traceparent", b"00-%032x-%016x-%02x" % (trace_id, span_id, sampled))
    return [traceparent, (b"tracestate", state.encode())] if state else [traceparent]


def passed(trace: Trace) -> Headers:
    """The caller's own word, where no span of ours comes between; none where there is none."""
    parent = trace.parent
    if parent is None:
        return []
    return headers(parent.trace_id, parent.span_id, sampled=bool(parent.trace_flags & _SAMPLED), state=trace.state)


def state_of(text: str) -> TraceState:
    """A `tracestate` as OpenTelemetry's SDK takes it."""
    return TraceState.from_header([text]) if text else TraceState()


def _parent(traceparent: bytes) -> SpanContext | None:
    """Version 00, and of later ones what 00 has."""
    found = _TRACEPARENT.fullmatch(traceparent.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags = (int(part, 16) for part in found.groups()[:4])
    if version == 255 or (version == 0 and found[5]) or not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & _SAMPLED))


def _state(tracestate: bytes) -> str:
    """The list's members, those that are empty left out; "" where one of them is none, or there are too many."""
    members = [member for part in tracestate.split(b",") if (member := part.strip(b" \t"))]
    if len(members) > _MOST_MEMBERS or not all(map(_MEMBER.fullmatch, members)):
        return ""
    return b",".join(members).decode()
