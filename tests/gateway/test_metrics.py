"""The metrics: what a call that is over adds, and that it makes no difference which of several processes is asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.metrics import CONTENT_TYPE, MULTIPROCESS_DIR, Metrics, RetiringModel


def figures(exposition: bytes) -> dict[str, float]:
    """Sample → value, without the times of creation."""
    lines = (line for line in exposition.decode().splitlines() if line and not line.startswith("#"))
    pairs = (line.rsplit(" ", 1) for line in lines)
    return {name: float(value) for name, value in pairs if "_created" not in name}


def test_before_any_call() -> None:
    assert figures(Metrics().exposition()) == {
        "housestyle_fallbacks_total": 0,
        "housestyle_cancelled_calls_total": 0,
        "housestyle_span_export_failures_total": 0,
        "housestyle_dropped_spans_total": 0,
        "housestyle_store_following": 0,
        "housestyle_routes_revision": 0,
    }


@pytest.mark.parametrize(
    ("reason", "status", "sample"),
    [
        ("active_job", 200, 'housestyle_calls_total{reason="active_job",status="2xx"}'),
        ("no_active_job", 429, 'housestyle_calls_total{reason="no_active_job",status="4xx"}'),
        ("active_job", 502, 'housestyle_calls_total{reason="active_job",status="5xx"}'),
        (None, 400, 'housestyle_calls_total{reason="none",status="4xx"}'),
        ("active_job", 0, 'housestyle_calls_total{reason="active_job",status="none"}'),
    ],
)
def test_a_known_tenants_call(reason: str | None, status: int, sample: str) -> None:
    metrics = Metrics()
    metrics.settle(True, reason, status, None, cancelled=False)
    metrics.settle(True, reason, status, "whatever", cancelled=False)
    found = figures(metrics.exposition())
    assert found.pop(sample) == 2
    assert not any(found.values())


def test_a_call_of_nobody() -> None:
    metrics = Metrics()
    metrics.settle(False, None, 401, "invalid_api_key", cancelled=False)
    found = figures(metrics.exposition())
    assert found.pop('housestyle_unidentified_calls_total{error="invalid_api_key"}') == 1
    assert not any(found.values())


def test_a_call_whose_caller_left() -> None:
    metrics = Metrics()
    metrics.settle(True, "active_job", 0, None, cancelled=True)
    found = figures(metrics.exposition())
    assert found["housestyle_cancelled_calls_total"] == 1
    assert found['housestyle_calls_total{reason="active_job",status="none"}'] == 1


def test_calls_of_one_class_of_status_are_counted_together() -> None:
    metrics = Metrics()
    for status in (400, 404, 200, 404):
        metrics.settle(True, "active_job", status, None, cancelled=False)
    found = figures(metrics.exposition())
    assert found['housestyle_calls_total{reason="active_job",status="4xx"}'] == 3
    assert found['housestyle_calls_total{reason="active_job",status="2xx"}'] == 1


def test_spans_that_are_lost() -> None:
    metrics = Metrics()
    metrics.dropped_spans.inc(512)
    metrics.span_export_failures.inc()
    found = figures(metrics.exposition())
    assert found["housestyle_dropped_spans_total"] == 512
    assert found["housestyle_span_export_failures_total"] == 1


def test_a_fallback() -> None:
    metrics = Metrics()
    metrics.fallbacks.inc()
    assert figures(metrics.exposition())["housestyle_fallbacks_total"] == 1


def test_the_format_is_said() -> None:
    assert CONTENT_TYPE.startswith("text/plain; version=")


PROCESS = """
import sys
from gateway.metrics import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.settle(True, "active_job", 200, None, cancelled=False)
    metrics.settle(False, None, 401, "invalid_api_key", cancelled=False)
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


def test_models_that_are_retired_before_long() -> None:
    metrics = Metrics()
    metrics.retiring.show([RetiringModel("acme", "job_1", 46.5), RetiringModel("acme2", "job_2", -1)], {90: 3, 7: 0})
    found = figures(metrics.exposition())
    assert found['housestyle_model_retires_days{job="job_1",tenant="acme"}'] == 46.5
    assert found['housestyle_model_retires_days{job="job_2",tenant="acme2"}'] == -1
    assert found['housestyle_jobs_retiring{within="90"}'] == 3
    assert found['housestyle_jobs_retiring{within="7"}'] == 0


def test_a_job_that_is_active_no_longer_leaves_no_line() -> None:
    metrics = Metrics()
    metrics.retiring.show([RetiringModel("acme", "job_1", 46.5)], {})
    metrics.retiring.show([RetiringModel("acme", "job_2", 20)], {})
    days = [name for name in figures(metrics.exposition()) if "retires_days" in name]
    assert days == ['housestyle_model_retires_days{job="job_2",tenant="acme"}']


RETIRING = """
import sys
from gateway.metrics import Metrics, RetiringModel
metrics = Metrics()
metrics.retiring.show([RetiringModel("acme", "job_1", 46.5)], {90: 1})
metrics.settle(True, "active_job", 200, None, cancelled=False)
sys.stdout.buffer.write(metrics.exposition())
"""


def test_of_several_processes_each_shows_the_same_models_once(tmp_path: Path) -> None:
    environ = {**os.environ, MULTIPROCESS_DIR: str(tmp_path)}
    for calls in (1, 2):
        told = subprocess.run([sys.executable, "-c", RETIRING], env=environ, check=True, capture_output=True).stdout
        assert told.count(b"housestyle_model_retires_days{") == 1
        assert figures(told)['housestyle_jobs_retiring{within="90"}'] == 1
        assert figures(told)['housestyle_calls_total{reason="active_job",status="2xx"}'] == calls
