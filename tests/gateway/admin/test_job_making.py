"""Jobs beyond the plain order: on a new base, with limits to their cost, with a teacher; checkpoints."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import Program, wait_until
from tests.support.vaults import demo_vault

OTHER_BASE = "gpt-4.1-mini-2025-04-14"


@pytest.fixture
def firm(admin: Admin, sandbox: Program, data_dir: Path) -> Iterator[Firm]:
    """A tenant with a Vault of texts that differ."""
    with closing(Firm(admin, sandbox.url, vault=demo_vault(data_dir))) as made:
        yield made


def test_a_job_is_made_again_on_another_base_of_the_same_data_set(admin: Admin, firm: Firm) -> None:
    first = firm.ready_job(hyperparameters={"n_epochs": 2}, options={"seed": 5})
    order = {"base_model": OTHER_BASE}
    made = admin.ask("POST", f"{firm.job_path(first)}/recreate", order, {"idempotency-key": "again"})
    assert made.status_code == 201
    again = made.json()
    assert (again["source_job"], again["label"], again["base_model"]) == (first["id"], first["label"], OTHER_BASE)
    assert (again["hyperparameters"], again["options"]) == ({"n_epochs": 2}, first["options"])
    repeated = admin.ask("POST", f"{firm.job_path(first)}/recreate", order, {"idempotency-key": "again"})
    assert repeated.json()["id"] == again["id"]
    done = firm.finished(again)
    assert (done["status"], done["dataset"]) == ("ready", first["dataset"])
    assert [call["action"] for call in admin.get(f"{firm.path}/audit?action=job.recreate")["items"]] == ["job.recreate"]
    assert admin.get(f"{firm.job_path(done)}/manifest") == admin.get(f"{firm.job_path(first)}/manifest")


def test_of_a_job_without_a_data_set_no_other_can_be_made(admin: Admin, firm: Firm) -> None:
    failed = firm.finished(firm.start_job(provider="main", backend="anthropic"))
    assert failed["error"]["code"] == "backend_not_supported_yet"
    refused = admin.refused("POST", f"{firm.job_path(failed)}/recreate", {"base_model": OTHER_BASE})
    assert refused == (409, "dataset_missing", None)
    assert admin.refused("POST", f"{firm.path}/jobs/job_no/recreate", {"base_model": OTHER_BASE})[:2] == (
        404,
        "job_not_found",
    )


@pytest.mark.parametrize("backend", ["azure_openai", "anthropic", "bedrock", "vertex", "together", "fireworks"])
def test_backends_that_are_not_written_yet_say_so(firm: Firm, backend: str) -> None:
    job = firm.finished(firm.start_job(backend=backend))
    assert (job["status"], job["error"]["code"]) == ("failed", "backend_not_supported_yet")
    assert firm.account.calls() == []


def test_a_limit_to_the_cost_of_a_job_and_of_a_tenant(admin: Admin, firm: Firm) -> None:
    job = firm.finished(firm.start_job(base_model=OTHER_BASE, options={"cost_limit_usd": 0.0001}))
    assert (job["status"], job["error"]["code"]) == ("failed", "cost_limit_exceeded")
    assert job["estimated_cost_usd"] > 0.0001
    assert firm.account.calls("POST") == []
    assert admin.put(firm.path, {"cost_limit_usd": 0.0001})["cost_limit_usd"] == 0.0001
    assert firm.finished(firm.start_job(base_model=OTHER_BASE))["error"]["code"] == "cost_limit_exceeded"
    assert admin.put(firm.path, {"cost_limit_usd": None})["cost_limit_usd"] is None
    assert firm.finished(firm.start_job(base_model=OTHER_BASE))["status"] == "ready"
    assert admin.refused("PUT", firm.path, {"cost_limit_usd": -1}) == (422, "invalid_field", "cost_limit_usd")


def test_a_teacher_needs_consent_which_is_recorded(admin: Admin, firm: Firm) -> None:
    order = {"label": "Spring", "backend": "openai", "options": {"writer": "teacher"}}
    refused = admin.refused("POST", f"{firm.path}/jobs", order)
    assert refused == (422, "teacher_consent_required", "options.teacher_consent")
    job = firm.ready_job(options={"writer": "teacher", "teacher_consent": True})
    assert job["consent"]["by"] == "key_bootstrap"
    assert job["dataset"]["examples"] > 0
    asked = firm.received()
    assert asked
    assert {call["model"] for call in asked} == {STOCK}
    [cost] = [one for one in admin.get(f"{firm.job_path(job)}/events")["items"] if one["kind"] == "cost"]
    assert "to the teacher" in cost["message"]
    assert job["estimated_cost_usd"] > 0, "a teacher has a price, as its calls have"
    again = firm.ready_job(options={"writer": "teacher", "teacher_consent": True})
    assert len(firm.received()) == len(asked), "nothing is paid for twice"
    assert again["dataset"] == job["dataset"]


def test_checkpoints_are_the_tenants_own_and_can_be_activated(admin: Admin, firm: Firm, sandbox: Program) -> None:
    job = firm.ready_job()
    kept = job["checkpoints"][0]
    assert kept["model"] != job["fine_tuned_model"]
    assert firm.say(kept["model"]).headers["x-model-reason"] == "pinned_fine_tune"
    other = Firm(admin, sandbox.url)
    assert other.say(kept["model"]).status_code == 404

    activation = firm.activate(job, checkpoint=kept["id"])
    assert (activation["active_job"], activation["model"]) == (job["id"], kept["model"])
    assert firm.call()[0].model == kept["model"]
    assert admin.get(firm.path)["model"] == kept["model"]
    assert firm.activate(job, checkpoint=kept["model"])["revision"] == activation["revision"], "it is so already"
    assert firm.activate(job)["model"] == job["fine_tuned_model"]
    assert firm.call()[0].model == job["fine_tuned_model"]
    refused = admin.refused("POST", f"{firm.job_path(job)}/activate", {"checkpoint": "ftckpt_none"})
    assert refused == (422, "invalid_field", "checkpoint")


def test_how_far_a_job_has_come_is_told(admin: Admin, firm: Firm) -> None:
    job = firm.start_job()
    seen: list[Any] = []

    def over() -> bool:
        found = firm.job(job)
        if found["progress"]:
            seen.append(found["progress"])
        return bool(found["status"] == "ready")

    wait_until(over, 60)
    assert all(set(come) == {"stage", "done", "total"} for come in seen)
    assert firm.job(job)["progress"] is None
