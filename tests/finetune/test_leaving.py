"""What becomes of a deleted tenant: nothing before its jobs are over, then its credentials, and what it left."""

from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from finetune import leaving, records
from finetune.values import Job
from gateway.store import keys
from gateway.store.connection import Write
from tests.support.jobs import Workshop, run


async def delete(workshop: Workshop, job: Job, mark: bytes) -> None:
    """Deletes the job's tenant, as the admin API does."""
    await workshop.change_tenant(job, deleted=True)
    await workshop.store.commit([Write(keys.LEAVING, job.tenant, None, mark)])


def artifacts(workshop: Workshop, job: Job) -> Path:
    """The tenant's artifacts."""
    return Path(urlsplit(workshop.artifacts_url).path) / job.tenant


@pytest.mark.parametrize("mark", [b"keep", b"erase"])
async def test_a_tenant_leaves_once_its_jobs_are_over(workshop: Workshop, mark: bytes) -> None:
    store, manager = workshop.store, workshop.manager()
    over, _ = await workshop.new_job()
    await run(manager, over)
    other, _ = await workshop.new_job()
    await run(manager, other)
    records_kept = keys.why_of(over.tenant)
    await cast("Any", store.redis.xadd(records_kept, {"record": "{}"}))
    for job in (over, other):
        key = Write(keys.KEYS, f"key_of_{job.tenant}", None, b"{}")
        await store.commit([key, Write(keys.keys_of(job.tenant), key.field, None, b"{}")])
    await delete(workshop, over, mark)
    await leaving.finish(store, workshop.artifacts_url)

    tenant = await workshop.tenant(over)
    assert (tenant.deleted, tenant.providers, tenant.vault) == (True, {}, None)
    assert await store.fields(keys.LEAVING) == []
    assert await store.fields(keys.KEYS) == await store.fields(keys.keys_of(other.tenant)) == [f"key_of_{other.tenant}"]
    assert await store.fields(keys.keys_of(over.tenant)) == []
    kept = mark == b"keep"
    assert artifacts(workshop, over).exists() == kept
    for name in (records_kept, keys.timeline_of(over.id), keys.table(keys.jobs_of(over.tenant))):
        assert bool(await cast("Any", store.redis.exists(name))) == kept, name
    assert artifacts(workshop, other).exists()
    assert (await workshop.load(other)).status == "ready"
    await leaving.finish(store, workshop.artifacts_url)  # nothing more to do


async def test_its_credentials_stay_until_its_jobs_are_cancelled_at_the_provider(slow_workshop: Workshop) -> None:
    workshop = slow_workshop
    manager = workshop.manager()
    job, account = await workshop.new_job()
    while (await workshop.load(job)).status != "training":
        await manager.tick(job.tenant, job.id)
    await delete(workshop, job, b"erase")
    await leaving.finish(workshop.store, workshop.artifacts_url)
    assert (await workshop.tenant(job)).providers
    assert artifacts(workshop, job).exists()
    await run(manager, job)
    assert [one["status"] for one in account.jobs()] == ["cancelled"]
    await leaving.finish(workshop.store, workshop.artifacts_url)
    assert not artifacts(workshop, job).exists()
    assert (await workshop.tenant(job)).providers == {}
    assert await records.live(workshop.store) == []
    assert await workshop.store.fields(keys.LEAVING) == []
