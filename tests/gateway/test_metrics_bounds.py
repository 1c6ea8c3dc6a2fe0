"""`/metrics` stays small, however many tenants and models there are: callers must not bring a Prometheus down."""

import random

import pytest
from gateway.call_metrics import Ended

from gateway.metrics import Metrics, Now
from gateway.spans import Attempt
from gateway.wire.served import Served

_TENANTS, _MODELS = 10_000, 1_000
_CALLS = 40_000
_REASONS = ("active_job", "pinned_fine_tune", "opted_out", "no_active_job", "model_not_default", "fallback_stock", None)
_ENDS = ((200, None), (200, "cancelled"), (503, "503"), (502, "upstream_unreachable"), (404, "model_not_found"))
_MOST_LINES = 40_000


def exposition(tenants: int) -> str:
    """What is served after calls of all tenants, of all models with all ends, at two providers."""
    metrics = Metrics("1", tenants, {})
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in range(_CALLS):
        status, error = chance.choice(_ENDS)
        tuned = chance.random() < 0.5
        model = f"model-{chance.randrange(_MODELS)}"
        attempt = Attempt(
            span_id=1,
            operation="chat",
            provider_kind=chance.choice(("openai", "anthropic")),
            host="127.0.0.1",
            port=443,
            fine_tuned=tuned,
            reason="active_job",
            job_id=None,
            routed_model=f"ft:{model}:acme:spring:{number}" if tuned else model,
            stream=True,
            started=0,
            ended=10**9,
            first_chunk=10**8,
            status=status,
            error=error,
            served=Served(input_tokens=7, output_tokens=3),
        )
        call = Ended(
            tenant=f"firm-{number % _TENANTS:05}",
            reason=chance.choice(_REASONS),
            status=status,
            error=error,
            cancelled=error == "cancelled",
            fine_tuned=tuned,
            seconds=1.0,
            overhead=0.001,
            cost_usd=0.01,
        )
        metrics.calls.settle(call, [attempt])
    metrics.pour(Now(active_calls=0, active_streams=0, why_waiting=0, routes_age=0.0))
    return metrics.exposition().decode()


@pytest.fixture(scope="module")
def usual() -> str:
    """With as many tenants as have a label of their own by default."""
    return exposition(500)


def test_few_lines_for_many_tenants_and_models(usual: str) -> None:
    lines = usual.splitlines()
    assert len(lines) < _MOST_LINES
    assert sum('tenant="firm-' in line for line in lines) > 0
    assert len({line.split('tenant="')[1].split('"')[0] for line in lines if 'tenant="' in line}) == 501
    assert len({line.split('request_model="')[1].split('"')[0] for line in lines if "request_model=" in line}) <= 101


def test_all_calls_are_counted_all_the_same(usual: str) -> None:
    counted = [
        float(line.rsplit(" ", 1)[1])
        for line in usual.splitlines()
        if line.startswith("housestyle_tenant_calls_total{")
    ]
    assert sum(counted) == _CALLS
    tried = [
        float(line.rsplit(" ", 1)[1])
        for line in usual.splitlines()
        if line.startswith("gen_ai_client_operation_duration_seconds_count{")
    ]
    assert sum(tried) == _CALLS


def test_no_tenant_is_named_where_the_label_is_off() -> None:
    served = exposition(0)
    assert "firm-" not in served
    assert "tenant" not in "".join(line for line in served.splitlines() if not line.startswith("#"))
