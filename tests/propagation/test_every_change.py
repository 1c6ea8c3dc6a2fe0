"""Every kind of change: once it is answered, the very next call at each replica obeys it."""

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.timestamps import from_seconds
from tests.bench.running import module
from tests.propagation.stage import Job, Stage
from tests.support.admin import STOCK
from tests.support.firms import Firm
from tests.support.processes import wait_until

_ROUNDS = 5
_OTHER_MODEL = "gpt-4.1-mini"


@pytest.fixture
def firm(stage: Stage) -> Firm:
    """A tenant."""
    return stage.firm()


@pytest.fixture
def job(stage: Stage, firm: Firm) -> Job:
    """Its `ready` job, not active."""
    return stage.ready_job(firm)


@pytest.fixture
def change(stage: Stage) -> Callable[..., Any]:
    """Makes a change that all four replicas must have acknowledged by its answer: what was answered."""

    def make(method: str, path: str, body: Any = None) -> Any:
        answer = stage.admin.ask(method, path, body)
        assert answer.status_code in (200, 201, 204), answer.text
        assert (answer.headers["x-replicas"], answer.headers["x-acknowledged"]) == ("4", "4")
        return answer.json() if answer.content else None

    return make


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Another provider."""
    with module("tests.propagation.provider") as (_, ports):
        yield f"http://127.0.0.1:{ports[0]}"


def test_activation_and_stock(stage: Stage, firm: Firm, job: Job, change: Callable[..., Any]) -> None:
    for _ in range(_ROUNDS):
        change("POST", f"{firm.path}/jobs/{job.id}/activate", {})
        assert [call.model for call in stage.everywhere(firm)] == [job.model] * 4
        change("POST", f"{firm.path}/stock", {})
        assert [call.model for call in stage.everywhere(firm)] == [STOCK] * 4


def test_share(stage: Stage, firm: Firm, job: Job, change: Callable[..., Any]) -> None:
    runs = [f"run-{number}" for number in range(8)]
    for share in (0.2, 0.8, 0.5):
        change("POST", f"{firm.path}/jobs/{job.id}/activate", {"share": share})
        for run in runs:
            wanted = job.model if fraction(firm.name, job.id, run) < share else STOCK
            calls = stage.everywhere(firm, STOCK, f"x-workflow-run-id: {run}")
            assert [call.model for call in calls] == [wanted] * 4


def test_a_providers_credential_and_address(
    stage: Stage, firm: Firm, change: Callable[..., Any], elsewhere: str
) -> None:
    for number in range(_ROUNDS):
        key = f"sk-new-{number}"
        change("PUT", f"{firm.path}/providers/main", {**firm.provider, "api_key": key})
        for call in stage.everywhere(firm):
            assert [arrival.credential for arrival in call.received] == [key]
    change("PUT", f"{firm.path}/providers/main", {**firm.provider, "base_url": f"{elsewhere}/v1"})
    calls = stage.everywhere(firm)
    assert [(call.status, call.received) for call in calls] == [(200, [])] * 4


def test_rule(stage: Stage, firm: Firm, job: Job, change: Callable[..., Any]) -> None:
    change("POST", f"{firm.path}/jobs/{job.id}/activate", {})
    for rule, by_default, by_name in (
        ("off", STOCK, _OTHER_MODEL),
        ("all", job.model, job.model),
        ("default_only", job.model, _OTHER_MODEL),
    ) * 2:
        change("PUT", firm.path, {"rule": rule})
        assert [call.model for call in stage.everywhere(firm)] == [by_default] * 4
        assert [call.model for call in stage.everywhere(firm, _OTHER_MODEL)] == [by_name] * 4


def test_suspension(stage: Stage, firm: Firm, change: Callable[..., Any]) -> None:
    for _ in range(_ROUNDS):
        change("PUT", firm.path, {"suspended": True})
        assert [(call.status, call.received) for call in stage.everywhere(firm)] == [(403, [])] * 4
        change("PUT", firm.path, {"suspended": False})
        assert [call.status for call in stage.everywhere(firm)] == [200] * 4


def test_a_tenants_deletion(stage: Stage, change: Callable[..., Any]) -> None:
    for _ in range(_ROUNDS):
        firm = stage.firm()
        assert [call.status for call in stage.everywhere(firm)] == [200] * 4
        change("DELETE", firm.path)
        assert [(call.status, call.received) for call in stage.everywhere(firm)] == [(401, [])] * 4


def test_a_new_key_and_its_revocation(stage: Stage, firm: Firm, change: Callable[..., Any]) -> None:
    for _ in range(_ROUNDS):
        made = change("POST", f"{firm.path}/keys", {"role": "caller", "label": "Clerk"})
        assert [stage.call(at.url, made["key"]).status for at in stage.replicas] == [200] * 4
        change("DELETE", f"{firm.path}/keys/{made['id']}")
        refused = [stage.call(at.url, made["key"]) for at in stage.replicas]
        assert [(call.status, call.received) for call in refused] == [(401, [])] * 4
    assert [call.status for call in stage.everywhere(firm)] == [200] * 4


def test_a_key_expires_everywhere(stage: Stage, firm: Firm, change: Callable[..., Any]) -> None:
    expires = time.time() + 3
    made = change(
        "POST", f"{firm.path}/keys", {"role": "caller", "label": "Guest", "expires_at": from_seconds(expires)}
    )
    before = [stage.call(at.url, made["key"]).status for at in stage.replicas]
    assert time.time() < expires, "the machine is too slow for this test"
    assert before == [200] * 4
    wait_until(lambda: time.time() > expires, 5, "the expiry")
    refused = [stage.call(at.url, made["key"]) for at in stage.replicas]
    assert [(call.status, call.received) for call in refused] == [(401, [])] * 4


def fraction(tenant: str, job: str, key: str) -> float:
    """Where a run falls, by the contract's formula."""
    digest = hashlib.sha256(f"{tenant}\0{job}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
