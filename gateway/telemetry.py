"""Every span attribute and the way of a span to its exporter. Nothing else names an attribute.

A span is built once, when its attempt is over, and handed to the SDK's batch processor: an order of magnitude
cheaper than the SDK's own span object, with the SDK's sampler, resource and exporters.
Source: semantic-conventions-genai, "Spans"; the OpenTelemetry specification's environment variables.
"""

import os
import random
import re
from typing import Any

import structlog
from msgspec import Struct
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
from opentelemetry.sdk.trace.sampling import Decision as Sampling
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.wire.answers import Served
from gateway.wire.kinds import KINDS

log = structlog.get_logger(__name__)

OTEL_TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Trace(Struct, frozen=True):
    """The trace that a call belongs to: the caller's, or a new one."""

    trace_id: int
    parent: SpanContext | None

    @property
    def hex(self) -> str:
        """As W3C Trace Context and Why records write it."""
        return f"{self.trace_id:032x}"


class Attempt(Struct):
    """One attempt at one upstream: what its span will say. Times in nanoseconds since the epoch."""

    span_id: int
    operation: str
    provider_kind: str
    host: str | None
    port: int | None
    fine_tuned: bool
    reason: str
    job_id: str | None
    routed_model: str | None
    stream: bool
    started: int
    ended: int = 0
    first_chunk: int | None = None
    status: int | None = None
    error: str | None = None
    served: Served = Served()
    sampled: bool = False
    sampler_attributes: dict[str, Any] = {}

    @property
    def span_hex(self) -> str:
        """As W3C Trace Context and Why records write it."""
        return f"{self.span_id:016x}"


class CallFacts(Struct, frozen=True):
    """What the spans of all attempts of a call share."""

    call_id: str
    tenant: str
    workflow: str | None
    requested_model: str | None
    revision: int


class Telemetry:
    """Spans out. With OTEL_SDK_DISABLED=true there are none, and trace ids are made all the same."""

    def __init__(self, version: str, exporters: list[SpanExporter] | None = None) -> None:
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "housestyle-gateway"}))
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._sampler = provider.sampler
        self._resource = resource
        self._scope = InstrumentationScope("housestyle.gateway", version)
        self._disabled = os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        chosen = [] if self._disabled else (exporters if exporters is not None else _exporters_of_environment())
        self._processors: list[SpanProcessor] = [BatchSpanProcessor(_Quiet(exporter)) for exporter in chosen]

    def begin(self, traceparent: bytes | None) -> Trace:
        """The trace of a call that arrives with this `traceparent`."""
        parent = _parse(traceparent)
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
        if self._disabled:
            attempt.sampled = False
            return _header(call.parent) if call.parent else None
        parent = trace.set_span_in_context(trace.NonRecordingSpan(call.parent)) if call.parent else None
        known = _known_before(attempt)
        asked = self._sampler.should_sample(parent, call.trace_id, _name(attempt), SpanKind.CLIENT, known)
        attempt.sampled = asked.decision is Sampling.RECORD_AND_SAMPLE
        attempt.sampler_attributes = dict(asked.attributes or {})
        return _header(_context(call, attempt))

    def span(self, call: Trace, attempt: Attempt, facts: CallFacts) -> None:
        """Hands the span of a finished attempt to the exporters, if the sampler took it."""
        if not self._processors or not attempt.sampled:
            return
        span = ReadableSpan(
            name=_name(attempt),
            context=_context(call, attempt),
            parent=call.parent,
            resource=self._resource,
            attributes=attempt.sampler_attributes | _attributes(attempt, facts),
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.ERROR if attempt.error is not None else StatusCode.UNSET),
            start_time=attempt.started,
            end_time=attempt.ended,
            instrumentation_scope=self._scope,
        )
        for processor in self._processors:
            processor.on_end(span)

    def shutdown(self) -> None:
        """Exports what is left. May take as long as the exporter's time-out."""
        for processor in self._processors:
            processor.shutdown()


def _name(attempt: Attempt) -> str:
    return f"{attempt.operation} {attempt.routed_model}" if attempt.routed_model else attempt.operation


def _context(call: Trace, attempt: Attempt) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if attempt.sampled else TraceFlags.DEFAULT)
    return SpanContext(call.trace_id, attempt.span_id, is_remote=False, trace_flags=flags)


def _header(context: SpanContext) -> bytes:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}".encode()


def _known_before(attempt: Attempt) -> dict[str, Any]:
    """What the conventions want a sampler to see."""
    known = {
        "gen_ai.operation.name": attempt.operation,
        "gen_ai.provider.name": KINDS[attempt.provider_kind].provider_name,
        "gen_ai.request.model": attempt.routed_model,
        "server.address": attempt.host,
        "server.port": attempt.port,
    }
    return {name: value for name, value in known.items() if value is not None}


def _attributes(attempt: Attempt, facts: CallFacts) -> dict[str, Any]:
    served = attempt.served
    first_chunk = (
        (attempt.first_chunk - attempt.started) / 1e9 if attempt.stream and attempt.first_chunk is not None else None
    )
    attributes: dict[str, Any] = {
        **_known_before(attempt),
        "fine_tuned": attempt.fine_tuned,
        "gen_ai.request.stream": True if attempt.stream else None,
        "gen_ai.response.model": served.model,
        "gen_ai.response.id": served.response_id,
        "gen_ai.response.finish_reasons": served.finish_reasons or None,
        "gen_ai.response.time_to_first_chunk": first_chunk,
        "gen_ai.usage.input_tokens": served.input_tokens,
        "gen_ai.usage.output_tokens": served.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": served.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": served.reasoning_tokens,
        "http.response.status_code": attempt.status,
        "error.type": attempt.error,
        "housestyle.tenant": facts.tenant,
        "housestyle.workflow": facts.workflow,
        "housestyle.call_id": facts.call_id,
        "housestyle.requested_model": facts.requested_model,
        "housestyle.reason": attempt.reason,
        "housestyle.job_id": attempt.job_id,
        "housestyle.revision": facts.revision,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _parse(traceparent: bytes | None) -> SpanContext | None:
    """W3C Trace Context, version 00; anything else starts a new trace."""
    found = _TRACEPARENT.fullmatch((traceparent or b"").strip())
    if found is None:
        return None
    version, trace_id, span_id, flags = (int(part, 16) for part in found.groups()[:4])
    if version == 255 or (version == 0 and found[5]) or not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & 1))


def _exporters_of_environment() -> list[SpanExporter]:
    """What OTEL_TRACES_EXPORTER names; `otlp` by default, as the specification says."""
    names = [name.strip() for name in os.environ.get(OTEL_TRACES_EXPORTER, "otlp").split(",")]
    made: list[SpanExporter] = []
    for name in names:
        if name == "otlp":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
                OTLPSpanExporter,
            )

            made.append(OTLPSpanExporter())
        elif name == "console":
            made.append(ConsoleSpanExporter())
        elif name not in ("none", ""):
            log.error("unknown_exporter", variable=OTEL_TRACES_EXPORTER, value=name)
    return made


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
