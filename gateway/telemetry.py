"""Which calls have spans, and where their spans go. What a span says is in `spans.py`.

A span is made once, when its attempt is over. For a collector it is encoded here and sent from a thread; for any other
exporter it is handed to the SDK's batch processor. The sampler and the resource are the SDK's.
Source: the OpenTelemetry specification's environment variables; W3C Trace Context.
"""

import os
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_OFF, DEFAULT_ON, Sampler
from opentelemetry.sdk.trace.sampling import Decision as Sampling
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway import otlp, spans
from gateway.span_sender import SpanSender
from gateway.spans import Attempt, CallFacts, Trace

__all__ = ["Attempt", "CallFacts", "Telemetry", "Trace"]

log = structlog.get_logger(__name__)

OTEL_TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

# What the SDK's own samplers answer to a call without a parent, with a sampled one, with one that is not: they look at
# nothing else, and asking them costs a context and three dicts.
_ANSWERS: Mapping[Sampler, tuple[bool, bool, bool]] = {
    ALWAYS_ON: (True, True, True),
    ALWAYS_OFF: (False, False, False),
    DEFAULT_ON: (True, True, False),
    DEFAULT_OFF: (False, True, False),
}


def _nothing(*_: object) -> None:
    """For who does not want to hear of it."""


class Telemetry:
    """Spans out. With OTEL_SDK_DISABLED=true there are none, and trace ids are made all the same.

    `exporters`: instead of those that the environment names. `on_dropped` hears of spans that do not reach a
    collector, and how many; `on_failed` of each batch that it does not take.
    """

    def __init__(
        self,
        version: str,
        exporters: list[SpanExporter] | None = None,
        *,
        on_dropped: Callable[[int], object] = _nothing,
        on_failed: Callable[[], object] = _nothing,
    ) -> None:
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "housestyle-gateway"}))
        self._sampler = TracerProvider(resource=resource, shutdown_on_exit=False).sampler
        self._answers = _ANSWERS.get(self._sampler)
        self._resource = resource
        self._scope = InstrumentationScope("housestyle.gateway", version)
        self._disabled = os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._encoder = spans.SpanEncoder()
        self._sender: SpanSender | None = None
        if exporters is None and not self._disabled:
            names = _exporters_named(os.environ)
            if "otlp" in names:
                self._sender = SpanSender(self._example(), os.environ, on_dropped, on_failed)
            exporters = [ConsoleSpanExporter()] if "console" in names else []
        chosen = [] if self._disabled else exporters or []
        self._processors: list[SpanProcessor] = [BatchSpanProcessor(_Quiet(exporter)) for exporter in chosen]

    def begin(self, traceparent: bytes | None) -> Trace:
        """The trace of a call that arrives with this `traceparent`."""
        parent = _parse(traceparent) if traceparent else None
        if parent is None:
            return Trace(random.getrandbits(128) or 1, None)
        return Trace(parent.trace_id, parent)

    def new_span_id(self) -> int:
        """A random non-zero span id."""
        return random.getrandbits(64) or 1

    def start(self, call: Trace, attempt: Attempt) -> bytes | None:
        """Asks the sampler about an attempt that begins; the `traceparent` for upstream, where our span is the parent.

        With no spans of ours, the caller's own goes on, and None means none.
        """
        parent = call.parent
        if self._disabled:
            attempt.sampled = False
            return _header(parent.trace_id, parent.span_id, parent.trace_flags) if parent else None
        if self._answers is None:
            self._ask(call, attempt)
        else:
            attempt.sampled = self._answers[0 if parent is None else 1 if parent.trace_flags & 1 else 2]
        return _header(call.trace_id, attempt.span_id, attempt.sampled)

    def _ask(self, call: Trace, attempt: Attempt) -> None:
        """The sampler's answer, and what it wants to have said beside what we say anyway."""
        parent = trace.set_span_in_context(trace.NonRecordingSpan(call.parent)) if call.parent else None
        known = spans.known_before(attempt)
        asked = self._sampler.should_sample(parent, call.trace_id, spans.name_of(attempt), SpanKind.CLIENT, known)
        attempt.sampled = asked.decision is Sampling.RECORD_AND_SAMPLE
        attempt.sampler_attributes = {
            name: value for name, value in (asked.attributes or {}).items() if name not in known
        }

    def span(self, call: Trace, attempt: Attempt, facts: CallFacts) -> None:
        """Hands the span of a finished attempt to the exporters, if the sampler took it."""
        if not attempt.sampled:
            return
        if self._sender is not None:
            if attempt.sampler_attributes:
                self._sender.put(otlp.sdk_span(self._readable(call, attempt, facts)))
            else:
                self._sender.put(self._encoder.encode(call, attempt, facts))
        if self._processors:
            span = self._readable(call, attempt, facts)
            for processor in self._processors:
                processor.on_end(span)

    def shutdown(self) -> None:
        """Exports what is left. May take as long as the exporter's time-out."""
        if self._sender is not None:
            self._sender.shutdown()
        for processor in self._processors:
            processor.shutdown()

    def _readable(self, call: Trace, attempt: Attempt, facts: CallFacts) -> ReadableSpan:
        """The span as the SDK's exporters take it."""
        return ReadableSpan(
            name=spans.name_of(attempt),
            context=_context(call, attempt),
            parent=call.parent,
            resource=self._resource,
            attributes=attempt.sampler_attributes | spans.attributes(attempt, facts),
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.ERROR if attempt.error is not None else StatusCode.UNSET),
            start_time=attempt.started,
            end_time=attempt.ended,
            instrumentation_scope=self._scope,
        )

    def _example(self) -> ReadableSpan:
        """Of what all spans have in common: the resource and the scope."""
        context = SpanContext(1, 1, is_remote=False)
        return ReadableSpan("", context, resource=self._resource, instrumentation_scope=self._scope)


def _context(call: Trace, attempt: Attempt) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if attempt.sampled else TraceFlags.DEFAULT)
    state = call.parent.trace_state if call.parent else None
    return SpanContext(call.trace_id, attempt.span_id, is_remote=False, trace_flags=flags, trace_state=state)


def _header(trace_id: int, span_id: int, flags: int) -> bytes:
    return b"00-%032x-%016x-%02x" % (trace_id, span_id, flags)


def _parse(traceparent: bytes | None) -> SpanContext | None:
    """W3C Trace Context, version 00; anything else starts a new trace."""
    found = _TRACEPARENT.fullmatch((traceparent or b"").strip())
    if found is None:
        return None
    version, trace_id, span_id, flags = (int(part, 16) for part in found.groups()[:4])
    if version == 255 or (version == 0 and found[5]) or not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & 1))


def _exporters_named(environ: Mapping[str, str]) -> set[str]:
    """What OTEL_TRACES_EXPORTER names; `otlp` by default, as the specification says."""
    named = {name.strip() for name in environ.get(OTEL_TRACES_EXPORTER, "otlp").split(",")}
    for name in sorted(named - {"otlp", "console", "none", ""}):
        log.error("unknown_exporter", variable=OTEL_TRACES_EXPORTER, value=name)
    return named


class _Quiet(SpanExporter):
    """Says once that an export failed, and once that it works again; the SDK would say it every few seconds."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._failing = False

    def export(self, spans: Any) -> SpanExportResult:
        """See SpanExporter."""
        result = self._inner.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed != self._failing:
            self._failing = failed
            log.warning("span_export_failing" if failed else "span_export_recovered")
        return result

    def shutdown(self) -> None:
        """See SpanExporter."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See SpanExporter."""
        return self._inner.force_flush(timeout_millis)
