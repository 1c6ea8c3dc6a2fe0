"""W3C Trace Context: the caller's headers in, a trace out; and the headers that go on upstream. No sampling, no span.

Source: W3C Trace Context Level 1 (https://www.w3.org/TR/trace-context-1/), "traceparent Header", "tracestate Header"
and "Mutating the traceparent Field".
"""

import random
import re
from collections.abc import Mapping

from msgspec import Struct
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from gateway.wire.headers import Headers, joined

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MEMBER = re.compile(
    rb"(?:[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}|[a-z][a-z0-9_\-*/]{0,255})"
    rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_MOST_MEMBERS = 32
_SAMPLED = 1


class Trace(Struct, frozen=True):
    """The trace that a call belongs to: the caller's, or a new one. `parent_id`: the caller's span, or 0; `state`: the
    caller's `tracestate`, or ""."""

    trace_id: int
    parent_id: int = 0
    parent_sampled: bool = False
    state: str = ""

    @property
    def parent(self) -> SpanContext | None:
        """The caller's span as OpenTelemetry's SDK takes it."""
        if not self.parent_id:
            return None
        flags = TraceFlags(self.parent_sampled)
        return SpanContext(
            self.trace_id, self.parent_id, is_remote=True, trace_flags=flags, trace_state=state_of(self.state)
        )

    @property
    def hex(self) -> str:
        """As W3C Trace Context and Why records write it."""
        return self.trace_id.to_bytes(16, "big").hex()


def of(headers: Headers, fields: Mapping[bytes, bytes]) -> Trace:
    """The trace of a call with these headers; `fields` as in RequestHead. Of two parents neither can be read."""
    if b"traceparent" not in fields:
        return read(None)
    return read(joined(headers, b"traceparent"), joined(headers, b"tracestate"))


def read(traceparent: bytes | None, tracestate: bytes | None = None) -> Trace:
    """The trace of a call that arrives with these headers; of a later version than 00, what 00 has. What cannot be read
    starts a new one; a `tracestate` that cannot be read is as none, and counts for nothing without a `traceparent`."""
    found = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
    if found is None:
        return Trace(random.getrandbits(128) or 1)
    version, its_trace, its_parent, flags, more = found.groups()
    trace_id, parent_id = int(its_trace, 16), int(its_parent, 16)
    if version == b"ff" or (version == b"00" and more) or not trace_id or not parent_id:
        return Trace(random.getrandbits(128) or 1)
    return Trace(trace_id, parent_id, bool(int(flags, 16) & _SAMPLED), _state(tracestate) if tracestate else "")


def headers(trace_id: int, span_id: int, *, sampled: bool, state: str) -> Headers:
    """What says to the upstream which span it is a child of."""
    traceparent = (b"traceparent", b"00-%032x-%016x-%02x" % (trace_id, span_id, sampled))
    return [traceparent, (b"tracestate", state.encode())] if state else [traceparent]


def passed(trace: Trace) -> Headers:
    """The caller's own word, where no span of ours comes between; none where there is none."""
    if not trace.parent_id:
        return []
    return headers(trace.trace_id, trace.parent_id, sampled=trace.parent_sampled, state=trace.state)


def state_of(text: str) -> TraceState:
    """A `tracestate` as OpenTelemetry's SDK takes it."""
    return TraceState.from_header([text]) if text else TraceState()


def _state(tracestate: bytes) -> str:
    """The list's members, empty ones left out; "" where one of them is none or comes twice, or there are too many."""
    members = [member for part in tracestate.split(b",") if (member := part.strip(b" \t"))]
    keys = {member.partition(b"=")[0] for member in members}
    if not len(keys) == len(members) <= _MOST_MEMBERS or not all(map(_MEMBER.fullmatch, members)):
        return ""
    return b",".join(members).decode()
