"""What a job takes over from its provider, and what it leaves there: files, curve, checkpoints, events, places."""

import time
from typing import Any

import pytest

from finetune import records, states, steps
from finetune.values import Job
from tests.support.jobs import Workshop, run
from tests.support.sandbox import CREATE, POLL, UPLOAD
from tests.support.vaults import DEMO_VAULTS

OTHER_BASE = "gpt-4.1-mini-2025-04-14"
CHECKPOINTS = {"method": "GET", "path": "/v1/fine_tuning/jobs/*/checkpoints"}
EVENTS = {"method": "GET", "path": "/v1/fine_tuning/jobs/*/events"}
DELETE = {"method": "DELETE", "path": "/v1/files/*"}


@pytest.fixture
def workshop(workshop: Workshop) -> Workshop:
    """With a Vault of texts that differ, so that there is something to validate by."""
    workshop.vault.write_bytes((DEMO_VAULTS / "brightwater.jsonl").read_bytes())
    return workshop


async def lines(workshop: Workshop, job: Job) -> list[tuple[str, str]]:
    """The job's timeline."""
    return [(event.kind, event.message) for event in (await records.timeline(workshop.store, job.id, 200, None))[0]]


async def made(workshop: Workshop, **changes: Any) -> tuple[Job, Any]:
    """A job once it is over, and its account."""
    job, account = await workshop.new_job(**changes)
    await run(workshop.manager(), job)
    return await workshop.load(job), account


async def test_both_files_are_uploaded_and_deleted_when_the_job_is_over(workshop: Workshop) -> None:
    done, account = await made(workshop)
    assert done.status == "ready"
    assert done.dataset is not None
    assert done.dataset.validation_examples > 0
    [at_provider] = account.jobs()
    assert (at_provider["training_file"], at_provider["validation_file"]) == (
        done.training_file_id,
        done.validation_file_id,
    )
    assert account.files() == []
    assert len(account.calls("DELETE", "/v1/files/")) == 2
    assert (await lines(workshop, done))[-1] == ("files_deleted", "The uploaded files are deleted at the provider.")
    assert await records.live(workshop.store) == []


async def test_files_stay_where_that_was_asked_for(workshop: Workshop) -> None:
    done, account = await made(workshop, options={"keep_files": True})
    assert {file["id"] for file in account.files()} == {done.training_file_id, done.validation_file_id}
    assert account.calls("DELETE") == []


async def test_a_failed_job_leaves_no_files_either(workshop: Workshop) -> None:
    done, account = await made(workshop, base_model="gpt-nonsense")
    assert (done.status, done.error and done.error.code) == ("failed", "base_model_not_tunable")
    assert len(account.calls("POST", "/v1/files")) == 2
    assert account.files() == []


async def test_files_that_cannot_be_deleted_are_said_and_hold_nothing_back(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("error_before", DELETE, times=None)
    manager = workshop.manager()
    while (await workshop.load(job)).status != "ready":
        await manager.tick(job.tenant, job.id)
    assert await manager.tick(job.tenant, job.id) == 1.0  # it is tried again
    assert (await records.live(workshop.store)) == [(job.tenant, job.id)]
    too_long_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - steps.TIDY_SECONDS - 60))
    await workshop.change(job, finished_at=too_long_ago)
    assert await manager.tick(job.tenant, job.id) is None
    done = await workshop.load(job)
    assert (done.status, [warning.code for warning in done.warnings][-1]) == ("ready", "files_not_deleted")
    assert await records.live(workshop.store) == []


async def test_what_the_provider_measured_is_the_jobs_for_good(workshop: Workshop) -> None:
    done, account = await made(workshop, hyperparameters={"n_epochs": 2})
    curve, _ = await records.curve(workshop.store, done.tenant, done.id)
    rows = account.ask("GET", f"/v1/files/{account.jobs()[0]['result_files'][0]}/content").text.splitlines()[1:]
    assert [one.step for one in curve] == [int(row.split(",")[0]) for row in rows]
    assert all(one.train_loss is not None and one.valid_loss is not None for one in curve)
    assert curve[-1].full_valid_loss is not None
    assert len({one.step for one in curve}) == len(curve) > 2


async def test_checkpoints_become_the_tenants_own_models(workshop: Workshop) -> None:
    done, account = await made(workshop)
    told = account.ask("GET", f"/v1/fine_tuning/jobs/{done.provider_job_id}/checkpoints").json()["data"]
    others = [kept for kept in told if kept["fine_tuned_model_checkpoint"] != done.fine_tuned_model]
    assert {kept.model for kept in done.checkpoints} == {kept["fine_tuned_model_checkpoint"] for kept in others}
    assert [kept.step for kept in done.checkpoints] == sorted(kept["step_number"] for kept in others)
    assert all(kept.metrics["train_loss"] > 0 for kept in done.checkpoints)
    tenant = await workshop.tenant(done)
    assert tenant.fine_tunes[done.id].checkpoints == {kept.id: kept.model for kept in done.checkpoints}


async def test_the_providers_events_stand_in_the_timeline_once(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("error_after", EVENTS, times=2)  # read, and never taken over
    await run(workshop.manager(), job)
    done = await workshop.load(job)
    said = account.ask("GET", f"/v1/fine_tuning/jobs/{done.provider_job_id}/events?limit=100").json()["data"][::-1]
    written = [message for kind, message in await lines(workshop, done) if kind.startswith("provider_")]
    assert written == [event["message"] for event in said if event["type"] == "message"]


async def test_checkpoints_that_cannot_be_had_hold_no_model_back(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("error_before", CHECKPOINTS, times=None)
    await run(workshop.manager(), job)
    done = await workshop.load(job)
    assert done.status == "ready"
    assert "results_missing" in [warning.code for warning in done.warnings]
    assert (
        len(account.calls("GET", f"/v1/fine_tuning/jobs/{done.provider_job_id}/checkpoints")) == steps.EXTRA_TRIES + 1
    )


async def test_a_job_waits_for_a_place_at_the_provider(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("rate_limit", CREATE, times=3, retry_after=1)
    manager = workshop.manager()
    waits = []
    while (again := await manager.tick(job.tenant, job.id)) is not None:
        if (await workshop.load(job)).waiting:
            waits.append(again)
            assert states.deadline(await workshop.load(job)) == states.WAITING_DEADLINE
    done = await workshop.load(job)
    assert (done.status, done.waiting) == ("ready", False)
    assert waits == [1.0, 1.0, 1.0]
    assert [kind for kind, _ in await lines(workshop, done)].count("waiting") == 1
    assert len(account.jobs()) == 1


@pytest.mark.parametrize(
    ("state", "match", "status"),
    [("queued", UPLOAD, "queued"), ("uploading", UPLOAD, "uploading"), ("training", POLL, "training")],
)
async def test_a_job_that_takes_too_long_fails_and_ends_at_the_provider(
    slow_workshop: Workshop, state: str, match: dict[str, str], status: str
) -> None:
    workshop = slow_workshop
    job, account = await workshop.new_job()
    manager = workshop.manager()
    while (await workshop.load(job)).status != state:
        await manager.tick(job.tenant, job.id)
    allowed = states.TABLE[status].deadline  # type: ignore[index]  # the names are the table's
    assert allowed is not None
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - allowed - 60))
    await workshop.change(job, since=since)
    await run(manager, job)
    done = await workshop.load(job)
    assert (done.status, done.error and done.error.code) == ("failed", "deadline_exceeded")
    assert [one["status"] for one in account.jobs()] == (["cancelled"] if state == "training" else [])
    assert account.files() == []


async def test_the_cost_is_told_and_judged_before_anything_is_uploaded(workshop: Workshop) -> None:
    manager = workshop.manager()
    done, account = await made(workshop, base_model="gpt-4.1-mini-2025-04-14", options={"cost_limit_usd": 0.0001})
    assert (done.status, done.error and done.error.code) == ("failed", "cost_limit_exceeded")
    assert done.dataset is not None
    assert account.calls("POST") == []

    first, _ = await made(workshop, options={"price_per_million_tokens": 10.0})
    assert first.estimated_cost_usd is not None
    assert first.estimated_cost_usd > 0
    second, other = await workshop.new_job(options={"price_per_million_tokens": 10.0})
    await workshop.change_tenant(second, cost_limit_usd=first.estimated_cost_usd)
    await run(manager, second)
    assert (await workshop.load(second)).status == "ready"
    third = await workshop.another_job(second)
    await run(manager, third)
    refused = await workshop.load(third)
    assert refused.error is not None
    assert refused.error.code == "cost_limit_exceeded"
    assert len(other.jobs()) == 1

    unknown, _ = await made(workshop, base_model="sandbox-small", options={"cost_limit_usd": 5.0})
    assert unknown.error is not None
    assert "price_per_million_tokens" in unknown.error.message


async def test_a_job_on_another_base_is_trained_on_the_very_same_file(workshop: Workshop) -> None:
    first, account = await made(workshop, options={"keep_files": True})
    workshop.vault.write_text("")  # what it was made of is gone
    again = await workshop.another_job(first, source_job=first.id, base_model=OTHER_BASE)
    await run(workshop.manager(), again)
    done = await workshop.load(again)
    assert (done.status, done.dataset, done.base_model) == ("ready", first.dataset, OTHER_BASE)
    new, old = [account.ask("GET", f"/v1/files/{one['training_file']}/content").content for one in account.jobs()]
    assert new == old
    assert account.jobs()[0]["model"] == OTHER_BASE
