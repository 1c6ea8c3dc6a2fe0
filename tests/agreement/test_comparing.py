"""That the comparison can fail: a call whose every witness agrees, and then one that says one thing otherwise."""

from typing import Any

import pytest

from tests.agreement.comparing import disagreements, miscounted
from tests.agreement.expecting import ANYTHING, expected
from tests.agreement.values import Ask, Case, Heard, Received, Tenant, Told, changed

TRACE, PARENT, FIRST, SECOND = "a" * 32, "b" * 16, "c" * 16, "d" * 16
TUNED = "ft:gpt-4o-mini:acme::x"
ACME = Tenant("acme", "sk-acme", "hs_acme", "key_1", "gpt-4o-mini", TUNED, "job_1", 9, 443, 444, active=True)
ASK = Ask(
    3, "chat", "acme", "chat/completions", "gpt-4o-mini", b"{}",
    stream=True, workflow="review", trace_id=TRACE, parent_id=PARENT, tracestate="a=1",
)  # fmt: skip
TOLD = Told("gpt-4o-mini-served", "chat-3", ("stop",), 11, 5, 3, 2)
HEADERS = {"x-call-id": "call_3", "x-fine-tuned": "false", "x-model-reason": "fallback_stock", "date": "today"}
SUBSTITUTES: dict[str, Any] = {
    "time": "1970-01-01T00:16:40.500Z",  # 1000.5 s
    "duration_ms": 400.0,
    "time_to_first_chunk_ms": 20.0,
    "cost_usd": None,
    "begun": 1000.6,
    "ended": 1000.9,
    "gen_ai.response.time_to_first_chunk": 0.02,
    "call_id": "call_unheard",
    "housestyle.call_id": "call_unheard",
    "trace_id": "e" * 32,
    "span_id": "f" * 16,
}


def received(model: str, span_id: str, **more: Any) -> Received:
    fields = {"status": 200, "told": TOLD, "body": True, "events": True, "end": "whole", **more}
    return Received(3, "sk-acme", "chat/completions", model, TRACE, span_id, "01", "a=1", True, **fields)


def agreed(ask: Ask, tenant: Tenant, of_provider: list[Received], heard: Heard) -> Case:
    """A call of which everybody says the same."""
    case = Case(ask, tenant, of_provider, heard)
    wanted = expected(case)
    if wanted.record is not None:
        case.records = [_told(wanted.record)]
    case.spans = [_told(span) for span in wanted.spans]
    for at, span in enumerate(case.spans):
        span["begun"] += at / 100
    return case


def _told(wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: SUBSTITUTES[name] if value is ANYTHING else value for name, value in wanted.items()}


def fallen_back() -> Case:
    """The provider refused the tenant's own model, and answered with the stock one."""
    refusal = received(TUNED, FIRST, status=404, told=Told(), events=False, end="refused")
    both = [refusal, received("gpt-4o-mini", SECOND)]
    return agreed(ASK, changed(ACME, refuses=True), both, Heard(200, dict(HEADERS), True, 1000.0, 1001.0))


def left() -> Case:
    """The caller left before it had heard anything."""
    gone = received(TUNED, FIRST, status=None, told=Told(), body=False, events=False, end="gone")
    ask = changed(ASK, act="hold", leaves="before")
    return agreed(ask, ACME, [gone], Heard(0, {}, False, 1000.0, 1001.0))


def unreachable() -> Case:
    """Nobody listens at the provider's address, and the caller brought no trace."""
    ask = changed(ASK, trace_id=None, parent_id=None, opted_out=True, unreachable=True, refusal=(502, "x_y"))
    headers = {**HEADERS, "x-model-reason": "opted_out"}
    return agreed(ask, ACME, [], Heard(502, headers, True, 1000.0, 1001.0))


def refused() -> Case:
    """A key that nobody has."""
    ask = changed(ASK, key="hs_nobodys", refusal=(401, "invalid_api_key"))
    headers = {**HEADERS, "x-model-reason": "none"}
    return agreed(ask, ACME, [], Heard(401, headers, True, 1000.0, 1001.0))


CASES = (fallen_back, left, unreachable, refused)


@pytest.mark.parametrize("make", CASES)
def test_where_all_agree_nothing_is_said(make: Any) -> None:
    assert disagreements(make()) == []


def test_a_fallen_back_call_as_it_must_be_told() -> None:
    """Written out, so that the expectation itself is looked at."""
    case = fallen_back()
    first, second = case.spans
    [record] = case.records
    assert (first["fine_tuned"], first["housestyle.reason"], first["error.type"]) == (
        True, "active_job", "model_not_found",
    )  # fmt: skip
    assert (first["housestyle.job_id"], first["gen_ai.request.model"]) == ("job_1", TUNED)
    assert "gen_ai.response.id" not in first
    assert "gen_ai.response.time_to_first_chunk" not in first
    assert second == {
        "name": "chat gpt-4o-mini",
        "kind": "CLIENT",
        "trace_id": TRACE,
        "span_id": SECOND,
        "parent_id": PARENT,
        "tracestate": "a=1",
        "failed": False,
        "begun": pytest.approx(1000.61),
        "ended": 1000.9,
        "fine_tuned": False,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-served",
        "gen_ai.response.id": "chat-3",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "gen_ai.request.stream": True,
        "gen_ai.response.time_to_first_chunk": 0.02,
        "server.address": "127.0.0.1",
        "server.port": 443,
        "http.response.status_code": 200,
        "housestyle.tenant": "acme",
        "housestyle.workflow": "review",
        "housestyle.call_id": "call_3",
        "housestyle.requested_model": "gpt-4o-mini",
        "housestyle.reason": "fallback_stock",
        "housestyle.revision": 9,
    }
    assert (record["attempts"], record["span_id"], record["job_id"]) == (2, SECOND, None)
    assert (record["fine_tuned"], record["reason"], record["error"]) == (False, "fallback_stock", None)


@pytest.mark.parametrize("name", sorted(fallen_back().records[0]))
def test_a_record_that_says_one_thing_otherwise(name: str) -> None:
    case = fallen_back()
    case.records[0][name] = -1 if name in ("duration_ms", "cost_usd") else "1970-01-01T00:00:01Z"
    if name == "time_to_first_chunk_ms":
        case.records[0][name] = 500.0  # later than the end
    [words] = disagreements(case)
    assert name in words
    del case.records[0][name]
    if name not in ("time", "duration_ms", "time_to_first_chunk_ms", "cost_usd"):
        assert [name in words for words in disagreements(case)] == [True]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("name", sorted(set(fallen_back().spans[0]) & set(fallen_back().spans[1])))
def test_a_span_that_says_one_thing_otherwise(name: str, at: int) -> None:
    case = fallen_back()
    case.spans[at][name] = 2000.0 + at if name == "begun" else 1.0 if name == "ended" else "another"
    if name == "begun" and at == 0:
        case.spans[0][name] = 1.0  # before the call, and still the first
    assert len(disagreements(case)) == 1


@pytest.mark.parametrize("name", ["x-call-id", "x-fine-tuned", "x-model-reason"])
def test_a_header_that_is_not_there(name: str) -> None:
    case = fallen_back()
    del case.heard.headers[name]
    assert any(f"headers: {name} is missing" in words for words in disagreements(case))


@pytest.mark.parametrize(("name", "value"), [("x-fine-tuned", "true"), ("x-model-reason", "active_job")])
def test_a_header_that_says_otherwise(name: str, value: str) -> None:
    case = fallen_back()
    case.heard.headers[name] = value
    assert len(disagreements(case)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("credential", "sk-other"), ("path", "embeddings"), ("flags", "00"), ("tracestate", None), ("trace_id", "9" * 32)],
)
def test_a_request_that_is_not_the_calls(field: str, value: Any) -> None:
    case = fallen_back()
    setattr(case.received[1], field, value)
    assert disagreements(case)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("what", ["records", "spans"])
def test_one_too_many_and_one_too_few(make: Any, what: str) -> None:
    case = make()
    there = getattr(case, what)
    if there:
        setattr(case, what, there[1:])
        assert disagreements(case)
    setattr(case, what, [*there, *(fallen_back().records if what == "records" else fallen_back().spans[:1])])
    assert disagreements(case)


@pytest.mark.parametrize("make", [left, unreachable])
@pytest.mark.parametrize("name", ["span_id", "call_id", "trace_id"])
def test_ids_that_only_span_and_record_know_must_be_the_same(make: Any, name: str) -> None:
    case = make()
    case.records[0][name] = "another"
    assert len(disagreements(case)) == 1


def test_a_count_that_is_another() -> None:
    cases = [fallen_back(), left(), refused(), refused()]
    samples = {
        'housestyle_calls_total{reason="fallback_stock",status="2xx"}': 1.0,
        'housestyle_calls_total{reason="active_job",status="none"}': 1.0,
        'housestyle_unidentified_calls_total{error="invalid_api_key"}': 2.0,
        "housestyle_cancelled_calls_total": 1.0,
        "housestyle_fallbacks_total": 1.0,
        "housestyle_routes_revision": 12.0,
    }
    assert miscounted(cases, samples) == []
    for name in list(samples)[:5]:
        assert len(miscounted(cases, {**samples, name: 7.0})) == 1
        assert len(miscounted(cases, {one: value for one, value in samples.items() if one != name})) == 1
    more = {**samples, 'housestyle_calls_total{reason="opted_out",status="2xx"}': 1.0}
    assert len(miscounted(cases, more)) == 1
