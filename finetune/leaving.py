"""What becomes of a deleted tenant: its jobs end, then its credentials go, and, where asked, all that it left."""

import asyncio
import contextlib
from typing import Any, cast

import msgspec
import structlog
from msgspec.structs import replace

from finetune import records
from finetune.retention import remove_folder
from gateway.store import keys
from gateway.store.connection import Conflict, Store, Write, translated
from gateway.store.rows import Row, key_row, tenant_row

log = structlog.get_logger(__name__)

_KEYS_AT_ONCE = 250


async def finish(store: Store, artifacts_url: str) -> None:
    """Finishes the leaving of every deleted tenant whose jobs are over. Raises StoreUnavailable."""
    leaving = await store.fields(keys.LEAVING)
    if not leaving:
        return
    live = await records.live(store)
    busy = {tenant for tenant, _ in live}
    damaged = [job_id for tenant, job_id in live if not tenant]  # rows that do not tell whose job it is
    for tenant in leaving:
        if tenant in busy or any(await store.rows(keys.jobs_of(tenant), damaged)):
            continue
        try:
            await _finish(store, tenant, artifacts_url)
        except (OSError, msgspec.MsgspecError):  # the artifacts' place, or a damaged row: the others need not wait
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
    """The keys that stopped with their tenant, and when they were last used; no bootstrap file brings one back.

    A key is listed until all else of it is gone, so that what was cut off is found again.
    """
    table = keys.keys_of(tenant)
    listed = await store.fields(table)
    for start in range(0, len(listed), _KEYS_AT_ONCE):
        ids = listed[start : start + _KEYS_AT_ONCE]
        rows = await store.rows(keys.KEYS, ids)
        dropped = [Write(keys.KEYS, key_id, row, None) for key_id, row in zip(ids, rows, strict=True) if row]
        if dropped:
            await store.commit([*dropped, *await _tombstones(store, rows)])
        with translated():  # after its row: a time is written as long as that is there
            await cast("Any", store.redis.hdel(keys.LAST_USED, *ids))
        entries = zip(ids, await store.rows(table, ids), strict=True)
        await store.commit([Write(table, key_id, row, None) for key_id, row in entries])


async def _tombstones(store: Store, found: list[Row | None]) -> list[Write]:
    """What keeps a bootstrap file from making the keys again, where that is not there already."""
    fields: set[str] = set()
    for row in found:
        if row is not None:
            with contextlib.suppress(msgspec.MsgspecError):  # whose hash it was cannot be told
                fields.add(keys.bootstrap_key(key_row(row).sha256))
    names = sorted(fields)
    marks = await store.rows(keys.BOOTSTRAP, names)
    missing = [name for name, mark in zip(names, marks, strict=True) if mark is None]
    return [Write(keys.BOOTSTRAP, name, None, keys.TOMBSTONE) for name in missing]


async def _erase(store: Store, tenant: str, artifacts_url: str) -> None:
    """Every artifact, job, timeline and Why record of the tenant, and what was counted of its calls.

    Can be cut off anywhere and run again.
    """
    await asyncio.to_thread(remove_folder, f"{artifacts_url.rstrip('/')}/{tenant}")
    jobs = await store.fields(keys.jobs_of(tenant))
    doomed = [keys.timeline_of(job_id) for job_id in jobs]
    with translated():
        days = await cast("Any", store.redis.zrange(keys.why_days_of(tenant), 0, -1))
    doomed += [keys.why_day_of(tenant, day.decode()) for day in days]
    doomed += [
        keys.why_days_of(tenant),
        keys.why_of(tenant),
        keys.table(keys.first_answers_of(tenant)),
        keys.table(keys.curves_of(tenant)),
        keys.table(keys.former_keys_of(tenant)),
        keys.table(keys.jobs_of(tenant)),
    ]
    with translated():
        await cast("Any", store.redis.unlink(*doomed))
