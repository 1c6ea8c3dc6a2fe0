"""`/metrics` stays small, however many tenants and models there are: callers must not bring a Prometheus down."""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from tests.gateway.test_metrics import ATTEMPT, figures, fresh, settle

_TENANTS, _MODELS = 10_000, 1_000
_CALLS = 30_000
_REASONS = ("active_job", "pinned_fine_tune", "opted_out", "no_active_job", "model_not_default", "fallback_stock", None)
_ENDS = ((200, None), (200, "cancelled"), (503, "503"), (502, "upstream_unreachable"), (404, "model_not_found"))
_MOST_LINES = 40_000


def exposition(tenants: int) -> bytes:
    """What is served after calls of all tenants, of all models with all ends, at two providers."""
    metrics = fresh(tenants)
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(_CALLS):
        status, error = chance.choice(_ENDS)
        tuned = chance.random() < 0.5
        model = f"model-{chance.randrange(_MODELS)}"
        attempt = replace(
            ATTEMPT,
            provider_kind=chance.choice(("openai", "anthropic")),
            fine_tuned=tuned,
            routed_model=f"ft:{model}:acme:spring:{chance.random()}" if tuned else model,
            status=status,
            error=error,
        )
        tenant, reason = f"firm-{chance.randrange(_TENANTS)}", chance.choice(_REASONS)
        call: dict[str, Any] = {
            "tenant": tenant,
            "reason": reason,
            "status": status,
            "error": error,
            "fine_tuned": tuned,
        }
        settle(metrics, [attempt], **call, cost_usd=0.1)
    return metrics.exposition()


@pytest.fixture(scope="module")
def usual() -> bytes:
    """With as many tenants as have a label of their own by default."""
    return exposition(500)


def test_few_lines_for_many_tenants_and_models(usual: bytes) -> None:
    assert usual.count(b"\n") < _MOST_LINES
    samples = figures(usual)
    assert len({name.split('tenant="')[1] for name in samples if name.startswith("housestyle_tenant_calls")}) == 501
    models = {name.split('request_model="')[1].split('"')[0] for name in samples if "request_model=" in name}
    assert len(models) == 101


def test_all_calls_are_counted_all_the_same(usual: bytes) -> None:
    for name in ("housestyle_tenant_calls_total", "gen_ai_client_operation_duration_seconds_count"):
        assert sum(value for sample, value in figures(usual).items() if sample.startswith(f"{name}{{")) == _CALLS


def test_no_tenant_is_named_where_the_label_is_off() -> None:
    served = exposition(0)
    assert b"firm-" not in served
    assert b"housestyle_tenant" not in served
