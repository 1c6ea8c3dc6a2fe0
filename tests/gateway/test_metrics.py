"""The metrics: what a call that is over adds, what else is shown, and that it makes no difference which of several
processes is asked."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.alike import Alike, Tried
from gateway.call_metrics import Ended
from gateway.job_metrics import RetiringModel
from gateway.metrics import CONTENT_TYPE, MULTIPROCESS_DIR, Metrics, Now
from gateway.spans import Attempt, tried
from gateway.wire.served import Served
from tests.support.alike import alike_of

ENDED = Ended(seconds=0.7, overhead=0.0003)
SECOND = 1_000_000_000
ATTEMPT = Attempt(
    span_id=1,
    operation="chat",
    provider_kind="azure_openai",
    host="api",
    port=443,
    fine_tuned=False,
    reason="no_active_job",
    job_id=None,
    routed_model="gpt-4o-mini",
    stream=True,
    started=1000 * SECOND,
    ended=1002 * SECOND,
    first_chunk=1000 * SECOND + SECOND // 2,
    status=200,
    served=Served(input_tokens=100, output_tokens=20),
)
CHAT = 'gen_ai_operation_name="chat",gen_ai_provider_name="azure.ai.openai",gen_ai_request_model="gpt-4o-mini"'


def fresh(tenants: int = 500, **environ: str) -> Metrics:
    """Metrics that have counted nothing."""
    return Metrics("1.2.3", tenants, environ)


def settle(metrics: Metrics, attempts: Sequence[Attempt] = (), **changes: Any) -> None:
    """Counts a call that ended as ENDED, but for the changes."""
    ended = {name: changes.pop(name) for name in Ended.__struct_fields__ if name in changes}
    said = tried(attempts[-1]) if attempts else None
    metrics.calls.settle(_alike(said, tuple(changes.items())), replace(ENDED, **ended), attempts)


@lru_cache(1000)
def _alike(said: Tried | None, changes: tuple[tuple[str, Any], ...]) -> Alike:
    return alike_of(said, **dict(changes))


def figures(exposition: bytes) -> dict[str, float]:
    """Sample → value."""
    lines = (line for line in exposition.decode().splitlines() if line and not line.startswith("#"))
    pairs = (line.rsplit(" ", 1) for line in lines)
    return {name: float(value) for name, value in pairs}


def moved(metrics: Metrics, before: dict[str, float] | None = None) -> dict[str, float]:
    """What is not as it was before (or, at first, not 0), without the buckets."""
    before = before or {}
    found = figures(metrics.exposition())
    return {
        name: value
        for name, value in found.items()
        if value != before.get(name, 0) and "_bucket{" not in name and "build_info" not in name
    }


def test_before_any_call() -> None:
    metrics = fresh()
    assert moved(metrics) == {}
    assert 'housestyle_build_info{version="1.2.3"} 1.0' in metrics.exposition().decode()


@pytest.mark.parametrize(
    ("reason", "status", "labels"),
    [
        ("active_job", 200, 'reason="active_job",status="2xx"'),
        ("no_active_job", 429, 'reason="no_active_job",status="4xx"'),
        ("active_job", 502, 'reason="active_job",status="5xx"'),
        (None, 400, 'reason="none",status="4xx"'),
        ("active_job", 0, 'reason="active_job",status="none"'),
    ],
)
def test_a_known_tenants_call(reason: str | None, status: int, labels: str) -> None:
    metrics = fresh(tenants=0)
    for error in (None, "whatever"):
        settle(metrics, reason=reason, status=status, error=error)
    assert moved(metrics) == {
        f"housestyle_calls_total{{{labels}}}": 2,
        'housestyle_call_duration_seconds_count{fine_tuned="true"}': 2,
        'housestyle_call_duration_seconds_sum{fine_tuned="true"}': 1.4,
        "housestyle_gateway_overhead_seconds_count": 2,
        "housestyle_gateway_overhead_seconds_sum": 0.0006,
    }


def test_a_call_of_nobody() -> None:
    metrics = fresh()
    metrics.calls.unidentified("invalid_api_key")
    assert moved(metrics) == {'housestyle_unidentified_calls_total{error="invalid_api_key"}': 1}


def test_a_call_that_went_nowhere_has_no_overhead() -> None:
    metrics = fresh()
    settle(metrics, status=403, overhead=None)
    assert "housestyle_gateway_overhead_seconds_count" not in moved(metrics)


def test_a_call_whose_caller_left() -> None:
    metrics = fresh()
    settle(metrics, [replace(ATTEMPT, error="cancelled", status=None)], status=0, cancelled=True)
    found = moved(metrics)
    assert found["housestyle_cancelled_calls_total"] == 1
    assert found['housestyle_calls_total{reason="active_job",status="none"}'] == 1
    assert not any(name.startswith("housestyle_upstream_errors") for name in found), "it is not the provider's fault"


@pytest.mark.parametrize(
    "error", ["malformed_request", "request_timeout", "request_too_large", "invalid_json", "internal_error"]
)
def test_what_the_caller_sent_or_we_did_is_no_fault_of_the_providers(error: str) -> None:
    metrics = fresh()
    settle(metrics, [replace(ATTEMPT, error=error, status=None)], status=400, error=error)
    assert not any(name.startswith("housestyle_upstream_errors") for name in moved(metrics))


def test_a_providers_code_that_is_spelt_like_one_of_ours_is_its_fault() -> None:
    metrics = fresh()
    settle(metrics, [replace(ATTEMPT, error="invalid_api_key")], error="invalid_api_key")
    found = [name for name in moved(metrics) if name.startswith("housestyle_upstream_errors")]
    assert found == ['housestyle_upstream_errors_total{error="invalid_api_key",provider="azure.ai.openai"}']


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("error", "ours"),
    [
        ("internal_error", 1),
        ("not_ready", 1),
        ("draining", 1),
        ("upstream_timeout", 0),
        ("invalid_api_key", 0),
        (None, 0),
    ],
)
def test_what_failed_in_the_gateway_is_counted_whosever_it_was(error: str | None, ours: int, *, known: bool) -> None:
    metrics = fresh()
    if known:
        settle(metrics, status=500, error=error)
    else:
        metrics.calls.unidentified(error)
    found = moved(metrics)
    assert sum(found[name] for name in found if name.startswith("housestyle_gateway_errors_total")) == ours
    assert found.get(f'housestyle_gateway_errors_total{{error="{error}"}}', 0) == ours


def test_calls_of_one_class_of_status_are_counted_together() -> None:
    metrics = fresh()
    for status in (400, 404, 200, 404):
        settle(metrics, status=status)
    found = figures(metrics.exposition())
    assert found['housestyle_calls_total{reason="active_job",status="4xx"}'] == 3
    assert found['housestyle_calls_total{reason="active_job",status="2xx"}'] == 1


def test_a_fallback_and_its_two_attempts() -> None:
    metrics = fresh()
    metrics.calls.fallbacks.add()
    refused = replace(ATTEMPT, error="model_not_found", fine_tuned=True, routed_model="ft:a:b::c", status=404)
    settle(metrics, [refused, ATTEMPT])
    found = moved(metrics)
    assert found["housestyle_fallbacks_total"] == 1
    assert found['housestyle_upstream_errors_total{error="model_not_found",provider="azure.ai.openai"}'] == 1
    durations = {name: value for name, value in found.items() if "operation_duration_seconds_count" in name}
    assert sorted(durations.values()) == [1, 1]
    assert any('error_type="model_not_found"' in name and 'model="other"' in name for name in durations), durations


# by the GenAI conventions


def test_an_attempt_by_the_usual_names() -> None:
    metrics = fresh(tenants=0)
    before = figures(metrics.exposition())
    settle(metrics, [ATTEMPT, replace(ATTEMPT, error="503", served=Served())], overhead=None)
    found = {name: value for name, value in moved(metrics, before).items() if name.startswith("gen_ai")}
    duration, first = "gen_ai_client_operation_duration_seconds", "gen_ai_client_operation_time_to_first_chunk_seconds"
    assert found == {
        f'{duration}_count{{error_type="",{CHAT}}}': 1,
        f'{duration}_sum{{error_type="",{CHAT}}}': 2,
        f'{duration}_count{{error_type="503",{CHAT}}}': 1,
        f'{duration}_sum{{error_type="503",{CHAT}}}': 2,
        f"{first}_count{{{CHAT}}}": 2,
        f"{first}_sum{{{CHAT}}}": 1,
        f'gen_ai_client_token_usage_count{{{CHAT},gen_ai_token_type="input"}}': 1,
        f'gen_ai_client_token_usage_sum{{{CHAT},gen_ai_token_type="input"}}': 100,
        f'gen_ai_client_token_usage_count{{{CHAT},gen_ai_token_type="output"}}': 1,
        f'gen_ai_client_token_usage_sum{{{CHAT},gen_ai_token_type="output"}}': 20,
    }


def test_an_attempt_by_the_newest_names() -> None:
    metrics = fresh(0, OTEL_SEMCONV_STABILITY_OPT_IN="http, gen_ai_latest_experimental")
    before = figures(metrics.exposition())
    served = Served(input_tokens=100, output_tokens=20, cached_tokens=60, reasoning_tokens=5)
    settle(metrics, [replace(ATTEMPT, served=served), replace(ATTEMPT, operation="embeddings")])
    found = {name: value for name, value in moved(metrics, before).items() if name.startswith("gen_ai")}
    usage = "gen_ai_client_inference_usage"
    assert found == {
        f'gen_ai_client_inference_duration_seconds_count{{error_type="",{CHAT}}}': 1,
        f'gen_ai_client_inference_duration_seconds_sum{{error_type="",{CHAT}}}': 2,
        f'gen_ai_client_operation_duration_seconds_count{{error_type="",{CHAT.replace("chat", "embeddings")}}}': 1,
        f'gen_ai_client_operation_duration_seconds_sum{{error_type="",{CHAT.replace("chat", "embeddings")}}}': 2,
        f"gen_ai_client_inference_time_to_first_chunk_seconds_count{{{CHAT}}}": 1,
        f"gen_ai_client_inference_time_to_first_chunk_seconds_sum{{{CHAT}}}": 0.5,
        f'{usage}_input_tokens_total{{{CHAT},gen_ai_token_modality="unknown"}}': 100,
        f'{usage}_output_tokens_total{{{CHAT},gen_ai_token_modality="unknown"}}': 20,
        f'{usage}_cache_read_input_tokens_total{{{CHAT},gen_ai_token_modality="unknown"}}': 60,
        f'{usage}_reasoning_output_tokens_total{{{CHAT},gen_ai_token_modality="unknown"}}': 5,
        f"gen_ai_client_inference_operation_input_tokens_count{{{CHAT}}}": 1,
        f"gen_ai_client_inference_operation_input_tokens_sum{{{CHAT}}}": 100,
        f"gen_ai_client_inference_operation_output_tokens_count{{{CHAT}}}": 1,
        f"gen_ai_client_inference_operation_output_tokens_sum{{{CHAT}}}": 20,
    }


MODELS: list[tuple[dict[str, Any], str]] = [
    ({}, "gpt-4o-mini"),
    ({"routed_model": "ft:gpt-4o-mini-2024-07-18:firm:label:id", "fine_tuned": True}, "ft:gpt-4o-mini-2024-07-18"),
    ({"routed_model": "firm-model-7", "fine_tuned": True}, "fine-tuned"),
    ({"routed_model": None}, ""),
    ({"routed_model": "made-up", "status": 404}, "other"),
    ({"routed_model": "made-up", "status": None}, "other"),
    ({"routed_model": "x" * 300}, "x" * 128),
]


@pytest.mark.parametrize(("attempt", "label"), MODELS)
def test_what_a_model_is_called(attempt: dict[str, Any], label: str) -> None:
    metrics = fresh()
    settle(metrics, [replace(ATTEMPT, **attempt)])
    assert f'gen_ai_request_model="{label}"' in metrics.exposition().decode()


def test_callers_and_tenants_do_not_make_labels_without_end() -> None:
    metrics = fresh()
    for number in range(10_000):
        attempt = replace(ATTEMPT, routed_model=f"model-{number}", error=None if number % 2 else "500")
        settle(metrics, [attempt], tenant=f"tenant-{number}", cost_usd=0.1)
    told = metrics.exposition().decode()
    assert len(told.splitlines()) < 12_000
    assert told.count("tenant-499") > 0
    assert "tenant-500" not in told
    assert 'housestyle_tenant_calls_total{fine_tuned="true",tenant="other"} 9500.0' in told
    assert "model-99" in told
    assert "model-100" not in told


def test_a_provider_that_answers_with_every_status_there_is() -> None:
    metrics = fresh()
    for status in range(200, 600):
        error = str(status) if status >= 400 else None
        settle(metrics, [replace(ATTEMPT, status=status, error=error)], status=status)
    told = metrics.exposition().decode()
    assert len(told.splitlines()) < 800
    assert 'error_type="503"' in told
    assert 'housestyle_upstream_errors_total{error="4xx",provider="azure.ai.openai"} ' in told
    assert "418" not in told


def test_a_model_that_fails_at_first_has_its_name_once_it_answers() -> None:
    metrics = fresh()
    failed = replace(ATTEMPT, status=503, error="503")
    for attempt in (failed, ATTEMPT, failed, failed):
        settle(metrics, [attempt])
    found = figures(metrics.exposition())
    count = "gen_ai_client_operation_duration_seconds_count"
    assert found[f'{count}{{error_type="503",{CHAT}}}'] == 2
    assert found[f'{count}{{error_type="503",{CHAT.replace("gpt-4o-mini", "other")}}}'] == 1


def test_a_name_that_is_one_firms_fine_tune_and_anothers_stock_model() -> None:
    metrics = fresh()
    for fine_tuned in (True, False):
        settle(metrics, [replace(ATTEMPT, fine_tuned=fine_tuned)])
    told = metrics.exposition().decode()
    assert 'gen_ai_request_model="fine-tuned"' in told
    assert 'gen_ai_request_model="gpt-4o-mini"' in told


# by tenant


def test_what_is_counted_by_tenant() -> None:
    metrics = fresh()
    settle(metrics, [ATTEMPT], cost_usd=0.25)
    settle(metrics, [ATTEMPT], cost_usd=0.5)
    settle(metrics, fine_tuned=False)
    found = {name: value for name, value in moved(metrics).items() if name.startswith("housestyle_tenant")}
    assert found == {
        'housestyle_tenant_calls_total{fine_tuned="true",tenant="acme"}': 2,
        'housestyle_tenant_calls_total{fine_tuned="false",tenant="acme"}': 1,
        'housestyle_tenant_tokens_total{fine_tuned="true",tenant="acme",type="input"}': 200,
        'housestyle_tenant_tokens_total{fine_tuned="true",tenant="acme",type="output"}': 40,
        'housestyle_tenant_cost_usd_total{fine_tuned="true",tenant="acme"}': 0.75,
    }


def test_without_the_label_of_tenants() -> None:
    metrics = fresh(tenants=0)
    metrics.jobs.show_retiring([RetiringModel("acme", "job_1", 46.5)], {})
    settle(metrics, [ATTEMPT])
    assert "acme" not in metrics.exposition().decode()


# others


def test_what_is_lost() -> None:
    metrics = fresh()
    metrics.losses.spans.inc(512)
    metrics.losses.export_failures.inc()
    metrics.losses.why_records.inc(3)
    assert moved(metrics) == {
        "housestyle_dropped_spans_total": 512,
        "housestyle_span_export_failures_total": 1,
        "housestyle_why_records_lost_total": 3,
    }


def test_how_far_changes_come() -> None:
    metrics = fresh()
    metrics.propagated(0.25, whole=True)
    metrics.propagated(2.0, whole=False)
    assert moved(metrics) == {
        "housestyle_propagation_seconds_count": 2,
        "housestyle_propagation_seconds_sum": 2.25,
        "housestyle_unacknowledged_changes_total": 1,
    }


def test_what_a_replica_is_now() -> None:
    metrics = fresh()
    metrics.pour(Now(active_calls=7, active_streams=3, why_waiting=2, routes_age=0.5))
    metrics.replica.following.set(1)
    metrics.replica.revision.set(17)
    assert moved(metrics) == {
        "housestyle_active_calls": 7,
        "housestyle_active_streams": 3,
        "housestyle_why_records_waiting": 2,
        "housestyle_routes_age_seconds": 0.5,
        "housestyle_store_following": 1,
        "housestyle_routes_revision": 17,
    }


def test_the_format_is_said() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=")


PROCESS = """
import sys
from gateway.metrics import Metrics
from tests.gateway.test_metrics import settle
metrics = Metrics("1", 500, {})
for _ in range(int(sys.argv[1])):
    settle(metrics, seconds=0.2, overhead=0.001)
    metrics.calls.unidentified("invalid_api_key")
sys.stdout.buffer.write(metrics.exposition())
"""


def test_of_several_processes_each_says_what_all_did(tmp_path: Path) -> None:
    environ = {**os.environ, MULTIPROCESS_DIR: str(tmp_path)}

    def run(calls: int) -> dict[str, float]:
        command = [sys.executable, "-c", PROCESS, str(calls)]
        return figures(subprocess.run(command, env=environ, check=True, capture_output=True).stdout)

    calls, unidentified = (
        'housestyle_calls_total{reason="active_job",status="2xx"}',
        'housestyle_unidentified_calls_total{error="invalid_api_key"}',
    )
    assert run(2)[calls] == 2
    assert run(3)[calls] == 5, "one that has ended stays counted"
    last = run(0)
    assert (last[calls], last[unidentified]) == (5, 5)
    assert last['housestyle_call_duration_seconds_bucket{fine_tuned="true",le="0.25"}'] == 5
    assert last['housestyle_call_duration_seconds_count{fine_tuned="true"}'] == 5


def test_models_that_are_retired_before_long() -> None:
    metrics = fresh()
    metrics.jobs.show_retiring(
        [RetiringModel("acme", "job_1", 46.5), RetiringModel("acme2", "job_2", -1)], {90: 3, 7: 0}
    )
    found = figures(metrics.exposition())
    assert found['housestyle_model_retires_days{job_id="job_1",tenant="acme"}'] == 46.5
    assert found['housestyle_model_retires_days{job_id="job_2",tenant="acme2"}'] == -1
    assert found['housestyle_jobs_retiring{within="90"}'] == 3
    assert found['housestyle_jobs_retiring{within="7"}'] == 0


def test_a_job_that_is_active_no_longer_leaves_no_line() -> None:
    metrics = fresh()
    metrics.jobs.show_retiring([RetiringModel("acme", "job_1", 46.5)], {})
    metrics.jobs.show_retiring([RetiringModel("acme", "job_2", 20)], {})
    days = [name for name in figures(metrics.exposition()) if "retires_days" in name]
    assert days == ['housestyle_model_retires_days{job_id="job_2",tenant="acme"}']


RETIRING = """
import sys
from gateway.job_metrics import RetiringModel
from gateway.metrics import Metrics
from tests.gateway.test_metrics import settle
metrics = Metrics("1", 500, {})
metrics.jobs.show_retiring([RetiringModel("acme", "job_1", 46.5)], {90: 1})
settle(metrics, seconds=0.2, overhead=None)
sys.stdout.buffer.write(metrics.exposition())
"""


def test_of_several_processes_each_shows_the_same_models_once(tmp_path: Path) -> None:
    environ = {**os.environ, MULTIPROCESS_DIR: str(tmp_path)}
    for calls in (1, 2):
        told = subprocess.run([sys.executable, "-c", RETIRING], env=environ, check=True, capture_output=True).stdout
        assert told.count(b"housestyle_model_retires_days{") == 1
        assert figures(told)['housestyle_jobs_retiring{within="90"}'] == 1
        assert figures(told)['housestyle_calls_total{reason="active_job",status="2xx"}'] == calls
