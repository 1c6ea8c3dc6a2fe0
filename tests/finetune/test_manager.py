"""One tick after the other against the sandbox: nothing is made twice, whatever breaks in between."""

import asyncio
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace

from finetune import records, steps
from finetune.backends.base import Order, ProviderJob, TryAgain
from finetune.backends.openai import OpenAIBackend
from finetune.manager import Manager
from finetune.values import Job
from gateway.store import keys
from gateway.store.audits import Kept
from tests.support.jobs import Workshop, run
from tests.support.sandbox import CREATE, POLL, UPLOAD
from tests.support.vaults import write_vault


class Impatient(OpenAIBackend):
    """Gives a create up after a moment, as the real one does after fifteen seconds."""

    async def create_job(self, order: Order) -> ProviderJob:
        """See Backend."""
        try:
            async with asyncio.timeout(0.3):
                return await super().create_job(order)
        except TimeoutError:
            raise TryAgain("The provider did not answer in time.", answered=False) from None


async def until(manager: Manager, workshop: Workshop, job: Job, status: str) -> Job:
    """Ticks until the job is in `status`."""
    for _ in range(200):
        now = await workshop.load(job)
        if now.status == status:
            return now
        again = await manager.tick(job.tenant, job.id)
        assert again is not None, await workshop.load(job)
        await asyncio.sleep(min(again, 0.05))
    raise AssertionError(f"never {status}")


async def kinds(workshop: Workshop, job: Job) -> list[str]:
    """What the job's timeline has lines of."""
    return [event.kind for event in (await records.timeline(workshop.store, job.id, 200, None))[0]]


async def audited(workshop: Workshop, tenant: str) -> list[Kept]:
    """The tenant's audit records."""
    found = await cast("Any", workshop.store.redis.xrange(keys.audit_of(tenant)))
    return [msgspec.json.decode(fields[b"record"], type=Kept) for _, fields in found]


async def test_a_job_goes_through_its_states_one_tick_at_a_time(workshop: Workshop) -> None:
    job, account = await workshop.new_job(hyperparameters={"n_epochs": 1}, options={"keep_files": True})
    manager = workshop.manager()
    seen = ["queued"]
    while await manager.tick(job.tenant, job.id) is not None:
        status = (await workshop.load(job)).status
        if status != seen[-1]:
            seen.append(status)
    done = await workshop.load(job)
    assert [*seen, done.status] == ["queued", "snapshotting", "uploading", "training", "ready"]
    assert done.dataset is not None
    assert [file["filename"] for file in account.files()] == [f"{job.uid}-{done.dataset.sha256}.jsonl"]
    assert len(account.jobs()) == 1
    assert await records.live(workshop.store) == []
    tenant = await workshop.tenant(job)
    assert tenant.fine_tunes[job.id].model == done.fine_tuned_model
    assert tenant.active is None
    [record] = await audited(workshop, job.tenant)
    assert (record.actor.type, record.action, record.tenant) == ("worker", "job.ready", job.tenant)
    assert record.after == {"job_id": job.id, "model": done.fine_tuned_model}
    assert await manager.tick(job.tenant, job.id) is None
    assert await manager.tick(job.tenant, "job_nothing") is None
    assert await manager.tick("nobody", job.id) is None


async def test_it_is_ready_only_once_the_model_answers(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("status", POLL, times=None, status="running")  # until the model has a name that can be refused
    manager = workshop.manager()
    await until(manager, workshop, job, "training")
    async with asyncio.timeout(10):
        while (model := account.jobs()[0]["fine_tuned_model"]) is None:  # noqa: ASYNC110 - a test's only waiting
            await asyncio.sleep(0.02)
    account.clear()
    account.order("refuse_model", {"path": "/v1/models/*"}, times=3, model=model)
    told = None
    while (now := await workshop.load(job)).status == "training":
        told = now.provider_status
        assert now.fine_tuned_model is None
        await manager.tick(job.tenant, job.id)
    assert told == "succeeded"  # the provider was done a while before the job was
    assert now.fine_tuned_model == model
    refused = [call for call in account.calls("GET", f"/v1/models/{model}") if call["status"] == 404]
    assert len(refused) >= 3


@pytest.mark.parametrize("fault", ["error_before", "error_after", "cut", "rate_limit"])
async def test_a_create_that_goes_wrong_makes_one_job(workshop: Workshop, fault: str) -> None:
    job, account = await workshop.new_job()
    account.order(fault, CREATE, **({"retry_after": 1} if fault == "rate_limit" else {}))
    await run(workshop.manager(), job)
    assert (await workshop.load(job)).status == "ready"
    assert len(account.jobs()) == 1
    told = "waiting" if fault == "rate_limit" else "retry"
    assert told in await kinds(workshop, job)


async def test_a_create_that_was_never_answered_is_found_by_whoever_sent_it(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("timeout_after", CREATE)
    await run(workshop.manager(backend=Impatient), job)
    assert (await workshop.load(job)).status == "ready"
    assert len(account.jobs()) == 1
    assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 1


@pytest.mark.parametrize("fault", ["error_before", "error_after", "cut"])
async def test_an_upload_that_goes_wrong_leaves_one_file(workshop: Workshop, fault: str) -> None:
    job, account = await workshop.new_job(options={"validation_share": 0.0, "keep_files": True})
    account.order(fault, UPLOAD)
    await run(workshop.manager(), job)
    assert (await workshop.load(job)).status == "ready"
    assert (len(account.jobs()), len(account.files())) == (1, 1)


async def test_whoever_did_not_save_finds_what_it_made(workshop: Workshop) -> None:
    """A process that dies between the provider's answer and its own save, at both places where it can."""
    job, account = await workshop.new_job(options={"validation_share": 0.0, "keep_files": True})
    manager = workshop.manager()
    before_upload = await until(manager, workshop, job, "uploading")
    await manager.tick(job.tenant, job.id)
    uploaded = await workshop.load(job)
    assert uploaded.training_file_id
    await workshop.change(job, training_file_id=None)
    await manager.tick(job.tenant, job.id)
    assert (await workshop.load(job)).training_file_id == uploaded.training_file_id

    await until(manager, workshop, job, "training")
    await workshop.change(job, status="uploading", provider_job_id=None, claimed_at=0.0)
    await run(manager, job)
    done = await workshop.load(job)
    assert done.status == "ready"
    assert (len(account.jobs()), len(account.files())) == (1, 1)
    assert before_upload.uid == done.uid


async def test_ticks_at_the_same_time_make_one_job(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    managers = [workshop.manager() for _ in range(4)]
    await until(managers[0], workshop, job, "uploading")
    while (await workshop.load(job)).status == "uploading":
        await asyncio.gather(*(manager.tick(job.tenant, job.id) for manager in managers))
    assert len(account.jobs()) == 1
    assert len(account.calls("POST", "/v1/fine_tuning/jobs")) == 1
    await run(managers[0], job)
    assert (await workshop.load(job)).status == "ready"


async def test_a_claim_of_somebody_else_is_waited_for(workshop: Workshop) -> None:
    import time

    job, account = await workshop.new_job()
    manager = workshop.manager()
    await until(manager, workshop, job, "uploading")
    await manager.tick(job.tenant, job.id)
    await workshop.change(job, claimed_at=time.time())
    again = await manager.tick(job.tenant, job.id)
    assert again is not None
    assert steps.SETTLE_SECONDS - 2 < again <= steps.SETTLE_SECONDS
    assert account.jobs() == []
    await workshop.change(job, claimed_at=time.time() - steps.SETTLE_SECONDS)
    await run(manager, job)
    assert len(account.jobs()) == 1


async def test_a_status_nobody_knows_is_waited_out(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("status", POLL, times=3, status="held_for_review")
    manager = workshop.manager()
    await until(manager, workshop, job, "training")
    await manager.tick(job.tenant, job.id)
    assert (await workshop.load(job)).provider_status == "held_for_review"
    await run(manager, job)
    assert (await workshop.load(job)).status == "ready"


async def test_a_job_that_has_gone_from_the_provider(workshop: Workshop) -> None:
    job, _ = await workshop.new_job()
    manager = workshop.manager()
    await until(manager, workshop, job, "training")
    await workshop.change(job, provider_job_id="ftjob-gone")
    await run(manager, job)
    done = await workshop.load(job)
    assert done.error is not None
    assert (done.status, done.error.code) == ("failed", "provider_job_missing")
    assert await records.live(workshop.store) == []


async def test_what_cannot_be_done_fails_with_its_reason(workshop: Workshop) -> None:
    write_vault(workshop.folder / "vaults" / "small.jsonl", 9)
    manager = workshop.manager()
    for code, api_key, changes in (
        ("provider_auth_failed", "wrong-key-entirely", {}),
        ("backend_not_supported_yet", None, {"backend": "anthropic"}),
        ("provider_not_configured", None, {"provider": "other"}),
        ("base_model_not_tunable", None, {"base_model": "gpt-nonsense"}),
    ):
        job, _ = await workshop.new_job(api_key=api_key, **changes)
        await run(manager, job)
        done = await workshop.load(job)
        assert done.error is not None
        assert (done.status, done.error.code) == ("failed", code)
        assert api_key is None or api_key not in done.error.message


async def test_a_vault_too_small_or_gone_uploads_nothing(workshop: Workshop) -> None:
    manager = workshop.manager()
    small, account = await workshop.new_job()
    vault = (await workshop.tenant(small)).vault
    assert vault is not None
    path = write_vault(workshop.folder / "vaults" / "small.jsonl", 9, 50)
    await workshop.change_tenant(small, vault=replace(vault, url=path.as_uri()))
    gone, other = await workshop.new_job()
    await workshop.change_tenant(gone, vault=replace(vault, url=path.with_name("gone.jsonl").as_uri()))
    outside, third = await workshop.new_job()
    await workshop.change_tenant(outside, vault=replace(vault, url="file:///etc/hostname"))
    for job, code in ((small, "vault_too_small"), (gone, "vault_unreadable"), (outside, "vault_unreadable")):
        await run(manager, job)
        done = await workshop.load(job)
        assert done.error is not None
        assert done.error.code == code
    assert account.calls() == other.calls() == third.calls() == []


@pytest.mark.parametrize("state", ["queued", "snapshotting", "uploading", "training"])
async def test_a_cancelled_job_ends_here_and_at_the_provider(slow_workshop: Workshop, state: str) -> None:
    workshop = slow_workshop
    job, account = await workshop.new_job()
    manager = workshop.manager()
    await until(manager, workshop, job, state)
    await workshop.change(job, cancel_requested=True)
    await run(manager, job)
    assert (await workshop.load(job)).status == "cancelled"
    assert [one["status"] for one in account.jobs()] == (["cancelled"] if state == "training" else [])
    assert await records.live(workshop.store) == []


async def test_a_deleted_tenants_job_is_cancelled_at_the_provider(slow_workshop: Workshop) -> None:
    workshop = slow_workshop
    job, account = await workshop.new_job()
    manager = workshop.manager()
    await until(manager, workshop, job, "training")
    await workshop.change_tenant(job, deleted=True)
    await run(manager, job)
    assert (await workshop.load(job)).status == "cancelled"
    assert [one["status"] for one in account.jobs()] == ["cancelled"]


async def test_a_provider_that_is_away_is_tried_again(workshop: Workshop) -> None:
    job, account = await workshop.new_job()
    account.order("error_before", {"path": "/v1/f*"}, times=4)
    manager = workshop.manager()
    waits = []
    while (again := await manager.tick(job.tenant, job.id)) is not None:
        waits.append(again)
        await asyncio.sleep(min(again, 0.05))
    assert (await workshop.load(job)).status == "ready"
    assert [wait for wait in waits if wait >= 1] == [1, 2, 4, 8]
    assert await workshop.store.row(keys.LIVE_JOBS, job.id) is None
