"""A span by hand is the span that the SDK's own encoder makes of the same attempt."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceState

from gateway import otlp, otlp_json, spans, trace_context
from gateway.otlp_form import Form
from gateway.spans import Attempt, SpanEncoder
from gateway.trace_context import Trace
from gateway.wire.answers import Served
from gateway.wire.kinds import KINDS
from tests.support.alike import Facts, span_facts
from tests.support.otlp import request_of

RESOURCE = Resource({"service.name": "gateway"})
SCOPE = InstrumentationScope("housestyle.gateway", "1.2.3")
NANOSECONDS = st.integers(0, 2**64 - 1)
SPAN_IDS = st.integers(1, 2**64 - 1)
TEXT = st.one_of(st.text(max_size=20), st.text(min_size=60, max_size=300))
MAYBE = st.one_of(st.none(), TEXT)
TOKENS = st.one_of(st.none(), st.integers(0, 2**63 - 1))

STATES = st.dictionaries(st.from_regex("[a-z][a-z0-9]{0,8}", fullmatch=True), st.just("v@1"), max_size=4)
TRACES = st.builds(Trace, st.integers(1, 2**128 - 1), st.one_of(st.just(0), SPAN_IDS), st.booleans())
SERVED = st.builds(
    Served,
    model=MAYBE,
    response_id=MAYBE,
    finish_reasons=st.lists(TEXT, max_size=128).map(tuple),
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    cached_tokens=TOKENS,
    reasoning_tokens=TOKENS,
    cache_creation_tokens=TOKENS,
)
ATTEMPTS = st.builds(
    Attempt,
    span_id=SPAN_IDS,
    operation=st.sampled_from(["chat", "embeddings", "list_models"]),
    provider_kind=st.sampled_from(sorted(KINDS)),
    host=MAYBE,
    port=st.one_of(st.none(), st.integers(0, 65_535)),
    fine_tuned=st.booleans(),
    reason=TEXT,
    job_id=MAYBE,
    routed_model=MAYBE,
    stream=st.booleans(),
    started=NANOSECONDS,
    ended=NANOSECONDS,
    first_chunk=st.one_of(st.none(), NANOSECONDS),
    status=st.one_of(st.none(), st.integers(100, 999)),
    error=MAYBE,
    served=SERVED,
    state=STATES.map(lambda pairs: TraceState(list(pairs.items())).to_header()),
)
FACTS = st.builds(Facts, TEXT, TEXT, MAYBE, MAYBE, st.integers(0, 2**53))

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
    started=1_795_348_800_000_000_000,
    ended=1_795_348_802_000_000_000,
    status=200,
    served=Served("ft:1-served", "chatcmpl-1", ("stop",), 100, 20, 64, 8),
)
CALL = Trace(1)
FACT = Facts("call_1", "smith", "assistant", "gpt-4.1-mini", 17)


def readable(call: Trace, attempt: Attempt, facts: Facts) -> ReadableSpan:
    """The span as the SDK would have it."""
    state = trace_context.state_of(attempt.state)
    return ReadableSpan(
        name=spans.name_of(attempt),
        context=SpanContext(call.trace_id, attempt.span_id, is_remote=False, trace_state=state),
        parent=call.parent,
        resource=RESOURCE,
        attributes=spans.attributes(attempt, *span_facts(attempt, facts)),
        kind=SpanKind.CLIENT,
        status=Status(StatusCode.ERROR if attempt.error is not None else StatusCode.UNSET),
        start_time=attempt.started,
        end_time=attempt.ended,
        instrumentation_scope=SCOPE,
    )


def encoded(encoder: SpanEncoder, call: Trace, attempt: Attempt, facts: Facts) -> bytes:
    return encoder.encode(call, attempt, *span_facts(attempt, facts))


def in_order(request: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """With each span's attributes by name: their order means nothing."""
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.attributes.sort(key=lambda pair: pair.key)
    return request


def decoded(span: bytes) -> Span:
    request = ExportTraceServiceRequest.FromString(b"\x0a" + otlp.varint(len(inner := otlp.field(2, span))) + inner)
    (found,) = request.resource_spans[0].scope_spans[0].spans
    assert isinstance(found, Span)
    return found


FORMS: dict[str, Form] = {"protobuf": otlp, "json": otlp_json}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(made=st.lists(st.tuples(TRACES, ATTEMPTS, FACTS), min_size=1, max_size=4))
@example(made=[(Trace(1, 2, True), replace(ATTEMPT, state="a=1,b=2"), FACT)])
@example(made=[(CALL, replace(ATTEMPT, error="429", stream=False, served=Served()), FACT)])
@example(made=[(CALL, ATTEMPT, FACT), (CALL, replace(ATTEMPT, fine_tuned=False), FACT), (CALL, ATTEMPT, FACT)])
def test_the_same_as_the_sdk_makes(made: list[tuple[Trace, Attempt, Facts]], form: Form) -> None:
    encoder = SpanEncoder(form)
    expected = [readable(*one) for one in made]
    for _ in range(2):  # the second time from what was kept
        request = form.envelope(expected[0]).around([encoded(encoder, *one) for one in made])
        assert in_order(request_of(form.CONTENT_TYPE, request)) == in_order(encode_spans(expected))


CHANGES: list[tuple[str, Any]] = [
    ("operation", "embeddings"),
    ("provider_kind", "anthropic"),
    ("host", None),
    ("port", 8443),
    ("fine_tuned", False),
    ("reason", "pinned_fine_tune"),
    ("job_id", None),
    ("routed_model", "ft:2"),
    ("stream", False),
    ("status", 201),
    ("error", "503"),
    ("served", replace(ATTEMPT.served, model="ft:2-served")),
    ("served", replace(ATTEMPT.served, finish_reasons=("length",))),
]


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_a_route_that_differs_is_another(name: str, value: object) -> None:
    """In everything that is encoded once and kept."""
    encoder = SpanEncoder(otlp)
    other = replace(ATTEMPT, **{name: value})
    encoded(encoder, CALL, ATTEMPT, FACT)
    assert encoded(encoder, CALL, other, FACT) == encoded(SpanEncoder(otlp), CALL, other, FACT)
    assert encoded(encoder, CALL, other, FACT) != encoded(encoder, CALL, ATTEMPT, FACT)


@pytest.mark.parametrize(
    ("name", "value"), [("tenant", "jones"), ("revision", 18), ("workflow", None), ("requested_model", None)]
)
def test_so_is_one_of_another_tenant_or_revision(name: str, value: object) -> None:
    encoder = SpanEncoder(otlp)
    other = replace(FACT, **{name: value})
    encoded(encoder, CALL, ATTEMPT, FACT)
    assert encoded(encoder, CALL, ATTEMPT, other) == encoded(SpanEncoder(otlp), CALL, ATTEMPT, other)
    assert encoded(encoder, CALL, ATTEMPT, other) != encoded(encoder, CALL, ATTEMPT, FACT)


def test_more_routes_than_are_kept() -> None:
    """Nothing is said of another's route when the memo has been emptied in between."""
    encoder = SpanEncoder(otlp)
    for number in range(9000):
        encoded(encoder, CALL, ATTEMPT, replace(FACT, tenant=f"t{number}"))
    for number in (0, 1, 8191, 8192, 8999):
        span = decoded(encoded(encoder, CALL, ATTEMPT, replace(FACT, tenant=f"t{number}")))
        assert [pair.value.string_value for pair in span.attributes if pair.key == "housestyle.tenant"] == [
            f"t{number}"
        ]


def test_texts_that_are_no_texts_cost_nothing_but_themselves() -> None:
    broken = replace(ATTEMPT, routed_model="ft:\udc80", served=Served(model="\ud800"))
    span = decoded(encoded(SpanEncoder(otlp), CALL, broken, FACT))
    assert span.name == "chat ft:?"
