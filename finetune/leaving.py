"""What becomes of a deleted tenant: its jobs end, then its credentials go, and, where asked, all that it left."""

import asyncio
from typing import Any, cast

import fsspec
import msgspec
import structlog
from msgspec.structs import replace

from finetune import records
from gateway.store import keys
from gateway.store.connection import Conflict, Store, Write, translated
from gateway.store.rows import tenant_row

log = structlog.get_logger(__name__)


async def finish(store: Store, artifacts_url: str) -> None:
    """Finishes the leaving of every deleted tenant whose jobs are over. Raises StoreUnavailable."""
    leaving = await store.fields(keys.LEAVING)
    if not leaving:
        return
    busy = {tenant for tenant, _ in await records.live(store)}
    for tenant in leaving:
        if tenant in busy:
            continue
        try:
            await _finish(store, tenant, artifacts_url)
        except OSError:  # the artifacts' place; the other tenants need not wait for it
            log.exception("tenant_cannot_leave", tenant=tenant)


async def _finish(store: Store, tenant: str, artifacts_url: str) -> None:
    mark = await store.row(keys.LEAVING, tenant)
    row = await store.row(keys.TENANTS, tenant)
    if mark is None or row is None:
        return
    after = replace(tenant_row(row), providers={}, vault=None)
    writes = [
        Write(keys.TENANTS, tenant, row, msgspec.json.encode(after)),
        Write(keys.LEAVING, tenant, mark, None),
    ]
    try:
        await _drop_keys(store, tenant)
        if mark.body == b"erase":
            await _erase(store, tenant, artifacts_url)
        await store.commit(writes)
    except Conflict:
        return  # looked at again in a moment
    log.info("tenant_left", tenant=tenant, erased=mark.body == b"erase")


async def _drop_keys(store: Store, tenant: str) -> None:
    """The rows of keys that stopped with their tenant."""
    table = keys.keys_of(tenant)
    for key_id in await store.fields(table):
        rows = [(name, await store.row(name, key_id)) for name in (keys.KEYS, table)]
        await store.commit([Write(name, key_id, row, None) for name, row in rows if row is not None])


async def _erase(store: Store, tenant: str, artifacts_url: str) -> None:
    """Every artifact, job, timeline and Why record of the tenant. Can be cut off anywhere and run again."""
    await asyncio.to_thread(_remove, f"{artifacts_url.rstrip('/')}/{tenant}")
    jobs = await store.fields(keys.jobs_of(tenant))
    doomed = [keys.timeline_of(job_id) for job_id in jobs]
    doomed += [
        keys.why_of(tenant),
        keys.table(keys.first_answers_of(tenant)),
        keys.table(keys.jobs_of(tenant)),
    ]
    with translated():
        await cast("Any", store.redis.unlink(*doomed))


def _remove(url: str) -> None:
    filesystem, path = fsspec.core.url_to_fs(url)
    if filesystem.exists(path):
        filesystem.rm(path, recursive=True)
