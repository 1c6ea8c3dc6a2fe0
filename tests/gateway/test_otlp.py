"""OTLP's bytes: what is made by hand is what protobuf itself reads, and what the SDK's own encoder makes."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from gateway import otlp
from tests.support.otlp import attributes

VALUES = st.one_of(
    st.booleans(),
    st.text(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(st.text(), min_size=1).map(tuple),
)


def read(encoded: bytes) -> Any:
    """The one attribute's value."""
    (value,) = attributes(Span.FromString(encoded)).values()
    return value


@given(st.text(min_size=1), VALUES)
def test_an_attribute_is_read_as_it_was_written(name: str, value: otlp.Value) -> None:
    span = Span.FromString(otlp.attribute(name, value))
    assert attributes(span) == {name: list(value) if isinstance(value, tuple) else value}
    assert type(read(otlp.attribute(name, value))) is (list if isinstance(value, tuple) else type(value))


@given(st.text(min_size=1), VALUES)
def test_an_attribute_is_written_as_protobuf_writes_it(name: str, value: otlp.Value) -> None:
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
@pytest.mark.parametrize("memo", [otlp.Memo, otlp.UniqueText])
def test_a_text_of_any_length(memo: type[otlp.Memo], length: int) -> None:
    for text in ("x" * length, "ä" * (length // 2), "x" * length):
        assert read(memo("name")[text]) == text


@given(st.lists(st.one_of(st.none(), st.text(max_size=80)), max_size=20))
def test_a_memo_says_what_the_attribute_is(values: list[str | None]) -> None:
    memos = (otlp.Memo("name"), otlp.UniqueText("name"), otlp.UniqueDouble("name"))
    for value in values:
        assert {memo[value] for memo in memos} == {otlp.attribute("name", value)}


def test_half_a_pair_of_surrogates_is_replaced() -> None:
    """One text that is not UTF-8 would cost its whole batch."""
    assert read(otlp.attribute("name", "a\ud800b")) == "a?b"
    assert read(otlp.UniqueText("name")["a\ud800b"]) == "a?b"


def test_a_memo_is_bounded() -> None:
    memo = otlp.Memo("name")
    for number in range(10_000):
        assert read(memo[number]) == number
        assert len(memo) <= 1024
    assert 9_999 in memo
    assert len(memo["x" * 100_000]) > 100_000
    assert "x" * 100_000 not in memo, "long ones are not kept"
    unique = otlp.UniqueText("name")
    assert read(unique["once"]) == "once"
    assert "once" not in unique


# the request around


def example(resource: Resource, scope: InstrumentationScope | None) -> ReadableSpan:
    return ReadableSpan("name", SpanContext(1, 2, is_remote=False), resource=resource, instrumentation_scope=scope)


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
def test_spans_in_their_envelope(resource: Resource, scope: InstrumentationScope | None, count: int) -> None:
    span = example(resource, scope)
    (expected,) = encode_spans([span]).resource_spans
    spans = [expected.scope_spans[0].spans[0]] * count
    del expected.scope_spans[0].spans[:]
    expected.scope_spans[0].spans.extend(spans)
    made = otlp.Envelope(span).around([ScopeSpans(spans=[one]).SerializeToString() for one in spans])
    assert ExportTraceServiceRequest.FromString(made) == ExportTraceServiceRequest(resource_spans=[expected])


def test_a_span_that_the_sdk_encodes() -> None:
    span = example(Resource.get_empty(), None)
    made = otlp.Envelope(span).around([otlp.sdk_span(span)] * 2)
    assert ExportTraceServiceRequest.FromString(made) == encode_spans([span, span])
