"""Spans as somebody finds them in a trace viewer: sent to a running Arize Phoenix, read back through its API."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.admin import STOCK
from tests.support.debian import Missing
from tests.viewer import phoenix
from tests.viewer.story import INSIDE, Story, told

pytestmark = pytest.mark.phoenix

Json = dict[str, Any]

# Of each call, what its spans say in turn: fine_tuned, housestyle.reason, error.type. The last is the Why record's.
SAID: dict[str, list[tuple[bool, str, str | None]]] = {
    "stock": [(False, "no_active_job", None)],
    "tuned": [(True, "active_job", None)],
    "streamed": [(True, "active_job", None)],
    "failed": [(True, "active_job", "500")],
    "fallen": [(True, "active_job", "model_not_found"), (False, "fallback_stock", None)],
}

# Where a Why record says what the span of the last attempt says.
SAME = {
    "fine_tuned": "fine_tuned",
    "gen_ai.request.model": "routed_model",
    "gen_ai.response.model": "served_model",
    "gen_ai.response.id": "response_id",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "http.response.status_code": "status",
    "housestyle.call_id": "call_id",
    "housestyle.tenant": "tenant",
    "housestyle.workflow": "workflow",
    "housestyle.requested_model": "requested_model",
    "housestyle.reason": "reason",
    "housestyle.job_id": "job_id",
    "housestyle.revision": "revision",
}

# What every answered call's span has beside them, and what a stream's has too.
ANSWERED = {
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "server.address",
    "server.port",
}
STREAMED = {"gen_ai.request.stream", "gen_ai.response.time_to_first_chunk"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Phoenix, and in it the story's spans."""
    folder = tmp_path_factory.mktemp("viewer")
    try:
        phoenix.installed()
    except Missing as missing:
        pytest.skip(str(missing))
    with phoenix.serving(folder / "phoenix") as viewer, told(viewer, folder) as story:
        yield story


def spans_of(story: Story, name: str) -> list[Any]:
    """The spans of a call."""
    return story.phoenix.of_call(story.calls[name], len(SAID[name]))


def ours(span: Json) -> set[str]:
    """The names of the attributes that are not Phoenix's own readings of them."""
    return {name for name in span["attributes"] if not name.startswith(("llm.", "output."))}


@pytest.mark.parametrize("name", SAID)
def test_it_says_whether_the_firms_own_model_was_used_and_why(story: Story, name: str) -> None:
    said = [
        (
            span["attributes"]["fine_tuned"],
            span["attributes"]["housestyle.reason"],
            span["attributes"].get("error.type"),
        )
        for span in spans_of(story, name)
    ]
    assert said == SAID[name]


@pytest.mark.parametrize("name", SAID)
def test_it_says_what_the_why_record_says(story: Story, name: str) -> None:
    spans, why = spans_of(story, name), story.why(name)
    last = spans[-1]
    assert {told: last["attributes"].get(told) for told in SAME} == {told: why[field] for told, field in SAME.items()}
    assert last["context"] == {"trace_id": why["trace_id"], "span_id": why["span_id"]}
    assert len(spans) == why["attempts"]


def test_the_firms_model_is_found_by_the_attribute(story: Story) -> None:
    for name in SAID:
        spans_of(story, name)  # are there
    found = [span["attributes"]["housestyle.call_id"] for span in story.phoenix.spans(attribute="fine_tuned:true")]
    assert found == [story.calls[name] for name in ("tuned", "streamed", "failed", "fallen")]
    tuned = story.job["fine_tuned_model"]
    by_model = story.phoenix.spans(attribute=f"gen_ai.request.model:{tuned}")
    assert [span["attributes"]["housestyle.call_id"] for span in by_model] == found


def test_the_two_spans_of_a_call_that_fell_back(story: Story) -> None:
    refused, answered = spans_of(story, "fallen")
    tuned = story.job["fine_tuned_model"]
    assert (refused["name"], refused["status_code"]) == (f"chat {tuned}", "ERROR")
    assert (answered["name"], answered["status_code"]) == (f"chat {STOCK}", "UNSET")
    assert refused["attributes"]["housestyle.job_id"] == story.job["id"]
    assert "housestyle.job_id" not in answered["attributes"]


def test_every_attribute_of_a_stream(story: Story) -> None:
    [span] = spans_of(story, "streamed")
    assert ours(span) == {*SAME, *ANSWERED, *STREAMED}
    attributes = span["attributes"]
    assert (attributes["gen_ai.operation.name"], attributes["gen_ai.provider.name"]) == ("chat", "openai")
    assert attributes["gen_ai.request.stream"] is True
    assert 0 < attributes["gen_ai.response.time_to_first_chunk"] < 60
    [whole] = spans_of(story, "tuned")
    assert ours(whole) == {*SAME, *ANSWERED}


def test_phoenix_takes_it_for_a_call_of_a_model(story: Story) -> None:
    [span] = spans_of(story, "streamed")
    attributes = span["attributes"]
    assert span["span_kind"] == "LLM"
    assert attributes["llm.model_name"] == story.job["fine_tuned_model"]
    assert attributes["llm.token_count.completion"] == attributes["gen_ai.usage.output_tokens"]


def test_calls_are_children_of_the_callers_span(story: Story) -> None:
    for name in SAID:
        inside = name in INSIDE
        for span in spans_of(story, name):
            assert span["parent_id"] == (story.workflow.span_id if inside else None)
            assert (span["context"]["trace_id"] == story.workflow.trace_id) is inside
    [workflow] = story.phoenix.spans(span_id=story.workflow.span_id)
    assert workflow["context"]["trace_id"] == story.workflow.trace_id


def test_a_call_that_the_caller_does_not_sample_has_a_why_record_alone(story: Story) -> None:
    why = story.why("unsampled")
    assert (why["fine_tuned"], why["reason"], why["trace_id"]) == (True, "active_job", story.unsampled.trace_id)
    spans_of(story, "fallen")  # a later call's are there
    assert story.phoenix.spans(trace_id=why["trace_id"]) == []
