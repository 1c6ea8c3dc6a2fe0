"""A data set being built: told of, broken off when it is wanted no longer, one at a time, and by which settings."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from finetune import records
from finetune.records import Progress
from finetune.values import Job, settings_of
from gateway.store import keys
from gateway.store.connection import Write
from tests.support.jobs import Workshop, job_value, run
from tests.support.vaults import write_vault


async def reading(workshop: Workshop, job: Job) -> Progress:
    """How far it is, once it is somewhere."""
    async with asyncio.timeout(30):
        while True:
            found = await records.progress(workshop.store, [job.id])
            if found:
                return found[job.id]
            await asyncio.sleep(0.02)


async def test_a_build_is_told_of_and_ends_when_its_job_is_cancelled(workshop: Workshop) -> None:
    write_vault(workshop.vault, 20_000)
    job, account = await workshop.new_job()
    manager = workshop.manager()
    await manager.tick(job.tenant, job.id)
    building = asyncio.create_task(manager.tick(job.tenant, job.id))
    come = await reading(workshop, job)
    assert come.stage == "reading"
    assert come.done > 0
    second, _ = await workshop.new_job()
    await manager.tick(second.tenant, second.id)
    assert await manager.tick(second.tenant, second.id) == 1.0  # it waits for its turn
    assert (await workshop.load(second)).status == "snapshotting"
    await workshop.change(job, cancel_requested=True)
    await building
    written = Path(urlsplit(workshop.artifacts_url).path) / job.tenant / job.id
    assert not (written / "manifest.json").exists(), "it did not read to the end"
    await run(manager, job)
    assert (await workshop.load(job)).status == "cancelled"
    assert await records.progress(workshop.store, [job.id]) == {}
    assert account.calls() == []


async def test_a_worker_that_is_to_leave_breaks_its_build_off(workshop: Workshop) -> None:
    write_vault(workshop.vault, 20_000)
    job, _ = await workshop.new_job()
    manager = workshop.manager()
    await manager.tick(job.tenant, job.id)
    building = asyncio.create_task(manager.tick(job.tenant, job.id))
    await reading(workshop, job)
    manager.stop()
    await building
    assert (await workshop.load(job)).status == "snapshotting"
    write_vault(workshop.vault, 20)
    await run(workshop.manager(), job)
    assert (await workshop.load(job)).status == "ready"


@pytest.mark.parametrize(
    ("options", "redact", "writer", "share"),
    [
        ({}, "rules", "rules", 0.1),
        ({"redact": "off", "validation_share": 0.0}, "off", "rules", 0.0),
        ({"writer": "teacher", "validation_share": 0.25}, "rules", "teacher", 0.25),
    ],
)
def test_the_jobs_options_are_the_data_sets_settings(
    options: dict[str, object], redact: str, writer: str, share: float
) -> None:
    settings = settings_of(job_value(options=options))
    assert (settings.redact, settings.writer, settings.validation_share) == (redact, writer, share)


async def test_presidio_that_is_not_installed_is_told(workshop: Workshop) -> None:
    job, _ = await workshop.new_job(options={"redact": "presidio"})
    await run(workshop.manager(), job)
    done = await workshop.load(job)
    assert done.error is not None
    assert done.error.code == "vault_unreadable"
    assert "housestyle[presidio]" in done.error.message


async def test_a_store_that_goes_away_takes_no_other_build_its_place(workshop: Workshop) -> None:
    """What the tenant has spent is asked for before a build begins; here its answer cannot be read."""
    job, _ = await workshop.new_job()
    manager = workshop.manager()
    await manager.tick(job.tenant, job.id)
    await workshop.change_tenant(job, cost_limit_usd=5.0)
    damaged = Write(keys.jobs_of(job.tenant), records.new_id("job"), None, b"not json")
    await workshop.store.commit([damaged])
    assert await manager.tick(job.tenant, job.id) is not None
    await workshop.change_tenant(job, cost_limit_usd=None)
    await run(manager, job)
    assert (await workshop.load(job)).status == "ready"
