"""What becomes of a deleted tenant: nothing before its jobs are over, then its credentials, and what it left."""

from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import pytest

from finetune import leaving, records
from finetune.values import Job
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import KeyRow, TenantRow
from tests.support.jobs import Workshop, run
from tests.support.why import length, record, write


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
    await write(store, [record(number, tenant=job.tenant) for number, job in enumerate((over, other))])
    await write(store, [record(3, tenant=over.tenant, time="2026-11-22T12:00:00.000Z")], days=36_500)
    traces = await cast("Any", store.redis.keys(f"{keys.PREFIX}:why*:{over.tenant}*"))
    assert len(traces) == 4, "its records, its list of days, and two days"
    for job in (over, other):
        key = Write(keys.KEYS, f"key_of_{job.tenant}", None, b"{}")
        await store.commit([key, Write(keys.keys_of(job.tenant), key.field, None, b"{}")])
    former = keys.former_keys_of(over.tenant)
    await store.commit([Write(former, "key_of_yore", None, b'"Maria"')])
    await delete(workshop, over, mark)
    await leaving.finish(store, workshop.artifacts_url)

    tenant = await workshop.tenant(over)
    assert (tenant.deleted, tenant.providers, tenant.vault) == (True, {}, None)
    assert await store.fields(keys.LEAVING) == []
    assert await store.fields(keys.KEYS) == await store.fields(keys.keys_of(other.tenant)) == [f"key_of_{other.tenant}"]
    assert await store.fields(keys.keys_of(over.tenant)) == []
    kept = mark == b"keep"
    assert artifacts(workshop, over).exists() == kept
    for name in (*traces, keys.timeline_of(over.id), *map(keys.table, (keys.jobs_of(over.tenant), former))):
        assert bool(await cast("Any", store.redis.exists(name))) == kept, name
    assert await length(store, other.tenant) == 1
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


NOW = "2026-11-22T12:00:00.000Z"


async def deleted(store: Store, name: str) -> None:
    """A tenant without jobs that was deleted."""
    row = msgspec.json.encode(TenantRow(name, NOW, NOW, deleted=True))
    await store.commit([Write(keys.TENANTS, name, None, row), Write(keys.LEAVING, name, None, b"keep")])


async def key_of(store: Store, tenant: str, key_id: str, sha256: str) -> None:
    """A key of the tenant's that was used."""
    row = msgspec.json.encode(KeyRow(key_id, sha256, "caller", NOW, tenant))
    listed = Write(keys.keys_of(tenant), key_id, None, b"{}")
    await store.commit([Write(keys.KEYS, key_id, None, row), listed])
    await cast("Any", store.redis.hset(keys.LAST_USED, key_id, 1))


async def times(store: Store) -> list[bytes]:
    """The keys of which is known when they were last used."""
    return sorted(await cast("Any", store.redis.hkeys(keys.LAST_USED)))


async def test_of_its_keys_nothing_is_left_but_that_no_file_makes_them_again(store: Store, tmp_path: Path) -> None:
    await deleted(store, "acme")
    of_file, of_api, others = "f" * 64, "a" * 64, "b" * 64
    await key_of(store, "acme", "key_api", of_api)
    await key_of(store, "acme", f"key_{of_file[:32]}", of_file)
    await key_of(store, "other", "key_other", others)
    mark = b'{"path":"tenants.acme.keys","sealed":"v1."}'
    await store.commit([Write(keys.BOOTSTRAP, keys.bootstrap_key(of_file), None, mark)])
    await leaving.finish(store, tmp_path.as_uri())

    assert await store.fields(keys.KEYS) == ["key_other"]
    assert await store.fields(keys.keys_of("acme")) == []
    assert await times(store) == [b"key_other"]
    assert await store.fields(keys.BOOTSTRAP) == [f"keys.key_{'a' * 32}", f"keys.key_{'f' * 32}"]
    [made, kept] = await store.rows(keys.BOOTSTRAP, await store.fields(keys.BOOTSTRAP))
    assert made is not None
    assert made.body == b'{"path":"","sealed":""}'
    assert kept is not None
    assert kept.body == mark


async def test_a_key_whose_row_went_before_it_was_cut_off_is_forgotten_too(store: Store, tmp_path: Path) -> None:
    await deleted(store, "acme")
    await key_of(store, "acme", "key_api", "a" * 64)
    await store.commit([Write(keys.KEYS, "key_api", await store.row(keys.KEYS, "key_api"), None)])
    await leaving.finish(store, tmp_path.as_uri())
    assert await store.fields(keys.keys_of("acme")) == []
    assert await times(store) == []


async def test_a_damaged_row_keeps_no_other_tenant_from_leaving(store: Store, tmp_path: Path) -> None:
    for name in ("acme", "baker"):
        await deleted(store, name)
    await cast("Any", store.redis.hset(keys.table(keys.TENANTS), "acme", b"{}"))
    await leaving.finish(store, tmp_path.as_uri())
    assert await store.fields(keys.LEAVING) == ["acme"]


async def test_a_key_whose_row_is_damaged_goes(store: Store, tmp_path: Path) -> None:
    await deleted(store, "acme")
    await key_of(store, "acme", "key_api", "a" * 64)
    await cast("Any", store.redis.hset(keys.table(keys.KEYS), "key_api", b"{}"))
    await leaving.finish(store, tmp_path.as_uri())
    assert await store.fields(keys.KEYS) == await store.fields(keys.LEAVING) == []
    assert await times(store) == []


async def test_a_job_whose_tenant_cannot_be_told_holds_up_that_tenant_alone(store: Store, tmp_path: Path) -> None:
    for name in ("acme", "baker"):
        await deleted(store, name)
    await store.commit([Write(keys.jobs_of("acme"), "job_1", None, b"{}")])
    await cast("Any", store.redis.hset(keys.table(keys.LIVE_JOBS), "job_1", b"acme"))
    await leaving.finish(store, tmp_path.as_uri())
    assert await store.fields(keys.LEAVING) == ["acme"]
