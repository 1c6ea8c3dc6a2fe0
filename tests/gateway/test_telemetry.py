"""Spans as the contract's table has them, under the OpenTelemetry specification's own variables."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, sampling
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from structlog.testing import capture_logs

from gateway import trace_context
from gateway.metrics import Metrics
from gateway.telemetry import Attempt, Telemetry
from gateway.wire.answers import Served
from gateway.wire.kinds import KINDS
from tests.support.alike import Facts, span_facts
from tests.support.otlp import attributes, collecting

ROOT = Path(__file__).parents[2]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE_ID}-{PARENT_ID}-01".encode()
UNSAMPLED = f"00-{TRACE_ID}-{PARENT_ID}-00".encode()

STARTED = 1_795_348_800_000_000_000
ATTEMPT = Attempt(
    span_id=0x1234,
    operation="chat",
    provider_kind="openai",
    host="api.openai.com",
    port=443,
    fine_tuned=True,
    reason="active_job",
    job_id="job_1",
    routed_model="ft:1",
    stream=True,
    started=STARTED,
    ended=STARTED + 2_000_000_000,
    first_chunk=STARTED + 250_000_000,
    status=200,
    served=Served("ft:1-served", "chatcmpl-1", ("stop",), 100, 20, 64, 8),
)
FACTS = Facts("call_1", "smith", "assistant", "gpt-4.1-mini", 17)

WHOLE: dict[str, Any] = {
    "fine_tuned": True,
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "ft:1",
    "gen_ai.request.stream": True,
    "gen_ai.response.model": "ft:1-served",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.reasoning.output_tokens": 8,
    "server.address": "api.openai.com",
    "server.port": 443,
    "http.response.status_code": 200,
    "housestyle.tenant": "smith",
    "housestyle.workflow": "assistant",
    "housestyle.call_id": "call_1",
    "housestyle.requested_model": "gpt-4.1-mini",
    "housestyle.reason": "active_job",
    "housestyle.job_id": "job_1",
    "housestyle.revision": 17,
}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts from the specification's defaults, whatever this machine has set."""
    for name in ("SDK_DISABLED", "TRACES_EXPORTER", "TRACES_SAMPLER", "TRACES_SAMPLER_ARG", "SERVICE_NAME"):
        monkeypatch.delenv(f"OTEL_{name}", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)


def attempt_of(**changes: Any) -> Attempt:
    return replace(ATTEMPT, **changes)


def tell(telemetry: Telemetry, call: trace_context.Trace, attempt: Attempt, facts: Facts) -> None:
    telemetry.span(call, attempt, *span_facts(attempt, facts))


def exported(*attempts: Attempt, traceparent: bytes | None = SAMPLED, facts: Facts = FACTS) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    telemetry = Telemetry("1.2.3", [exporter])
    call = trace_context.read(traceparent)
    for attempt in attempts:
        telemetry.start(call, attempt)
        tell(telemetry, call, attempt, facts)
    telemetry.shutdown()
    return list(exporter.get_finished_spans())


def span_of(attempt: Attempt = ATTEMPT, **how: Any) -> ReadableSpan:
    (span,) = exported(attempt, **how)
    return span


def test_every_attribute_of_the_contract() -> None:
    span = span_of()
    assert dict(span.attributes or {}) == WHOLE
    assert span.name == "chat ft:1"
    assert span.kind is SpanKind.CLIENT
    assert (span.start_time, span.end_time) == (ATTEMPT.started, ATTEMPT.ended)
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == ("housestyle.gateway", "1.2.3")


def test_what_is_not_known_is_not_there() -> None:
    bare = attempt_of(
        fine_tuned=False,
        job_id=None,
        routed_model=None,
        stream=False,
        first_chunk=None,
        status=None,
        served=Served(),
        operation="list_models",
    )
    span = span_of(bare, facts=Facts("call_1", "smith", None, None, 17))
    assert span.name == "list_models"
    assert set(span.attributes or {}) == {
        "fine_tuned",
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "server.address",
        "server.port",
        "housestyle.tenant",
        "housestyle.call_id",
        "housestyle.reason",
        "housestyle.revision",
    }
    assert (span.attributes or {})["fine_tuned"] is False


def test_zero_tokens_are_a_number_of_tokens() -> None:
    attributes = span_of(attempt_of(served=Served(input_tokens=0, output_tokens=0))).attributes or {}
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (0, 0)


def test_streaming_attributes_are_for_streams() -> None:
    attributes = span_of(attempt_of(stream=False)).attributes or {}
    assert not {"gen_ai.request.stream", "gen_ai.response.time_to_first_chunk"} & set(attributes)


@pytest.mark.parametrize("error", ["upstream_timeout", "429", "cancelled"])
def test_a_failed_attempt(error: str) -> None:
    span = span_of(attempt_of(error=error))
    assert (span.attributes or {})["error.type"] == error
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_is_named_as_the_table_of_kinds_has_it(kind: str) -> None:
    named = (span_of(attempt_of(provider_kind=kind)).attributes or {})["gen_ai.provider.name"]
    assert named == KINDS[kind].provider_name


def test_a_call_that_fell_back_has_two_spans() -> None:
    first = attempt_of(error="model_not_found", status=404, served=Served())
    second = attempt_of(
        span_id=0x5678, fine_tuned=False, reason="fallback_stock", job_id=None, routed_model="gpt-4.1-mini"
    )
    one, other = exported(first, second)
    assert [(s.attributes or {})["fine_tuned"] for s in (one, other)] == [True, False]
    assert [(s.attributes or {})["housestyle.reason"] for s in (one, other)] == ["active_job", "fallback_stock"]
    assert one.context is not None
    assert other.context is not None
    assert one.context.trace_id == other.context.trace_id
    assert one.context.span_id != other.context.span_id


def test_nothing_that_was_said_is_recorded() -> None:
    served = Served("m", "id", ("stop",), 1, 1)
    attributes = span_of(attempt_of(served=served)).attributes or {}
    assert not [name for name in attributes if "message" in name or "prompt" in name or "content" in name]


# the trace


def test_a_span_is_the_child_of_the_callers() -> None:
    span = span_of()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert f"{span.parent.span_id:016x}" == PARENT_ID
    assert span.parent.is_remote
    assert span.context.span_id == 0x1234


def test_a_call_without_a_trace_begins_one() -> None:
    span = span_of(traceparent=None)
    assert span.parent is None
    assert span.context is not None
    assert span.context.trace_id != 0


def test_ids_are_new_every_time() -> None:
    telemetry = Telemetry("1", [])
    assert len({telemetry.new_span_id() for _ in range(100)} - {0}) == 100
    assert ATTEMPT.span_hex == "0000000000001234"


# the specification's variables


@pytest.mark.parametrize("value", ["true", "TRUE", " True "])
def test_the_sdk_disabled(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", value)
    assert exported(ATTEMPT) == []
    telemetry = Telemetry("1", [])
    passed = [(b"traceparent", SAMPLED), (b"tracestate", b"a=1")]
    assert telemetry.start(trace_context.read(SAMPLED, b"a=1"), ATTEMPT) == passed, "the caller's own goes on"
    assert telemetry.start(trace_context.read(None), ATTEMPT) == []


@pytest.mark.parametrize("value", ["false", "", "1", "yes"])
def test_the_sdk_not_disabled(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", value)
    assert len(exported(ATTEMPT)) == 1


@pytest.mark.parametrize(
    ("sampler", "argument", "traceparent", "spans"),
    [
        (None, None, None, 1),
        (None, None, SAMPLED, 1),
        (None, None, UNSAMPLED, 0),
        ("always_on", None, UNSAMPLED, 1),
        ("always_off", None, SAMPLED, 0),
        ("traceidratio", "0", SAMPLED, 0),
        ("traceidratio", "1", UNSAMPLED, 1),
        ("parentbased_always_off", None, None, 0),
        ("parentbased_always_off", None, SAMPLED, 1),
        ("parentbased_traceidratio", "0", SAMPLED, 1),
        ("parentbased_traceidratio", "0", None, 0),
    ],
)
def test_samplers(
    monkeypatch: pytest.MonkeyPatch,
    sampler: str | None,
    argument: str | None,
    traceparent: bytes | None,
    spans: int,
) -> None:
    for name, value in (("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert len(exported(ATTEMPT, traceparent=traceparent)) == spans
    telemetry = Telemetry("1", [])
    (sent,) = telemetry.start(trace_context.read(traceparent), attempt_of())
    assert sent[0] == b"traceparent"
    assert sent[1].endswith(b"-01" if spans else b"-00"), "upstream is told what the sampler said"


@pytest.mark.parametrize("parent", [None, SAMPLED, UNSAMPLED])
@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("always_on", sampling.ALWAYS_ON),
        ("always_off", sampling.ALWAYS_OFF),
        ("parentbased_always_on", sampling.DEFAULT_ON),
        ("parentbased_always_off", sampling.DEFAULT_OFF),
        ("traceidratio", sampling.TraceIdRatioBased(0.5)),
        ("parentbased_traceidratio", sampling.ParentBasedTraceIdRatio(0.5)),
    ],
)
def test_the_sdks_own_samplers_answer_as_the_sdk_asks_them(
    monkeypatch: pytest.MonkeyPatch, name: str, sampler: sampling.Sampler, parent: bytes | None
) -> None:
    """Some are not asked, since it is known what they answer."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    telemetry = Telemetry("1", [])
    for _ in range(20):
        call = trace_context.read(parent)
        context = trace.set_span_in_context(trace.NonRecordingSpan(call.parent)) if call.parent else Context()
        asked = sampler.should_sample(context, call.trace_id, "chat ft:1", SpanKind.CLIENT, {})
        attempt = attempt_of()
        telemetry.start(call, attempt)
        assert attempt.sampled is (asked.decision is sampling.Decision.RECORD_AND_SAMPLE)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "housestyle-gateway"),
        ({"OTEL_SERVICE_NAME": "gateway-eu"}, "gateway-eu"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=firm,deployment.environment.name=prod"}, "firm"),
    ],
)
def test_the_service_name(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    attributes = span_of().resource.attributes
    assert attributes["service.name"] == name
    assert attributes.get("deployment.environment.name") == (
        "prod" if "OTEL_RESOURCE_ATTRIBUTES" in variables else None
    )


@pytest.mark.parametrize(
    ("names", "sends"),
    [
        ("none", False),
        (" NONE ", False),
        ("", True),
        (" , ", True),
        ("otlp", True),
        ("OTLP,none", True),
        ("unheard_of", True),
        ("unheard_of,none", False),
    ],
)
def test_which_exporters_are_meant(monkeypatch: pytest.MonkeyPatch, names: str, sends: bool) -> None:
    """An empty variable is as one that is not set, and what is not known is passed over."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", names)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        telemetry = Telemetry("1")
        call, attempt = trace_context.read(None), attempt_of()
        telemetry.start(call, attempt)
        tell(telemetry, call, attempt, FACTS)
        telemetry.shutdown()
    assert len(collector.spans) == sends


def test_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: the exporter holds on to the standard output that it was imported under."""
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none, console")
    program = (
        "from gateway import trace_context;"
        "from tests.gateway.test_telemetry import ATTEMPT, FACTS, SAMPLED, Telemetry, tell;"
        "telemetry = Telemetry('1');"
        "call = trace_context.read(SAMPLED);"
        "telemetry.start(call, ATTEMPT);"
        "tell(telemetry, call, ATTEMPT, FACTS);"
        "telemetry.shutdown()"
    )
    shown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert '"fine_tuned": true' in shown.stdout


class Weighing(sampling.Sampler):
    """One of somebody's own, that writes into the `tracestate`."""

    def should_sample(
        self,
        parent_context: Context | None,
        *_: Any,
        trace_state: trace.TraceState | None = None,
    ) -> sampling.SamplingResult:
        """Samples everything."""
        seen = trace.get_current_span(parent_context).get_span_context().trace_state
        assert seen == (trace_state or trace.TraceState())
        return sampling.SamplingResult(sampling.Decision.RECORD_AND_SAMPLE, {"weight": 2}, seen.update("mine", "th:8"))

    def get_description(self) -> str:
        """See Sampler."""
        return "weighing"


@pytest.mark.parametrize(("came", "goes"), [(b"a=1,mine=0", "mine=th:8,a=1"), (None, "mine=th:8")])
def test_what_a_sampler_writes_into_the_tracestate(came: bytes | None, goes: str) -> None:
    exporter = InMemorySpanExporter()
    telemetry = Telemetry("1", [exporter], sampler=Weighing())
    call, attempt = trace_context.read(SAMPLED, came), attempt_of()
    assert dict(telemetry.start(call, attempt))[b"tracestate"] == goes.encode()
    tell(telemetry, call, attempt, FACTS)
    telemetry.shutdown()
    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert span.context.trace_state.to_header() == goes
    assert (span.attributes or {})["weight"] == 2


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_the_callers_tracestate_is_in_the_span_and_goes_on(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        telemetry = Telemetry("1")
        call, attempt = trace_context.read(SAMPLED, b"a=1, b=2"), attempt_of()
        assert dict(telemetry.start(call, attempt))[b"tracestate"] == b"a=1,b=2"
        tell(telemetry, call, attempt, FACTS)
        telemetry.shutdown()
    (span,) = collector.spans
    assert (span.trace_state, span.parent_span_id.hex()) == ("a=1,b=2", PARENT_ID)


@pytest.mark.parametrize(
    ("variable", "value", "longest", "most"),
    [
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5", 5, None),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5", 5, None),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "3", None, 3),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3", None, 3),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128", None, None),
    ],
)
def test_the_limits_of_a_span(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, longest: int | None, most: int | None
) -> None:
    monkeypatch.setenv(variable, value)
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        telemetry = Telemetry("1")
        call, attempt = trace_context.read(SAMPLED), attempt_of()
        telemetry.start(call, attempt)
        tell(telemetry, call, attempt, FACTS)
        telemetry.shutdown()
    said = attributes(collector.spans[0])
    assert len(said) == (most or len(WHOLE))
    assert said["fine_tuned"] is WHOLE["fine_tuned"], "it is on every span"
    assert longest is None or (said["housestyle.workflow"], said["gen_ai.response.finish_reasons"]) == (
        "assis",
        ["stop"],
    )


def test_a_limit_that_is_none_is_said_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with capture_logs() as logs:
        assert len(span_of().attributes or {}) == len(WHOLE)
    assert [entry["event"] for entry in logs] == ["unusable_variable"]


def test_content_is_never_recorded_and_who_asks_for_it_hears_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    with capture_logs() as logs:
        Telemetry("1", [])
    assert [entry["event"] for entry in logs] == ["content_is_not_captured"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", []),
        ("tracecontext,baggage", []),
        (" Baggage, TraceContext ", []),
        ("tracecontext", [["tracecontext"]]),
        ("b3,tracecontext", [["b3", "tracecontext"]]),
        ("none", [["none"]]),
    ],
)
def test_who_asks_for_other_propagators_hears_that_they_are_fixed(
    text: str, said: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", text)
    with capture_logs() as logs:
        Telemetry("1", [])
    assert [entry["value"] for entry in logs if entry["event"] == "propagators_are_fixed"] == said


# to a collector


def test_a_collector_gets_what_an_exporter_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        telemetry = Telemetry("1.2.3", on_dropped=heard.append, on_failed=lambda: heard.append("failed"))
        call = trace_context.read(SAMPLED)
        plain = attempt_of()
        marked = attempt_of(sampler_attributes={"priority": 1, "fine_tuned": "not for it to say"})
        for attempt in (plain, marked):
            telemetry.start(call, attempt)
            tell(telemetry, call, attempt, FACTS)
        tell(telemetry, call, attempt_of(sampled=False), FACTS)
        telemetry.shutdown()
    assert heard == []
    expected = {name: list(value) if isinstance(value, tuple) else value for name, value in WHOLE.items()}
    assert [attributes(span) for span in collector.spans] == [expected, {**expected, "priority": 1}]
    for span in collector.spans:
        assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("chat ft:1", TRACE_ID, PARENT_ID)


def test_an_unsampled_call_and_a_disabled_sdk_send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        for disabled, parent in (("false", UNSAMPLED), ("true", SAMPLED)):
            monkeypatch.setenv("OTEL_SDK_DISABLED", disabled)
            telemetry = Telemetry("1")
            call = trace_context.read(parent)
            attempt = attempt_of()
            telemetry.start(call, attempt)
            tell(telemetry, call, attempt, FACTS)
            telemetry.shutdown()
    assert collector.spans == []


def test_losses_are_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
    metrics = Metrics("1", 500, {})
    telemetry = Telemetry("1", on_dropped=metrics.losses.spans.inc, on_failed=metrics.losses.export_failures.inc)
    call = trace_context.read(None)
    attempt = attempt_of()
    telemetry.start(call, attempt)
    for _ in range(3):
        tell(telemetry, call, attempt, FACTS)
    telemetry.shutdown()
    said = metrics.exposition().decode()
    assert "housestyle_dropped_spans_total 3.0" in said
    assert "housestyle_span_export_failures_total 1.0" in said
