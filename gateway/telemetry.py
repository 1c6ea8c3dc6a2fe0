"""Which calls have spans, and where their spans go. What a span says is in `spans.py`.

A span is made once, when its attempt is over. For a collector it is encoded here and sent from a thread; for any other
exporter it is handed to the SDK's batch processor. The sampler and the resource are the SDK's.
Source: the OpenTelemetry specification's environment variables.
"""

import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
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

from gateway import span_sender, spans, trace_context
from gateway.alike import Alike
from gateway.span_sender import SpanSender
from gateway.spans import Attempt
from gateway.trace_context import Trace
from gateway.wire.headers import Headers

__all__ = ["Attempt", "Telemetry", "Trace"]

log = structlog.get_logger(__name__)

OTEL_TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"

_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_PROPAGATORS = "OTEL_PROPAGATORS"
_PROPAGATED = frozenset({"tracecontext", "baggage"})  # the latter is a header like any other: it goes on as it came
_EXPORTERS = frozenset({"otlp", "console", "none"})
_MOST_ATTRIBUTES = 32  # that a span of ours has, and then some

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

    `exporters`, `sampler`: instead of those that the environment names. `on_dropped` hears of spans that do not reach a
    collector, and how many; `on_failed` of each batch that it does not take.
    """

    def __init__(
        self,
        version: str,
        exporters: list[SpanExporter] | None = None,
        *,
        sampler: Sampler | None = None,
        on_dropped: Callable[[int], object] = _nothing,
        on_failed: Callable[[], object] = _nothing,
    ) -> None:
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "housestyle-gateway"}))
        limits = _limits()
        self._limits = limits if _are_near(limits) else None
        provider = TracerProvider(sampler, resource, shutdown_on_exit=False, span_limits=limits)
        self._sampler = provider.sampler
        self._answers = _ANSWERS.get(self._sampler)
        self._resource = resource
        self._scope = InstrumentationScope("housestyle.gateway", version)
        self._disabled = os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._form = span_sender.form(os.environ)
        self._encoder = spans.SpanEncoder(self._form)
        self._sender: SpanSender | None = None
        _say_what_is_not_done(os.environ)
        if exporters is None and not self._disabled:
            names = _exporters_named(os.environ)
            if "otlp" in names:
                self._sender = SpanSender(self._form, self._example(), os.environ, on_dropped, on_failed)
            exporters = [ConsoleSpanExporter()] if "console" in names else []
        chosen = [] if self._disabled else exporters or []
        self._processors: list[SpanProcessor] = [BatchSpanProcessor(_Quiet(exporter)) for exporter in chosen]

    def new_span_id(self) -> int:
        """A random non-zero span id."""
        return random.getrandbits(64) or 1

    def start(self, call: Trace, attempt: Attempt) -> Headers:
        """Asks the sampler about an attempt that begins; the headers for upstream, where our span is the parent.

        With no spans of ours, the caller's own go on.
        """
        if self._disabled:
            attempt.sampled = False
            return trace_context.passed(call)
        if self._answers is None:
            self._ask(call, attempt)
        else:
            attempt.sampled = self._answers[0 if not call.parent_id else 1 if call.parent_sampled else 2]
            attempt.state = call.state
        return trace_context.headers(call.trace_id, attempt.span_id, sampled=attempt.sampled, state=attempt.state)

    def _ask(self, call: Trace, attempt: Attempt) -> None:
        """The sampler's answer, and what it wants to have said beside what we say anyway."""
        state = trace_context.state_of(call.state)
        caller = call.parent
        parent = trace.set_span_in_context(trace.NonRecordingSpan(caller)) if caller else None
        known = spans.known_before(attempt)
        asked = self._sampler.should_sample(
            parent, call.trace_id, spans.name_of(attempt), SpanKind.CLIENT, known, trace_state=state
        )
        attempt.state = (asked.trace_state or state).to_header()
        attempt.sampled = asked.decision is Sampling.RECORD_AND_SAMPLE
        attempt.sampler_attributes = {
            name: value for name, value in (asked.attributes or {}).items() if name not in known
        }

    def span(self, call: Trace, attempt: Attempt, call_id: str, alike: Alike) -> None:
        """Hands the span of a finished attempt to the exporters, if the sampler took it. `alike` is of this attempt."""
        if not attempt.sampled:
            return
        if self._sender is not None:
            if attempt.sampler_attributes or self._limits is not None:
                self._sender.put(self._form.sdk_span(self._readable(call, attempt, call_id, alike)))
            else:
                self._sender.put(self._encoder.encode(call, attempt, call_id, alike))
        if self._processors:
            span = self._readable(call, attempt, call_id, alike)
            for processor in self._processors:
                processor.on_end(span)

    def shutdown(self) -> None:
        """Exports what is left. May take as long as the exporter's time-out."""
        if self._sender is not None:
            self._sender.shutdown()
        for processor in self._processors:
            processor.shutdown()

    def _readable(self, call: Trace, attempt: Attempt, call_id: str, alike: Alike) -> ReadableSpan:
        """The span as the SDK's exporters take it."""
        said: Any = attempt.sampler_attributes | spans.attributes(attempt, call_id, alike)
        if self._limits is not None:
            most, longest = self._limits.max_span_attributes, self._limits.max_span_attribute_length
            said = BoundedAttributes(most, _last_first(said), max_value_len=longest)
        return ReadableSpan(
            name=spans.name_of(attempt),
            context=_context(call, attempt),
            parent=call.parent,
            resource=self._resource,
            attributes=said,
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
    state = trace_context.state_of(attempt.state)
    return SpanContext(call.trace_id, attempt.span_id, is_remote=False, trace_flags=flags, trace_state=state)


def _last_first(said: dict[str, Any]) -> dict[str, Any]:
    """In the order in which they may be left out: where they are too many, the SDK drops the oldest. `fine_tuned` is on
    every span."""
    always = "fine_tuned"
    return {name: value for name, value in reversed(said.items()) if name != always} | {always: said[always]}


def _limits() -> SpanLimits:
    """The limits that the environment sets; none where one of them is no number."""
    try:
        return SpanLimits()
    except ValueError as error:
        log.error("unusable_variable", cause=str(error), used="no limits")
        return SpanLimits(*[SpanLimits.UNSET] * 8)


def _are_near(limits: SpanLimits) -> bool:
    """Whether a span of ours could come to them."""
    most = limits.max_span_attributes
    return limits.max_span_attribute_length is not None or (most is not None and most < _MOST_ATTRIBUTES)


def _say_what_is_not_done(environ: Mapping[str, str]) -> None:
    """Of variables that ask for what this version does not do, in the log, once."""
    if environ.get(_CAPTURE, "").strip().lower() not in ("", "false"):
        log.warning("content_is_not_captured", variable=_CAPTURE, meaning="this version never records prompts")
    asked = {name.strip().lower() for name in environ.get(_PROPAGATORS, "").split(",")} - {""}
    if asked and asked != _PROPAGATED:
        meaning = "W3C Trace Context is read and written, and a caller's baggage goes on, whatever this says"
        log.warning("propagators_are_fixed", variable=_PROPAGATORS, value=sorted(asked), meaning=meaning)


def _exporters_named(environ: Mapping[str, str]) -> set[str]:
    """What OTEL_TRACES_EXPORTER names; `otlp` where it names nothing, or nothing that is known."""
    named = {name.strip().lower() for name in environ.get(OTEL_TRACES_EXPORTER, "").split(",")} - {""}
    for name in sorted(named - _EXPORTERS):
        log.error("unknown_exporter", variable=OTEL_TRACES_EXPORTER, value=name, known=sorted(_EXPORTERS))
    return named & _EXPORTERS or {"otlp"}


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
