"""Chapter 1. A firm has been set up; its Assistant changes `base_url`, and nothing else about its calls."""

import openai
import pytest

from tests.support.admin import STOCK
from tests.support.firms import Firm
from tests.support.otlp import Collector, attributes


def test_the_stock_model_answers(firm: Firm) -> None:
    answer, headers = firm.call()
    assert answer.choices[0].message.content
    assert answer.model == "gpt-4o-mini-2024-07-18", "the provider's own word, untouched"
    assert headers["x-fine-tuned"] == "false"
    assert headers["x-model-reason"] == "no_active_job"
    assert [call["model"] for call in firm.received()] == [STOCK]


def test_streams_come_as_they_do_from_the_provider(firm: Firm) -> None:
    with firm.assistant.chat.completions.create(
        model=STOCK,
        messages=[{"role": "user", "content": "Draft a clause on notices."}],
        stream=True,
    ) as stream:
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    answer, _ = firm.call()
    assert text == answer.choices[0].message.content
    assert len(chunks) > 5


def test_a_call_without_a_model_gets_the_providers_default(firm: Firm) -> None:
    firm.call(model="")
    firm.call(model="default")
    assert [call["model"] for call in firm.received()] == [STOCK, STOCK]


def test_every_call_says_why(firm: Firm, collector: Collector) -> None:
    answer, headers = firm.call(extra_headers={"X-Workflow": "contract-review"})
    record = firm.why(headers["x-call-id"])
    assert record["requested_model"] == record["routed_model"] == STOCK
    assert record["served_model"] == answer.model
    assert (record["fine_tuned"], record["reason"], record["job_id"]) == (False, "no_active_job", None)
    assert (record["workflow"], record["status"], record["attempts"]) == ("contract-review", 200, 1)
    assert answer.usage
    assert record["input_tokens"] == answer.usage.prompt_tokens
    assert record["output_tokens"] == answer.usage.completion_tokens

    (span,) = collector.of_call(headers["x-call-id"])
    said = attributes(span)
    assert said["fine_tuned"] is False
    assert said["gen_ai.request.model"] == STOCK
    assert said["gen_ai.response.id"] == answer.id
    assert span.trace_id.hex() == record["trace_id"]
    assert span.span_id.hex() == record["span_id"]


def test_the_callers_trace_goes_on(firm: Firm, collector: Collector) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    _, headers = firm.call(extra_headers={"traceparent": parent})
    (span,) = collector.of_call(headers["x-call-id"])
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    (received,) = firm.received()
    assert received["headers"]["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"


def test_a_wrong_key_is_the_sdks_own_error(firm: Firm) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        firm.assistant.with_options(api_key="hs_not_a_key").models.list()
    assert refused.value.code == "invalid_api_key"
    assert not firm.received("/v1/models")


def test_the_firms_credentials_stay_where_they_belong(firm: Firm) -> None:
    firm.call(extra_headers={"Cookie": "session=1", "X-Forwarded-For": "10.0.0.1", "OpenAI-Organization": "org"})
    (received,) = firm.received()
    text = str(received["headers"]).lower()
    assert firm.key not in text
    assert not {"cookie", "x-forwarded-for", "openai-organization", "x-tenant-id"} & set(received["headers"])
