"""OTLP's bytes, in both forms: what is made by hand is what protobuf reads, and what the SDK's own encoder makes."""

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from gateway import otlp, otlp_json
from gateway.otlp_form import Form, Value
from tests.support.otlp import attributes, request_of

FORMS: dict[str, Form] = {"protobuf": otlp, "json": otlp_json}

VALUES = st.one_of(
    st.booleans(),
    st.text(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.text(), min_size=1).map(tuple),
)


EXAMPLE = ReadableSpan("", SpanContext(1, 1, is_remote=False), resource=Resource.get_empty())


def read(encoded: bytes) -> Any:
    """The one attribute's value."""
    (value,) = attributes(Span.FromString(encoded)).values()
    return value


@given(st.text(min_size=1), VALUES)
def test_an_attribute_is_read_as_it_was_written(name: str, value: Value) -> None:
    span = Span.FromString(otlp.attribute(name, value))
    assert attributes(span) == {name: list(value) if isinstance(value, tuple) else value}
    assert type(read(otlp.attribute(name, value))) is (list if isinstance(value, tuple) else type(value))


@given(st.text(min_size=1), VALUES)
def test_an_attribute_is_written_as_protobuf_writes_it(name: str, value: Value) -> None:
    (pair,) = Span.FromString(otlp.attribute(name, value)).attributes
    written = KeyValue(key=name)
    written.value.CopyFrom(pair.value)
    assert otlp.attribute(name, value) == Span(attributes=[written]).SerializeToString()


@pytest.mark.parametrize("value", [None, (), 2**63, -(2**63) - 1, 10**100])
def test_what_cannot_be_said_is_left_out(value: Any) -> None:
    assert otlp.attribute("name", value) == b""


def test_numbers_that_are_none() -> None:
    assert math.isnan(read(otlp.attribute("name", math.nan)))


@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 127, 128, 4095, 4096, 70_000])
def test_a_text_of_any_length(length: int) -> None:
    write = otlp.writer("name")
    for text in ("x" * length, "ä" * (length // 2), "x" * length):
        assert read(write(text)) == text


NUMBERS = st.one_of(st.integers(-10, 20_000), st.integers(0, 64).map(lambda bits: (1 << bits) - 1), st.integers())


@pytest.mark.parametrize("form", [otlp, otlp_json], ids=["protobuf", "json"])
@given(value=st.one_of(VALUES, NUMBERS, st.text(min_size=55, max_size=70)))
def test_a_writer_says_what_the_attribute_is(value: Value, form: Any) -> None:
    assert form.writer("name")(value) == form.attribute("name", value)


@given(VALUES)
def test_json_says_the_same(value: Value) -> None:
    assume(not isinstance(value, float) or math.isfinite(value))
    span = otlp_json.span(
        (1, 2), (3, 4), 0, state="", error=False, named=otlp_json.named("n", {"name": value}), attributes=()
    )
    (found,) = (
        request_of("application/json", otlp_json.envelope(EXAMPLE).around([span]))
        .resource_spans[0]
        .scope_spans[0]
        .spans
    )
    assert attributes(found) == {"name": list(value) if isinstance(value, tuple) else value}


def test_half_a_pair_of_surrogates_is_replaced() -> None:
    """One text that is not UTF-8 would cost its whole batch."""
    assert read(otlp.attribute("name", "a\ud800b")) == "a?b"
    assert read(otlp.writer("name")("a\ud800b")) == "a?b"


# the request around


def example(resource: Resource, scope: InstrumentationScope | None) -> ReadableSpan:
    return ReadableSpan("name", SpanContext(1, 2, is_remote=False), resource=resource, instrumentation_scope=scope)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("count", [0, 1, 3, 600])
@pytest.mark.parametrize(
    ("resource", "scope"),
    [
        (Resource.get_empty(), None),
        (Resource({"service.name": "gateway"}), InstrumentationScope("scope")),
        (
            Resource({"service.name": "gätewaÿ", "many": ["a", "b"], "long": "x" * 500}, "https://schema"),
            InstrumentationScope("scope", "1.2.3", "https://other", {"a": 1}),
        ),
    ],
)
def test_spans_in_their_envelope(
    form: Form, resource: Resource, scope: InstrumentationScope | None, count: int
) -> None:
    span = example(resource, scope)
    (expected,) = encode_spans([span]).resource_spans
    spans = [expected.scope_spans[0].spans[0]] * count
    del expected.scope_spans[0].spans[:]
    expected.scope_spans[0].spans.extend(spans)
    made = form.envelope(span).around([form.sdk_span(span)] * count)
    assert request_of(form.CONTENT_TYPE, made) == ExportTraceServiceRequest(resource_spans=[expected])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_span_that_the_sdk_encodes(form: Form) -> None:
    span = example(Resource.get_empty(), None)
    made = form.envelope(span).around([form.sdk_span(span)] * 2)
    assert request_of(form.CONTENT_TYPE, made) == encode_spans([span, span])
